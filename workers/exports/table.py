"""The turns as a table: CSV by RFC 4180, comma-separated, with lines that end in CR LF.

One row a turn, in order, below a header row:

=============  ====================================================================================
turn_order     the protocol's number of the turn
start_ms       start of its first word on the recording's clock; empty if the server sent no words
end_ms         end of its last word, likewise
final          ``true``, or ``false`` for a turn that might still have changed
speaker        the speaker's name in a pair, else the protocol's ``speaker_label``; may be empty
confidence     the mean of its words' confidences, 0 to 1; empty when none has any
text           the words, on one line
attempt        the attempt that received it, from 1
=============  ====================================================================================

All recordings in one file: two more columns come first, ``job`` (its number in the run, from 1) and
``file`` (the recording's path).

UTF-8 without a byte-order mark, which some programs take as part of the first column's name. Excel
takes a file without it for one in the system's old encoding, so `BYTE_ORDER_MARK` can be put first.

A text that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises
against CSV injection. Only a letter or digit before the sign makes it harmless; quotes, invisible
characters and look-alikes of the sign do not. Tabs and carriage returns are removed from texts.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import TypeAlias

from workers.exports.sanitise import single_line
from workers.jobs.attempt_spans import attempt_spans, span_of_turn
from workers.jobs.job_state import JobState

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

BYTE_ORDER_MARK = "\ufeff"

CsvRow: TypeAlias = tuple[str | float | None, ...]

_FORMULA = re.compile(r"\W*?[=+\-@＝＋－＠﹦﹢﹣﹫−]")


def csv_of(state: JobState) -> str:
    """The table of one job, with a header row."""
    return _csv_text([CSV_COLUMNS, *_csv_rows(state)])


def csv_of_all(states: Iterable[JobState]) -> str:
    """One table of the turns of all jobs."""
    rows = (
        (state.job, safe_cell(state.file), *row) for state in states for row in _csv_rows(state)
    )
    return _csv_text([("job", "file", *CSV_COLUMNS), *rows])


def _csv_text(rows: Iterable[CsvRow]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)  # the default dialect is that of RFC 4180
    return out.getvalue()


def _csv_rows(state: JobState) -> Iterator[CsvRow]:
    attempts = attempt_spans(state)
    for turn, line in zip(state.transcript.turns, state.transcript.lines, strict=True):
        confidences = [w.confidence for w in turn.words if w.confidence is not None]
        yield (
            line.turn_order,
            line.start_ms,
            line.end_ms,
            "true" if line.is_final else "false",
            safe_cell(turn.speaker_label or ""),
            round(fmean(confidences), 3) if confidences else None,
            safe_cell(line.text),
            span_of_turn(attempts, line.turn_order, line.speaker).attempt,
        )


def safe_cell(text: str) -> str:
    line = single_line(text)
    return f"'{line}" if _FORMULA.match(line) else line
