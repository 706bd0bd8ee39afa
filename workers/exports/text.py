"""The transcript as plain text: the words and nothing else, since people paste them.

One turn a line, no header, no times. A turn that never became final (the session was cancelled or
lost while it was spoken) stands there as far as it was heard, and ends in ``[unfinished]``. Where a
further attempt took over, ``[attempt 2 goes on from 1:02]`` stands on a line of its own.

All recordings in one file: each below ``=== path of the recording ===``, an empty line between.
"""

from collections.abc import Iterable

from workers.exports import seams
from workers.exports.foreign import single_line
from workers.jobs.attempt_spans import attempt_spans, span_of_turn
from workers.jobs.job_state import JobState

UNFINISHED_MARK = "[unfinished]"


def txt_of(state: JobState) -> str:
    """Every turn with words on a line of its own; empty when nothing was heard."""
    attempts = attempt_spans(state)
    here, rows = attempts[0], []
    for line in state.transcript.lines:
        if not (text := single_line(line.text)):
            continue
        if here != (here := span_of_turn(attempts, line.turn_order)):
            rows.append(f"[{seams.resume_note(here)}]")
        rows.append(text if line.is_final else f"{text} {UNFINISHED_MARK}")
    return "".join(f"{row}\n" for row in rows)


def txt_of_all(states: Iterable[JobState]) -> str:
    """Every recording below its path, also one in which nothing was heard."""
    return "\n".join(f"=== {single_line(each.file)} ===\n{txt_of(each)}" for each in states)
