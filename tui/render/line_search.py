"""Searches drawn lines: finds words and highlights them."""

from collections.abc import Sequence
from itertools import pairwise

from tui.theme.roles import Role, StyledLine


def highlight(line: StyledLine, words: str, role: Role) -> StyledLine:
    """The line with every occurrence of ``words`` in another role; case does not count."""
    text = "".join(piece for piece, _ in line)
    spans = list(find_spans(text, words))
    marked: StyledLine = []
    offset = 0
    for piece, own in line:
        edges = sorted(
            {0, len(piece)}
            | {edge - offset for span in spans for edge in span if 0 < edge - offset < len(piece)}
        )
        for start, end in pairwise(edges):
            is_match = any(first <= start + offset < last for first, last in spans)
            marked.append((piece[start:end], role if is_match else own))
        offset += len(piece)
    return marked


def find_spans(text: str, words: str) -> Sequence[tuple[int, int]]:
    """Where ``words`` occur in a text."""
    lower, wanted = text.lower(), words.lower()
    if not wanted or len(lower) != len(text):
        return ()
    spans, start = [], lower.find(wanted)
    while start >= 0:
        spans.append((start, start + len(wanted)))
        start = lower.find(wanted, start + len(wanted))
    return spans


class LineSearch:
    """A search in drawn lines: the lines with the text, and which of them is the current one."""

    def __init__(self) -> None:
        self.words = ""
        self._match = 0
        self._rows: list[int] = []

    def start(self, words: str) -> None:
        """Searches for other words; an empty text ends the search. `apply` finds the matches."""
        self.words, self._match = words, 0

    def apply(self, lines: list[StyledLine]) -> list[StyledLine]:
        """Finds the matches; returns the lines with the matches highlighted."""
        self._rows = []
        if not self.words:
            return lines
        texts = ("".join(text for text, _ in line) for line in lines)
        self._rows = [row for row, text in enumerate(texts) if find_spans(text, self.words)]
        self._match = min(self._match, max(len(self._rows) - 1, 0))
        lines = list(lines)
        for number, row in enumerate(self._rows):
            role = Role.CURRENT_MATCH if number == self._match else Role.MATCH
            lines[row] = highlight(lines[row], self.words, role)
        return lines

    def step(self, matches: int) -> None:
        """Moves by ``matches``, backward if negative; wraps around."""
        if self._rows:
            self._match = (self._match + matches) % len(self._rows)

    @property
    def current_row(self) -> int | None:
        """The line of the current match; None if there is none."""
        return self._rows[self._match] if self._rows else None

    @property
    def status(self) -> str:
        """The current match and the number of lines that match, ``3/17``; empty without words."""
        if not self.words:
            return ""
        return f"{self._match + 1}/{len(self._rows)}" if self._rows else "not found"
