"""Searches a transcript: finds the matches and tracks the current one."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class RowSpan:
    """A range of characters in one row."""

    row: int
    start: int
    end: int


MatchSpans: TypeAlias = tuple[RowSpan, ...]
"""One match; it has several spans if it is wrapped."""


class SearchableRows(Protocol):
    """A transcript in rows, such as `TranscriptLayout`."""

    def find(self, text: str, first_row: int = 0) -> list[MatchSpans]:
        """Returns the matches from ``first_row`` on, in order."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """The part of a match in one row."""

    start: int
    end: int
    is_current: bool


class TranscriptSearch:
    """A search in a transcript; the current match stays current as the transcript grows."""

    def __init__(self) -> None:
        self.query = ""
        self._matches: list[MatchSpans] = []
        self._current_match = 0
        self._matches_by_row: defaultdict[int, list[int]] = defaultdict(list)

    def start(self, query: str, rows: SearchableRows, top_row: int) -> None:
        """Starts a search; the first match from ``top_row`` on becomes current."""
        self.query = query
        self.refresh(rows)
        below = (index for index, match in enumerate(self._matches) if match[0].row >= top_row)
        self._current_match = next(below, 0)

    def refresh(self, rows: SearchableRows, first_row: int = 0) -> None:
        """Repeats the search in the rows that changed, from ``first_row`` on."""
        unchanged = bisect_left(self._matches, first_row, key=lambda match: match[0].row)
        for match in self._matches[unchanged:]:
            for span in match:
                self._matches_by_row.pop(span.row, None)
        self._matches[unchanged:] = rows.find(self.query, first_row)
        for index, match in enumerate(self._matches[unchanged:], unchanged):
            for span in match:
                self._matches_by_row[span.row].append(index)
        self._current_match = min(self._current_match, max(len(self._matches) - 1, 0))

    def step(self, matches: int) -> None:
        """Moves by ``matches``, backward if negative; wraps around."""
        if self._matches:
            self._current_match = (self._current_match + matches) % len(self._matches)

    @property
    def current_match(self) -> MatchSpans:
        """The current match; empty without one."""
        return self._matches[self._current_match] if self._matches else ()

    @property
    def current_row(self) -> int | None:
        """The row of the current match."""
        return self.current_match[0].row if self._matches else None

    @property
    def count_text(self) -> str:
        """The current match and the number of matches, ``3/17``; empty without a query."""
        if not self.query.strip():
            return ""
        return f"{self._current_match + 1}/{len(self._matches)}" if self._matches else "not found"

    def highlights(self, row: int) -> Sequence[Highlight]:
        """Returns the parts of a row to highlight, from left to right."""
        return [
            Highlight(span.start, span.end, index == self._current_match)
            for index in self._matches_by_row.get(row, ())
            for span in self._matches[index]
            if span.row == row
        ]
