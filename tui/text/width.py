"""Untrusted text in terminal cells: widths, cutting to a width, and wrapping.

Transcripts, file names and server errors come from elsewhere. Every drawing function passes them
through `clean` first; they are never parsed as markup.
"""

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, set_cell_size

from workers.visible_text import MAX_COMBINING_MARKS as MAX_COMBINING_MARKS
from workers.visible_text import MAX_TEXT_CHARS as MAX_TEXT_CHARS
from workers.visible_text import clean as clean
from workers.visible_text import is_single_width as is_single_width


def clean_tail(text: str, cells: int) -> str:
    """The cleaned end of a text, long enough to fill ``cells`` cells."""
    return clean(text[-cells * (MAX_COMBINING_MARKS + 1) :]) if cells > 0 else ""


def ascii_only(text: str) -> str:
    """Replaces every cell that ASCII cannot show by a question mark."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * cell_len(char) for char in text)


def cell_width(text: str) -> int:
    """The number of cells that a cleaned text takes."""
    return len(text) if text.isascii() else cell_len(text)


def line_width(line: Iterable[tuple[str, object]]) -> int:
    """The number of cells that a styled line takes."""
    return sum([len(text) if text.isascii() else cell_len(text) for text, _ in line])


def fit(text: str, cells: int, ellipsis: str) -> str:
    """The start of a cleaned text in exactly ``cells`` cells, with ``ellipsis`` if it was cut."""
    if cells <= 0:
        return ""
    text = text[: (cells + 2) * (MAX_COMBINING_MARKS + 1)]  # the rest cannot be visible
    taken = cell_width(text)
    if taken <= cells:
        return text + " " * (cells - taken)
    return set_cell_size(text, cells - 1) + ellipsis


def fit_middle(text: str, cells: int, ellipsis: str) -> str:
    """Like `fit`, but cuts the middle, because file names often differ at the end."""
    if cells < 8 or cell_width(text) <= cells:
        return fit(text, cells, ellipsis)
    end = (cells - 1) * 2 // 5
    return set_cell_size(text, cells - 1 - end) + ellipsis + tail(text, end)


def tail(text: str, cells: int) -> str:
    """The end of a cleaned text in ``cells`` cells; half a wide character becomes a space."""
    if cells <= 0:
        return ""
    end = text[-cells:]
    while (taken := cell_width(end)) > cells:
        end = end[1:]
    return " " * (cells - taken) + end if cell_width(text) > cells else end


def split_word(word: str, cells: int) -> list[str]:
    """Splits a word into pieces of at most ``cells`` cells; wide characters stay whole."""
    pieces, piece, taken = [], "", 0
    for char in word:
        size = cell_len(char)
        if taken + size > cells and piece:
            pieces.append(piece)
            piece, taken = "", 0
        piece += char
        taken += size
    return [*pieces, piece] if piece else pieces


# --- rows


def wrap_rows(text: str, cells: int) -> list[str]:
    """Wraps a text into rows of at most ``cells`` cells; runs of spaces become one."""
    text = " ".join(text.split())
    return [text[start:end] for start, end in row_spans(text, cells)]


def row_spans(text: str, cells: int) -> Iterator[tuple[int, int]]:
    """Yields each row's start and end offset. Words must be separated by single spaces.

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
