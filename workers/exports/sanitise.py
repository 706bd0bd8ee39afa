"""Makes foreign text (transcripts, file names, labels) safe to write into a file."""

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Unicode's embeddings, overrides and isolates, which change the display order of text."""
_BYTE_ORDER_MARK = 0xFEFF

_REPLACEMENTS: dict[int, str | None] = {
    **dict.fromkeys(_CONTROLS, " "),
    **dict.fromkeys((*_BIDI, _BYTE_ORDER_MARK)),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # surrogates, which UTF-8 cannot encode
}


def words_of(text: str) -> list[str]:
    """The words of a text, without control characters."""
    return text.translate(_REPLACEMENTS).split()


def single_line(text: str) -> str:
    """The words of a text on one line, separated by single spaces."""
    return " ".join(words_of(text))
