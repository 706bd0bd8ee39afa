"""Plain text: only the words of a transcript, ready to be pasted.

One turn a line, no header, no times. A turn that never became final, because the session was
cancelled or lost, ends in ``[unfinished]``. Where a further attempt continued, there is a line
``[attempt 2 goes on from 1:02]``.

All recordings in one file: each follows its heading ``=== path of the recording ===``; empty lines
separate them.
"""

from collections.abc import Iterable

from workers.exports.sanitise import single_line
from workers.jobs.attempt_spans import AttemptSpan, attempt_spans, span_of_turn
from workers.jobs.job_state import JobState

UNFINISHED_MARK = "[unfinished]"


def txt_of(state: JobState) -> str:
    """The transcript of one job."""
    attempts = attempt_spans(state)
    here, rows = attempts[0], []
    for line in state.transcript.lines:
        if not (text := single_line(line.text)):
            continue
        if here != (here := span_of_turn(attempts, line.turn_order)):
            rows.append(f"[{resume_note(here)}]")
        rows.append(text if line.is_final else f"{text} {UNFINISHED_MARK}")
    return "".join(f"{row}\n" for row in rows)


def txt_of_all(states: Iterable[JobState]) -> str:
    """The transcripts of all jobs."""
    return "\n".join(f"=== {single_line(state.file)} ===\n{txt_of(state)}" for state in states)


def resume_note(span: AttemptSpan) -> str:
    """A note that a further attempt continued from here; contains no foreign text."""
    minutes, seconds = divmod(span.start.at_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"attempt {span.attempt} goes on from {clock}"
