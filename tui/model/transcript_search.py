"""A search in a transcript: where some words stand, and which of these places is looked at."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tui.render.transcript_layout import Paragraphs, Place


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters of a row that are part of such a place."""

    start: int
    end: int
    here: bool
    """Of the one that is looked at."""


class Search:
    """Goes on while words come in; the place that is looked at stays."""

    def __init__(self) -> None:
        self.words = ""
        self._places: list[Place] = []
        self._here = 0
        self._in_row: defaultdict[int, list[int]] = defaultdict(list)

    def begin(self, words: str, paragraphs: Paragraphs, top: int) -> None:
        """Looks for other words; the first place from row ``top`` on is looked at."""
        self.words = words
        self.look_again(paragraphs)
        behind = (index for index, place in enumerate(self._places) if place[0].row >= top)
        self._here = next(behind, 0)

    def look_again(self, paragraphs: Paragraphs, first: int = 0) -> None:
        """The transcript has changed, from row ``first`` on."""
        kept = bisect_left(self._places, first, key=lambda place: place[0].row)
        for place in self._places[kept:]:
            for piece in place:
                self._in_row.pop(piece.row, None)
        self._places[kept:] = paragraphs.found(self.words, first)
        for index, place in enumerate(self._places[kept:], kept):
            for piece in place:
                self._in_row[piece.row].append(index)
        self._here = min(self._here, max(len(self._places) - 1, 0))

    def step(self, places: int) -> None:
        """To a later place, or an earlier one; round and round."""
        if self._places:
            self._here = (self._here + places) % len(self._places)

    @property
    def row(self) -> int | None:
        """Where the place stands that is looked at."""
        return self._places[self._here][0].row if self._places else None

    @property
    def count(self) -> str:
        """``3/17``."""
        if not self.words.strip():
            return ""
        return f"{self._here + 1}/{len(self._places)}" if self._places else "not found"

    def marks(self, row: int) -> Sequence[Mark]:
        """What of a row is to be marked, from left to right."""
        return [
            Mark(piece.start, piece.end, index == self._here)
            for index in self._in_row.get(row, ())
            for piece in self._places[index]
            if piece.row == row
        ]
