"""Finds words in drawn lines and highlights them."""

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
