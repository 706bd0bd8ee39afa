"""Draws the job tab: the job's file, parameters, attempts, warnings and traces."""

from collections.abc import Sequence

from tui.render.job_labels import part_label
from tui.render.sentences import indented_sentence, wrap_sentence
from tui.text.formats import format_channels, format_duration, format_speed
from tui.text.width import cell_width, clean
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobState, JobStatus
from workers.traces.files import log_of
from workers.traces.format import TraceHead
from workers.traces.tail import TraceTail

LABEL_WIDTH = 12  # cells of a field's name
MIN_INLINE_WIDTH = 40  # narrower screens show values below names


def details_lines(
    job_state: JobState, trace_tail: TraceTail | None, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Draws the sections of the job tab; omits values that are not known yet."""
    head = trace_tail.head if trace_tail else None
    lines = detail_section("file", file_fields(job_state, head), cells)
    lines += detail_section("session", session_fields(job_state, head), cells)
    lines += detail_section("parameters", parameter_fields(job_state, head), cells)
    if attempts := attempt_lines(job_state, cells, symbols):
        lines += [[(" attempts", Role.HEADING)], *attempts, []]
    lines += warning_lines(job_state, cells, symbols)
    return lines + trace_lines([trace_tail] if trace_tail else [], cells)


def warning_lines(job_state: JobState, cells: int, symbols: Symbols) -> list[StyledLine]:
    """Lists the warnings, below a heading if there are any."""
    if not job_state.warnings:
        return []
    lines: list[StyledLine] = [[(" warnings", Role.HEADING)]]
    for text in job_state.warnings:
        lines += indented_sentence(symbols.warning, clean(text), Role.WARNING, cells)
    return [*lines, []]


def trace_lines(tails: Sequence[TraceTail], cells: int) -> list[StyledLine]:
    """Lists the files of every attempt."""
    paths = [path for tail in tails for path in tail.paths]
    traces = [field for path in paths for field in (("trace", path), ("log", log_of(path)))]
    fields = [(name, str(at)) for name, at in traces]
    return detail_section("traces and logs", fields, cells)


def detail_section(title: str, fields: Sequence[tuple[str, str]], cells: int) -> list[StyledLine]:
    """Draws a section of the tab; omits fields without a value."""
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


def file_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    """What is known about the file."""
    fields = [("path", job_state.file)]
    if job_state.rate:
        channels = format_channels(job_state.channels)
        fields += [
            ("format", f"{job_state.format}, {job_state.rate} Hz, {channels}"),
            _length_field(job_state),
            ("same as", job_state.same_as),
        ]
    fields += job_state.metadata
    if head is not None and head.recording is not None:
        fields.append(("size", f"{head.recording.size:,} bytes"))
    return [*fields, ("SHA-256", job_state.sha256)]


def _length_field(job_state: JobState) -> tuple[str, str]:
    """The length of the file; of a part, where it is and how long."""
    seconds = max(0.0, job_state.file_seconds - job_state.start_seconds)
    length = format_duration(seconds, is_exact=job_state.is_exact)
    if job_state.is_exact:
        text = f"{length} ({seconds:.3f} s)"
    else:
        text = f"{length}, {'still being written' if job_state.is_growing else 'estimated'}"
    part = part_label(job_state)
    return ("part", f"{part}, {text}") if part else ("length", text)


def _audio_field(job_state: JobState) -> tuple[str, str]:
    """Seconds in the file, decoded and sent in the latest attempt, as its certificate has them."""
    certificate = job_state.ended.certificate if job_state.ended else None
    if certificate is None or certificate.read is None:
        return ("audio", "")
    read = certificate.read
    in_file = f"{read.file_seconds:.3f} s in the file, " if read.file_seconds is not None else ""
    text = f"{in_file}{read.decoded_seconds:.3f} s decoded, {certificate.audio_seconds:.3f} s sent"
    fault = ": they should be equal" if certificate.has_audio_fault else ""
    if read.is_unchanged is False:
        fault = ": the file changed meanwhile"
    return ("audio", text + fault)


def session_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    """What is known about the session."""
    fields = [("endpoint", head.endpoint if head else "")]
    if began := job_state.began:
        fields += [
            ("session id", began.session_id),
            ("model", began.model),
            ("connect", f"{began.connect_ms:.1f} ms, then {began.begin_ms:.1f} ms until Begin"),
        ]
    fields.append(_audio_field(job_state))
    if job_state.open_seconds:
        fields.append(("socket open", f"{format_duration(job_state.open_seconds)} in total"))
    return fields


def parameter_fields(job_state: JobState, head: TraceHead | None) -> list[tuple[str, str]]:
    """The parameters as they were sent; they never contain the API key."""
    if head is None:
        return []
    settings = head.settings
    rate = job_state.began.sample_rate if job_state.began else settings.rate or 0
    query = settings.query_params(rate) if rate else dict(settings.params)
    chunks = f"{settings.chunk_ms} ms, each sent at the {settings.release.value} of its interval"
    if settings.speed != 1:
        chunks += f", {format_speed(settings.speed)}"
    return [*query.items(), ("chunks", chunks)]


def attempt_lines(job_state: JobState, cells: int, symbols: Symbols) -> list[StyledLine]:
    """Lists every finished attempt with its outcome, then the running or next attempt."""
    number, start_s = job_state.attempt, job_state.started_from.at_ms / 1000
    finished = [
        (earlier.number, earlier.started_from.at_ms / 1000, earlier.ended)
        for earlier in job_state.earlier_attempts
    ]
    if job_state.ended is not None:
        finished.append((number, start_s, job_state.ended))
    lines: list[StyledLine] = []
    for attempt, from_s, ended in finished:
        status = JobStatus.from_outcome(ended.outcome)
        role = {JobStatus.DONE: Role.SUCCESS, JobStatus.FAILED: Role.ERROR}.get(status, Role.MUTED)
        end_s = max(ended.sent_seconds, from_s)
        sent = f"{format_duration(from_s)} to {format_duration(end_s)}"
        code = "" if ended.code is None else f", code {ended.code}"
        outcome = ended.outcome.value.replace("_", " ")
        text = f"attempt {attempt}, {sent}: {outcome}{code}: {ended.reason}"
        lines += indented_sentence(symbols.status[status], clean(text), role, cells)
        if ended.hint:
            lines += indented_sentence(f"  {symbols.hint}", clean(ended.hint), Role.TEXT, cells)
    sign = symbols.status[job_state.status]
    if job_state.ended is None and job_state.status.is_live:
        text = f"attempt {number} from {format_duration(start_s)} is running"
        lines += indented_sentence(sign, clean(text), Role.LIVE, cells)
    elif job_state.ended is None and job_state.retrying is not None:
        sign = symbols.status[JobStatus.RETRYING]
        text = f"attempt {number} will follow: {job_state.retrying.reason}"
        lines += indented_sentence(sign, clean(text), Role.WARNING, cells)
    return lines
