"""Everything that is known of a job, in words: file, parameters, attempts, what went wrong."""

from collections.abc import Sequence
from pathlib import Path

from tui.render.transcript_layout import wrap_sentence
from tui.text import formats
from tui.text.width import cell_width, clean
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.events import Ended
from workers.jobs.job_state import JobState, JobStatus
from workers.traces.files import log_of
from workers.traces.format import TraceHead
from workers.traces.tail import TraceTail

LABEL_WIDTH = 12
"""Cells of what a fact is called."""

MIN_INLINE_WIDTH = 40
"""Below so many cells a fact stands under what it is called."""


def details_lines(
    job_state: JobState, trace_tail: TraceTail | None, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """In sections; what is not known yet is left out."""
    heads = trace_tail.heads if trace_tail else {}
    head = heads[max(heads)] if heads else None
    lines = _section("file", _file_fields(job_state, head), cells)
    lines += _section("session", _session_fields(job_state, head), cells)
    lines += _section("parameters", _parameter_fields(job_state, head), cells)
    lines += _attempts_section(job_state, cells, symbols)
    lines += _warnings_section(job_state, cells, symbols)
    paths = [] if trace_tail is None else trace_tail.paths
    return lines + _section("traces and logs", _trace_fields(paths), cells)


def _section(title: str, fields: Sequence[tuple[str, str]], cells: int) -> list[StyledLine]:
    told = [(name, value) for name, value in fields if value]
    if not told:
        return []
    lines: list[StyledLine] = [[(f" {title}", Role.HEADING)]]
    for name, value in told:
        label = f"  {name:<{LABEL_WIDTH}}"
        if cells < MIN_INLINE_WIDTH:
            lines.append([(label, Role.FAINT)])
            label = " " * 3
        rows = wrap_sentence("", clean(value), Role.TEXT, max(cells - cell_width(label), 2))
        for number, row in enumerate(rows):
            lines.append([(label if not number else " " * cell_width(label), Role.FAINT), *row])
    return [*lines, []]


def _file_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    facts = [("path", job_state.file)]
    if job_state.rate:
        channels = {1: "mono", 2: "stereo"}.get(
            job_state.channels, f"{job_state.channels} channels"
        )
        length = formats.format_duration(job_state.total_seconds)
        facts += [
            ("format", f"{job_state.format}, {job_state.rate} Hz, {channels}"),
            ("length", f"{length} ({job_state.total_seconds:.3f} s)"),
        ]
    if head is not None and head.recording is not None:
        facts.append(("size", f"{head.recording.size:,} bytes"))
    return [*facts, ("SHA-256", job_state.sha256)]


def _session_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    facts = [("endpoint", head.endpoint if head else "")]
    if began := job_state.began:
        facts += [
            ("session id", began.session_id),
            ("model", began.model),
            ("connect", f"{began.connect_ms:.1f} ms, then {began.begin_ms:.1f} ms until Begin"),
        ]
    if job_state.open_seconds:
        facts.append(("socket open", f"{formats.format_duration(job_state.open_seconds)} in all"))
    return facts


def _parameter_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    """As they went out; a key is never among them."""
    if head is None:
        return []
    settings = head.settings
    rate = job_state.began.sample_rate if job_state.began else settings.rate or 0
    query = settings.query_params(rate) if rate else dict(settings.params)
    chunks = f"{settings.chunk_ms} ms, each released at the {settings.release.value} of its time"
    return [*((name, value) for name, value in query.items()), ("chunks", chunks)]


def _attempts_section(job_state: JobState, cells: int, symbols: Symbols) -> list[StyledLine]:
    lines: list[StyledLine] = []
    for each in job_state.earlier_attempts:
        lines += _attempt_lines(
            each.number, each.started_from.at_ms / 1000, each.ended, cells, symbols
        )
    if job_state.ended is not None:
        begun = job_state.started_from.at_ms / 1000
        lines += _attempt_lines(job_state.attempt, begun, job_state.ended, cells, symbols)
    elif job_state.status.is_live:
        place = formats.format_duration(job_state.started_from.at_ms / 1000)
        text = f"attempt {job_state.attempt} from {place} goes on"
        lines += _indented_sentence(symbols.status[job_state.status], text, Role.LIVE, cells)
    elif job_state.retrying is not None:
        sign = symbols.status[JobStatus.RETRYING]
        text = f"attempt {job_state.attempt} is to come: {job_state.retrying.reason}"
        lines += _indented_sentence(sign, text, Role.WARNING, cells)
    return [[(" attempts", Role.HEADING)], *lines, []] if lines else []


def _attempt_lines(
    number: int, start_s: float, ended: Ended, cells: int, symbols: Symbols
) -> list[StyledLine]:
    status = JobStatus.from_outcome(ended.outcome)
    role = {JobStatus.DONE: Role.SUCCESS, JobStatus.FAILED: Role.ERROR}.get(status, Role.MUTED)
    end_s = max(ended.sent_seconds, start_s)
    sent = f"{formats.format_duration(start_s)} to {formats.format_duration(end_s)}"
    code = "" if ended.code is None else f", code {ended.code}"
    outcome = ended.outcome.value.replace("_", " ")
    text = f"attempt {number}, {sent}: {outcome}{code}: {ended.reason}"
    lines = _indented_sentence(symbols.status[status], text, role, cells)
    if ended.hint:
        lines += _indented_sentence(f"  {symbols.hint}", ended.hint, Role.TEXT, cells)
    return lines


def _warnings_section(job_state: JobState, cells: int, symbols: Symbols) -> list[StyledLine]:
    if not job_state.warnings:
        return []
    rows = [
        _indented_sentence(symbols.warning, each, Role.WARNING, cells)
        for each in job_state.warnings
    ]
    return [[(" warnings", Role.HEADING)], *(line for lines in rows for line in lines), []]


def _indented_sentence(sign: str, text: str, role: Role, cells: int) -> list[StyledLine]:
    return [
        [("  ", role), *row] for row in wrap_sentence(sign, clean(text), role, max(cells - 2, 4))
    ]


def _trace_fields(paths: Sequence[Path]) -> list[tuple[str, str]]:
    facts = []
    for path in paths:
        facts += [("trace", str(path)), ("log", str(log_of(path)))]
    return facts
