"""The transcript as plain text: the words and nothing else, since people paste them.

One turn a line, no header, no times. A turn that never became final (the session was cancelled or
lost while it was spoken) stands there as far as it was heard, and ends in ``[unfinished]``.
"""

from workers.exports.foreign import one_line
from workers.history import JobHistory

UNFINISHED = "[unfinished]"


def txt(history: JobHistory) -> str:
    """Every turn with words on a line of its own; empty when nothing was heard."""
    lines = (
        (one_line(line.text), "" if line.final else f" {UNFINISHED}")
        for line in history.transcript.lines
    )
    return "".join(f"{text}{mark}\n" for text, mark in lines if text)
