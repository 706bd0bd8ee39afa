"""Cleaned text wrapped into rows of terminal cells."""

import re
from collections.abc import Iterator

from tui.text.width import cell_width, is_single_width, split_word


def wrap_rows(text: str, cells: int) -> list[str]:
    """A text in rows of at most so many cells; runs of spaces become one."""
    text = " ".join(text.split())
    return [text[start:end] for start, end in row_spans(text, cells)]


def row_spans(text: str, cells: int) -> Iterator[tuple[int, int]]:
    """The first and last character of each row, for a text with single spaces between words.

    Greedy; a word is split only if it is longer than a row.
    """
    if cells < 2 or not is_single_width(text):
        return _measured_row_spans(text, cells)
    row = rf"\S(?:.{{0,{cells - 2}}}\S)?(?= |$)|\S{{{cells}}}"
    return (match.span() for match in re.finditer(row, text))


def _measured_row_spans(text: str, cells: int) -> Iterator[tuple[int, int]]:
    start = end = taken = offset = 0
    for word in text.split(" "):
        for piece in split_word(word, cells):
            width = cell_width(piece)
            if end and taken + 1 + width > cells:
                yield start, end
                end = 0
            start, taken = (start, taken + 1 + width) if end else (offset, width)
            offset += len(piece)
            end = offset
        offset += 1
    if end:
        yield start, end
