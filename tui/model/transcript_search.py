"""A search in a transcript: where some words stand, and which of these places is looked at."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tui.render.transcript_layout import MatchSpans, TranscriptLayout


@dataclass(frozen=True, slots=True)
class Highlight:
    """Characters of a row that are part of such a place."""

    start: int
    end: int
    is_current: bool
    """Of the one that is looked at."""


class TranscriptSearch:
    """Goes on while words come in; the place that is looked at stays."""

    def __init__(self) -> None:
        self.query = ""
        self._matches: list[MatchSpans] = []
        self._current_match = 0
        self._matches_by_row: defaultdict[int, list[int]] = defaultdict(list)

    def start(self, query: str, paragraphs: TranscriptLayout, top_row: int) -> None:
        """Looks for other words; the first place from row ``top_row`` on is looked at."""
        self.query = query
        self.refresh(paragraphs)
        behind = (index for index, place in enumerate(self._matches) if place[0].row >= top_row)
        self._current_match = next(behind, 0)

    def refresh(self, paragraphs: TranscriptLayout, first_row: int = 0) -> None:
        """The transcript has changed, from row ``first_row`` on."""
        kept = bisect_left(self._matches, first_row, key=lambda place: place[0].row)
        for place in self._matches[kept:]:
            for piece in place:
                self._matches_by_row.pop(piece.row, None)
        self._matches[kept:] = paragraphs.find(self.query, first_row)
        for index, place in enumerate(self._matches[kept:], kept):
            for piece in place:
                self._matches_by_row[piece.row].append(index)
        self._current_match = min(self._current_match, max(len(self._matches) - 1, 0))

    def step(self, matches: int) -> None:
        """To a later place, or an earlier one; round and round."""
        if self._matches:
            self._current_match = (self._current_match + matches) % len(self._matches)

    @property
    def current_row(self) -> int | None:
        """Where the place stands that is looked at."""
        return self._matches[self._current_match][0].row if self._matches else None

    @property
    def count_text(self) -> str:
        """``3/17``."""
        if not self.query.strip():
            return ""
        return f"{self._current_match + 1}/{len(self._matches)}" if self._matches else "not found"

    def highlights(self, row: int) -> Sequence[Highlight]:
        """What of a row is to be marked, from left to right."""
        return [
            Highlight(piece.start, piece.end, index == self._current_match)
            for index in self._matches_by_row.get(row, ())
            for piece in self._matches[index]
            if piece.row == row
        ]
