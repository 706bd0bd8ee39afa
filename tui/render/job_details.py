"""Everything known about a job in words: file, parameters, attempts, warnings, traces."""

from collections.abc import Sequence
from pathlib import Path

from tui.render.sentences import indented_sentence, wrap_sentence
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
"""Cells of a field's name."""

MIN_INLINE_WIDTH = 40
"""In fewer cells, a value stands below its name instead of beside it."""


def details_lines(
    job_state: JobState, trace_tail: TraceTail | None, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """The sections of the job tab, without what is not known yet."""
    head = trace_tail.head if trace_tail else None
    lines = _section("file", _file_fields(job_state, head), cells)
    lines += _section("session", _session_fields(job_state, head), cells)
    lines += _section("parameters", _parameter_fields(job_state, head), cells)
    lines += _attempts_section(job_state, cells, symbols)
    lines += _warnings_section(job_state, cells, symbols)
    paths = [] if trace_tail is None else trace_tail.paths
    return lines + _section("traces and logs", _trace_fields(paths), cells)


def _section(title: str, fields: Sequence[tuple[str, str]], cells: int) -> list[StyledLine]:
    known = [(name, value) for name, value in fields if value]
    if not known:
        return []
    lines: list[StyledLine] = [[(f" {title}", Role.HEADING)]]
    for name, value in known:
        label = f"  {name:<{LABEL_WIDTH}}"
        if cells < MIN_INLINE_WIDTH:
            lines.append([(label, Role.FAINT)])
            label = " " * 3
        rows = wrap_sentence("", clean(value), Role.TEXT, max(cells - cell_width(label), 2))
        for number, row in enumerate(rows):
            lines.append([(label if not number else " " * cell_width(label), Role.FAINT), *row])
    return [*lines, []]


def _file_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    fields = [("path", job_state.file)]
    if job_state.rate:
        channels = formats.format_channels(job_state.channels)
        length = formats.format_duration(job_state.total_seconds)
        fields += [
            ("format", f"{job_state.format}, {job_state.rate} Hz, {channels}"),
            ("length", f"{length} ({job_state.total_seconds:.3f} s)"),
        ]
    if head is not None and head.recording is not None:
        fields.append(("size", f"{head.recording.size:,} bytes"))
    return [*fields, ("SHA-256", job_state.sha256)]


def _session_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    fields = [("endpoint", head.endpoint if head else "")]
    if began := job_state.began:
        fields += [
            ("session id", began.session_id),
            ("model", began.model),
            ("connect", f"{began.connect_ms:.1f} ms, then {began.begin_ms:.1f} ms until Begin"),
        ]
    if job_state.open_seconds:
        fields.append(("socket open", f"{formats.format_duration(job_state.open_seconds)} in all"))
    return fields


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
        text = f"attempt {job_state.attempt} from {place} is running"
        lines += indented_sentence(symbols.status[job_state.status], clean(text), Role.LIVE, cells)
    elif job_state.retrying is not None:
        sign = symbols.status[JobStatus.RETRYING]
        text = f"attempt {job_state.attempt} will follow: {job_state.retrying.reason}"
        lines += indented_sentence(sign, clean(text), Role.WARNING, cells)
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
    lines = indented_sentence(symbols.status[status], clean(text), role, cells)
    if ended.hint:
        lines += indented_sentence(f"  {symbols.hint}", clean(ended.hint), Role.TEXT, cells)
    return lines


def _warnings_section(job_state: JobState, cells: int, symbols: Symbols) -> list[StyledLine]:
    if not job_state.warnings:
        return []
    lines: list[StyledLine] = [[(" warnings", Role.HEADING)]]
    for warning in job_state.warnings:
        lines += indented_sentence(symbols.warning, clean(warning), Role.WARNING, cells)
    return [*lines, []]


def _trace_fields(paths: Sequence[Path]) -> list[tuple[str, str]]:
    fields = []
    for path in paths:
        fields += [("trace", str(path)), ("log", str(log_of(path)))]
    return fields
