"""Everything that is known of a job, in words: file, parameters, attempts, what went wrong."""

from collections.abc import Sequence

from tui.model.trace_tail import Record
from tui.render.transcript_layout import said
from tui.text import formats
from tui.text.width import clean, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.errors import Malformed
from workers.jobs.events import Ended
from workers.jobs.job import Settings
from workers.jobs.job_state import JobHistory, Status
from workers.protocol import codec
from workers.protocol.codec import JsonObject

LABEL = 12
"""Cells of what a fact is called."""

NARROW = 40
"""Below so many cells a fact stands under what it is called."""


def about(history: JobHistory, record: Record | None, cells: int, symbols: Symbols) -> list[Line]:
    """In sections; what is not known yet is left out."""
    heads = record.heads if record else {}
    head = heads[max(heads)] if heads else {}
    lines = _section("file", _file(history, head), cells)
    lines += _section("session", _session(history, head), cells)
    lines += _section("parameters", _parameters(history, head), cells)
    lines += _attempts(history, cells, symbols)
    lines += _warnings(history, cells, symbols)
    paths = [] if record is None else [str(path) for path in record.paths]
    return lines + _section("traces and logs", _traces(paths), cells)


def _section(title: str, facts: Sequence[tuple[str, str]], cells: int) -> list[Line]:
    told = [(name, value) for name, value in facts if value]
    if not told:
        return []
    lines: list[Line] = [[(f" {title}", Role.HEADING)]]
    for name, value in told:
        label = f"  {name:<{LABEL}}"
        if cells < NARROW:
            lines.append([(label, Role.FAINT)])
            label = " " * 3
        rows = said("", clean(value), Role.TEXT, max(cells - width(label), 2))
        for number, row in enumerate(rows):
            lines.append([(label if not number else " " * width(label), Role.FAINT), *row])
    return [*lines, []]


def _file(history: JobHistory, head: JsonObject) -> list[tuple[str, str]]:
    recording = head.get("recording")
    size = recording.get("size") if isinstance(recording, dict) else None
    facts = [("path", history.file)]
    if history.rate:
        channels = {1: "mono", 2: "stereo"}.get(history.channels, f"{history.channels} channels")
        facts += [
            ("format", f"{history.format}, {history.rate} Hz, {channels}"),
            ("length", f"{formats.clock(history.total_seconds)} ({history.total_seconds:.3f} s)"),
        ]
    if isinstance(size, int):
        facts.append(("size", f"{size:,} bytes"))
    return [*facts, ("SHA-256", history.sha256)]


def _session(history: JobHistory, head: JsonObject) -> list[tuple[str, str]]:
    facts = [("endpoint", str(head.get("endpoint") or ""))]
    if began := history.began:
        facts += [
            ("session id", began.session_id),
            ("model", began.model),
            ("connect", f"{began.connect_ms:.1f} ms, then {began.begin_ms:.1f} ms until Begin"),
        ]
    if history.open_seconds:
        facts.append(("socket open", f"{formats.clock(history.open_seconds)} in all"))
    return facts


def _parameters(history: JobHistory, head: JsonObject) -> list[tuple[str, str]]:
    """As they went out; a key is never among them."""
    told = head.get("settings")
    if not isinstance(told, dict):
        return []
    try:
        settings = codec.read(Settings, told, "settings")
    except Malformed:
        return []
    rate = history.began.sample_rate if history.began else settings.rate or 0
    query = settings.query(rate) if rate else dict(settings.params)
    chunks = f"{settings.chunk_ms} ms, each released at the {settings.release.value} of its time"
    return [*((name, value) for name, value in query.items()), ("chunks", chunks)]


def _attempts(history: JobHistory, cells: int, symbols: Symbols) -> list[Line]:
    lines: list[Line] = []
    for each in history.earlier:
        lines += _attempt(each.number, each.seam.at_ms / 1000, each.ended, cells, symbols)
    if history.ended is not None:
        begun = history.begun_at.at_ms / 1000
        lines += _attempt(history.attempt, begun, history.ended, cells, symbols)
    elif history.status.live:
        place = formats.clock(history.begun_at.at_ms / 1000)
        text = f"attempt {history.attempt} from {place} goes on"
        lines += _indented(symbols.status[history.status], text, Role.LIVE, cells)
    elif history.retrying is not None:
        sign = symbols.status[Status.RETRYING]
        text = f"attempt {history.attempt} is to come: {history.retrying.reason}"
        lines += _indented(sign, text, Role.LATE, cells)
    return [[(" attempts", Role.HEADING)], *lines, []] if lines else []


def _attempt(number: int, begun: float, ended: Ended, cells: int, symbols: Symbols) -> list[Line]:
    status = Status.of(ended.outcome)
    role = {Status.DONE: Role.GOOD, Status.FAILED: Role.BAD}.get(status, Role.MUTED)
    sent = f"{formats.clock(begun)} to {formats.clock(max(ended.sent_seconds, begun))}"
    code = "" if ended.code is None else f", code {ended.code}"
    outcome = ended.outcome.value.replace("_", " ")
    text = f"attempt {number}, {sent}: {outcome}{code}: {ended.reason}"
    lines = _indented(symbols.status[status], text, role, cells)
    if ended.hint:
        lines += _indented(f"  {symbols.hint}", ended.hint, Role.TEXT, cells)
    return lines


def _warnings(history: JobHistory, cells: int, symbols: Symbols) -> list[Line]:
    if not history.warnings:
        return []
    rows = [_indented(symbols.warning, each, Role.LATE, cells) for each in history.warnings]
    return [[(" warnings", Role.HEADING)], *(line for lines in rows for line in lines), []]


def _indented(sign: str, text: str, role: Role, cells: int) -> list[Line]:
    return [[("  ", role), *row] for row in said(sign, clean(text), role, max(cells - 2, 4))]


def _traces(paths: Sequence[str]) -> list[tuple[str, str]]:
    """The log of a session has its trace's name."""
    facts = []
    for path in paths:
        facts += [("trace", path), ("log", path.removesuffix(".trace.jsonl") + ".log")]
    return facts
