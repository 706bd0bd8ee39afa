"""Searches a transcript: finds the matches and tracks the current one."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class RowSpan:
    """A range of characters in one row."""

    row: int
    start: int
    end: int


MatchSpans: TypeAlias = tuple[RowSpan, ...]
"""One match; it has several spans if it is wrapped."""


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A range of characters in the text of one item: a turn, or the divider of an attempt."""

    item: int
    start: int
    end: int


class SearchableRows(Protocol):
    """A transcript in rows, such as `TranscriptLayout`."""

    def find(self, text: str, first_item: int = 0) -> Iterable[TextMatch]:
        """Returns the matches from ``first_item`` on, in order."""

    def text_range(self, row: int) -> TextMatch:
        """The part of an item's text that a row shows; an empty one for a divider."""

    def row_spans(self, match: TextMatch) -> MatchSpans:
        """The parts of rows that show a match."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """The part of a match in one row."""

    start: int
    end: int
    is_current: bool


class TranscriptSearch:
    """A search in a transcript; the current match stays current as the transcript grows.

    Only where matches are in the texts is kept: their rows are asked for when they are drawn.
    """

    def __init__(self) -> None:
        self.query = ""
        self._rows: SearchableRows | None = None
        self._matches: list[TextMatch] = []
        self._current_match = 0

    def start(self, query: str, rows: SearchableRows, top_row: int) -> None:
        """Starts a search; the first match from ``top_row`` on becomes current."""
        self.query = query
        self.refresh(rows)
        top = rows.text_range(top_row)
        first = self._first_from(top.item, top.start)
        self._current_match = first if first < len(self._matches) else 0

    def refresh(self, rows: SearchableRows, first_row: int = 0) -> None:
        """Repeats the search in the rows that changed, from ``first_row`` on."""
        self._rows = rows
        first_item = rows.text_range(first_row).item if first_row else 0
        self._matches[self._first_from(first_item) :] = rows.find(self.query, first_item)
        self._current_match = min(self._current_match, max(len(self._matches) - 1, 0))

    def _first_from(self, item: int, start: int = 0) -> int:
        """The index of the first match at or after a place."""
        return bisect_left(self._matches, (item, start), key=lambda one: (one.item, one.start))

    def step(self, matches: int) -> None:
        """Moves by ``matches``, backward if negative; wraps around."""
        if self._matches:
            self._current_match = (self._current_match + matches) % len(self._matches)

    @property
    def current_match(self) -> MatchSpans:
        """The current match; empty without one."""
        if not self._matches or self._rows is None:
            return ()
        return self._rows.row_spans(self._matches[self._current_match])

    @property
    def current_row(self) -> int | None:
        """The row of the current match."""
        match = self.current_match
        return match[0].row if match else None

    @property
    def count_text(self) -> str:
        """The current match and the number of matches, ``3/17``; empty without a query."""
        if not self.query.strip():
            return ""
        return f"{self._current_match + 1}/{len(self._matches)}" if self._matches else "not found"

    def highlights(self, row: int) -> Sequence[Highlight]:
        """Returns the parts of a row to highlight, from left to right."""
        if not self._matches or self._rows is None:
            return []
        shown = self._rows.text_range(row)
        found = []
        longest = self._matches[0].end - self._matches[0].start  # all are as long
        first = self._first_from(shown.item, shown.start - longest + 1)
        for index, match in enumerate(islice(self._matches, first, None), first):
            if (match.item, match.start) >= (shown.item, shown.end):
                break
            start, end = max(match.start, shown.start), min(match.end, shown.end)
            if start < end:
                is_current = index == self._current_match
                found.append(Highlight(start - shown.start, end - shown.start, is_current))
        return found
