"""Foreign text made fit for terminal cells: cleaned, cut and wrapped by width.

Transcripts, file names and server errors come from elsewhere. Whatever draws them takes them
through `clean` first; nothing of them is ever read as markup.
"""

import unicodedata

from rich.cells import cell_len, set_cell_size

_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_JOINERS = frozenset("\u200c\u200d")
"""Persian, Indic scripts and emoji need them; they move nothing."""


class _Visible(dict[int, str]):
    """What to draw for each character, worked out at its first appearance."""

    def __missing__(self, code: int) -> str:
        seen = self[code] = _visible(chr(code))
        return seen


def _visible(char: str) -> str:
    if char in _SPACES:
        return " "
    if char.isprintable() or char in _JOINERS:
        return char
    if ord(char) < 0x20:
        return chr(0x2400 + ord(char))  # the picture of the control character
    if unicodedata.category(char) in ("Zs", "Co"):
        return " "
    return "\ufffd"  # C1 controls, bidi overrides, lone surrogates, unassigned


_VISIBLE = _Visible()


def clean(text: str) -> str:
    """One line without anything that a terminal would obey or reorder.

    Line breaks become spaces; control characters and bidi overrides become visible signs; the bytes
    of an undecodable file name too, which could not be written to the terminal at all.
    """
    if text.isprintable():
        return text
    return text.translate(_VISIBLE)


def ascii_only(text: str) -> str:
    """For a terminal that has nothing else: a question mark for every cell it cannot show."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * cell_len(char) for char in text)


def width(text: str) -> int:
    """How many cells a cleaned text takes."""
    return cell_len(text)


def fit(text: str, cells: int, cut: str) -> str:
    """The start of a cleaned text in exactly so many cells; ``cut`` shows that there is more."""
    if cells <= 0:
        return ""
    taken = cell_len(text)
    if taken <= cells:
        return text + " " * (cells - taken)
    return set_cell_size(text, cells - 1) + cut


def fit_middle(text: str, cells: int, cut: str) -> str:
    """Start and end of a cleaned text: what tells one file name from the next is often its end."""
    if cells < 8 or cell_len(text) <= cells:
        return fit(text, cells, cut)
    end = (cells - 1) * 2 // 5
    return set_cell_size(text, cells - 1 - end) + cut + tail(text, end)


def tail(text: str, cells: int) -> str:
    """The end of a cleaned text in at most so many cells; a split wide character leaves a space."""
    if cells <= 0:
        return ""
    end = text[-cells:]
    while (taken := cell_len(end)) > cells:
        end = end[1:]
    return " " * (cells - taken) + end if cell_len(text) > cells else end


def chopped(word: str, cells: int) -> list[str]:
    """A word in pieces of at most so many cells; wide characters stay whole."""
    pieces, piece, taken = [], "", 0
    for char in word:
        size = cell_len(char)
        if taken + size > cells and piece:
            pieces.append(piece)
            piece, taken = "", 0
        piece += char
        taken += size
    return [*pieces, piece] if piece else pieces
