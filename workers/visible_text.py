"""Foreign text as a terminal may show it: nothing in it is executed, reordered or hidden.

Transcripts, file names, tags, server errors and tracebacks come from elsewhere. Whatever is drawn,
printed or logged passes through `clean` or `clean_lines`. Imports no other Paceline module.
"""

import re
import unicodedata

MAX_TEXT_CHARS = 20_000
"""Default limit: about twenty minutes of speech. Names and sentences are shorter, and measuring a
longer text for every frame would be slow."""

MAX_COMBINING_MARKS = 8
"""Combining marks kept per character; more would be drawn over other lines."""

_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")

_ZERO_WIDTH_NON_JOINER = "\u200c"
"""Has no width, but is kept: Persian and Indic scripts need it."""

_DROPPED_CHARS = frozenset(
    map(
        chr,
        [
            # Joiners, variation selectors, skin tones, and the tags that spell flags. Terminals
            # disagree on the widths of emoji and letters that have them.
            *(0x200D, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x1F3FB, 0x1F400)),
            *range(0xE0000, 0xE0080),
            # Soft hyphens, marks of direction, and breaks without width: parts of real text, as in
            # Arabic, Hebrew, Thai and Khmer, that are not visible.
            *(0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF),
        ],
    )
)

_HANGUL_WITHOUT_WIDTH = "\u1160-\u11ff\u3164\ud7b0-\ud7ff\uffa0"
"""Vowels and finals of old Hangul, and fillers; they are no marks by their category."""

_COMBINING_RUN = re.compile(
    rf"(?:[^\w\s!-~]|[{_HANGUL_WITHOUT_WIDTH}]){{{MAX_COMBINING_MARKS + 1},}}"
)
"""Runs that may have too many marks."""

_MARK_WITHOUT_CATEGORY = re.compile(f"[\u200c{_HANGUL_WITHOUT_WIDTH}]")

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


def clean_lines(text: str) -> str:
    """Cleans each line of a longer text, such as a traceback; keeps the breaks between them."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "\n".join(map(clean, text.split("\n")))


def is_single_width(text: str) -> bool:
    """Whether every character is known to take one cell, as in European scripts."""
    return text.isascii() or not _UNCERTAIN_WIDTH.search(text)


def _limit_marks(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for char in run[0]:
        is_mark = unicodedata.category(char)[0] == "M" or _MARK_WITHOUT_CATEGORY.match(char)
        marks = marks + 1 if is_mark else 0
        if marks <= MAX_COMBINING_MARKS:
            kept.append(char)
    return "".join(kept)
