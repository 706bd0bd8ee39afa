"""Untrusted text in terminal cells: cleaning, widths, cutting to a width, and wrapping.

Transcripts, file names and server errors come from elsewhere. Every drawing function passes them
through `clean` first; they are never parsed as markup.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, set_cell_size

MAX_TEXT_CHARS = 20_000
"""Default limit: about twenty minutes of speech. Names and sentences are shorter, and measuring a
longer text for every frame would be slow."""

MAX_COMBINING_MARKS = 8
"""Combining marks kept per character; more would be drawn over other lines."""

_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_ZERO_WIDTH_NON_JOINER = "\u200c"
"""Has no width, but is kept: Persian and Indic scripts need it."""
_DROPPED_CHARS = frozenset(
    map(chr, (0x200D, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0100, 0xE01F0)))
)
"""Joiners, variation selectors and emoji skin tones. Terminals disagree on their widths."""

_COMBINING_RUN = re.compile(
    rf"(?:[^\w\s!-~]|[\u1160-\u11ff\u3164\ud7b0-\ud7ff\uffa0]){{{MAX_COMBINING_MARKS + 1},}}"
)
"""Runs that may have too many marks, including old Hangul vowels and finals without width."""

_UNCERTAIN_WIDTH = re.compile("[^ -~\xa1-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027]")


class _VisibleChars(dict[int, str]):
    """Maps each character to its drawn form, computed when the character first appears."""

    def __missing__(self, code: int) -> str:
        if len(self) > MAX_TEXT_CHARS:  # a text may use all of Unicode
            self.clear()
        char = chr(code)
        if char in _DROPPED_CHARS:
            visible = ""
        elif char in _SPACES or unicodedata.category(char) in ("Zs", "Co"):
            visible = " "
        elif char.isprintable() or char == _ZERO_WIDTH_NON_JOINER:
            visible = char
        elif code < 0x20:
            visible = chr(0x2400 + code)  # the symbol for the control character
        else:
            visible = "\ufffd"  # C1 controls, bidi overrides, lone surrogates, unassigned
        self[code] = visible
        return visible


_VISIBLE_CHARS = _VisibleChars()


def clean(text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Makes a single line, safe for terminals: nothing is executed, reordered or misaligned.

    Line breaks become spaces. Control characters, bidi overrides and the undecodable bytes of a
    file name become visible symbols. Text after ``max_chars`` characters is cut.
    """
    if len(text) > max_chars:
        text = text[: max_chars - 1] + "…"
    if text.isprintable() and is_single_width(text):
        return text
    return _COMBINING_RUN.sub(_limit_marks, text.translate(_VISIBLE_CHARS))


def _limit_marks(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for char in run[0]:
        marks = 0 if cell_len(char) else marks + 1
        if marks <= MAX_COMBINING_MARKS:
            kept.append(char)
    return "".join(kept)


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
    return cell_len(text)


def line_width(line: Iterable[tuple[str, object]]) -> int:
    """The number of cells that a styled line takes."""
    return sum(cell_len(text) for text, _ in line)


def is_single_width(text: str) -> bool:
    """Whether every character is known to take one cell, as in European scripts."""
    return text.isascii() or not _UNCERTAIN_WIDTH.search(text)


def fit(text: str, cells: int, ellipsis: str) -> str:
    """The start of a cleaned text in exactly ``cells`` cells, with ``ellipsis`` if it was cut."""
    if cells <= 0:
        return ""
    text = text[: (cells + 2) * (MAX_COMBINING_MARKS + 1)]  # the rest cannot be visible
    taken = cell_len(text)
    if taken <= cells:
        return text + " " * (cells - taken)
    return set_cell_size(text, cells - 1) + ellipsis


def fit_middle(text: str, cells: int, ellipsis: str) -> str:
    """Like `fit`, but cuts the middle, because file names often differ at the end."""
    if cells < 8 or cell_len(text) <= cells:
        return fit(text, cells, ellipsis)
    end = (cells - 1) * 2 // 5
    return set_cell_size(text, cells - 1 - end) + ellipsis + tail(text, end)


def tail(text: str, cells: int) -> str:
    """The end of a cleaned text in ``cells`` cells; half a wide character becomes a space."""
    if cells <= 0:
        return ""
    end = text[-cells:]
    while (taken := cell_len(end)) > cells:
        end = end[1:]
    return " " * (cells - taken) + end if cell_len(text) > cells else end


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
            width = cell_len(piece)
            if end and taken + 1 + width > cells:
                yield start, end
                end = 0
            start, taken = (start, taken + 1 + width) if end else (offset, width)
            offset += len(piece)
            end = offset
        offset += 1
    if end:
        yield start, end
