"""The transcript as plain text: the words and nothing else, since people paste them.

One turn a line, no header, no times. A turn that never became final (the session was cancelled or
lost while it was spoken) stands there as far as it was heard, and ends in ``[unfinished]``. Where a
further attempt took over, ``[attempt 2 goes on from 1:02]`` stands on a line of its own.

All recordings in one file: each below ``=== path of the recording ===``, an empty line between.
"""

from collections.abc import Iterable

from workers.exports import seams
from workers.exports.foreign import one_line
from workers.jobs.attempt_spans import heard_by, takeovers
from workers.jobs.job_state import JobHistory

UNFINISHED = "[unfinished]"


def txt(history: JobHistory) -> str:
    """Every turn with words on a line of its own; empty when nothing was heard."""
    attempts = takeovers(history)
    here, rows = attempts[0], []
    for line in history.transcript.lines:
        if not (text := one_line(line.text)):
            continue
        if here != (here := heard_by(attempts, line.order)):
            rows.append(f"[{seams.words(here)}]")
        rows.append(text if line.final else f"{text} {UNFINISHED}")
    return "".join(f"{row}\n" for row in rows)


def txt_of_all(histories: Iterable[JobHistory]) -> str:
    """Every recording below its path, also one in which nothing was heard."""
    return "\n".join(f"=== {one_line(each.file)} ===\n{txt(each)}" for each in histories)
