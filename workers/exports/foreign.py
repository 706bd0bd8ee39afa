"""Foreign text (transcripts, file names, labels) made fit to stand in a file of ours."""

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Unicode's explicit embeddings, overrides and isolates: they make text read other than it is."""
_BYTE_ORDER_MARK = 0xFEFF
"""The byte-order mark, which means nothing but trouble inside a text."""

_REPLACEMENTS: dict[int, str | None] = {
    **dict.fromkeys(_CONTROLS, " "),
    **dict.fromkeys((*_BIDI, _BYTE_ORDER_MARK)),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # half a character: UTF-8 cannot write it
}


def words_of(text: str) -> list[str]:
    """The words of a text; none is empty, and none holds white space or a control character."""
    return text.translate(_REPLACEMENTS).split()


def single_line(text: str) -> str:
    """The text on one line, its words one space apart."""
    return " ".join(words_of(text))
