"""The turns as a table: CSV after RFC 4180, comma-separated, lines ending in CR LF.

One row a turn, in order, below a header row:

=============  ====================================================================================
turn_order     the wire's number of the turn
start_ms       start of its first word on the recording's clock; empty when the server sent no words
end_ms         end of its last word, likewise
final          ``true``, or ``false`` for a turn that might still have changed
speaker        the wire's ``speaker_label``; empty without one
confidence     the mean of its words' confidences, 0 to 1; empty when none has any
text           what was said, on one line
attempt        which attempt of the job heard it, from 1
=============  ====================================================================================

All recordings in one file: two columns more stand before these, ``job`` (its number in the run,
from 1) and ``file`` (the recording's path).

UTF-8 without a byte-order mark: programs take a mark for a part of the first column's name. A
spreadsheet that guesses another encoding has to be told UTF-8 when it imports the file.

A text that a spreadsheet would run as a formula begins with an apostrophe here, as OWASP advises
against CSV injection. Nothing hides a formula's sign but a letter or digit before it: neither
quotes nor what cannot be seen, and no look-alike of the sign either. The tab or carriage return
that would make one is gone, since every text stands on one line.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import TypeAlias

from workers.exports.foreign import single_line
from workers.jobs.attempt_spans import attempt_spans, span_of_turn
from workers.jobs.job_state import JobState
from workers.protocol.messages import Turn

CSV_COLUMNS = (
    "turn_order",
    "start_ms",
    "end_ms",
    "final",
    "speaker",
    "confidence",
    "text",
    "attempt",
)

CsvRow: TypeAlias = tuple[str | float | None, ...]

_FORMULA = re.compile(r"\W*?[=+\-@＝＋－＠﹦﹢﹣﹫−]")


def csv_of(state: JobState) -> str:
    """The table, header first."""
    return _csv_text([CSV_COLUMNS, *_csv_rows(state)])


def csv_of_all(states: Iterable[JobState]) -> str:
    """One table of every recording's turns."""
    rows = ((each.job, _cell(each.file), *row) for each in states for row in _csv_rows(each))
    return _csv_text([("job", "file", *CSV_COLUMNS), *rows])


def _csv_text(rows: Iterable[CsvRow]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)  # its default dialect quotes and ends lines as RFC 4180 asks
    return out.getvalue()


def _csv_rows(state: JobState) -> Iterator[CsvRow]:
    attempts = attempt_spans(state)
    for turn, line in zip(state.transcript.turns, state.transcript.lines, strict=True):
        yield (
            line.turn_order,
            line.start_ms,
            line.end_ms,
            "true" if line.is_final else "false",
            _cell(turn.speaker_label or ""),
            _mean_confidence(turn),
            _cell(line.text),
            span_of_turn(attempts, line.turn_order).attempt,
        )


def _cell(text: str) -> str:
    tame = single_line(text)
    return f"'{tame}" if _FORMULA.match(tame) else tame


def _mean_confidence(turn: Turn) -> float | None:
    known = [word.confidence for word in turn.words if word.confidence is not None]
    return round(fmean(known), 3) if known else None
