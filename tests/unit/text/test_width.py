"""Foreign text on its way to the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.text.width import (
    MAX_TEXT_CHARS,
    cell_width,
    clean,
    fit,
    fit_middle,
    split_word,
    tail,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [laughs] text", "plain [laughs] text"),
        ("two\nlines\tand\r\nmore", "two lines and  more"),
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("\x9b31m", "\ufffd31m"),
        ("a\u202eb\u2066c", "a\ufffdb\ufffdc"),
        ("caf\u00e9 会議 مرحبا", "caf\u00e9 会議 مرحبا"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("undecodable\udcff", "undecodable\ufffd"),
        ("شركت\u200f (ABC)\u200e", "شركت (ABC)"),
        ("שָׁלוֹם", "שָׁלוֹם"),
        ("ภาษา\u200bไทย", "ภาษาไทย"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3 नमस्ते", "\u0dc1\u0dca\u0dbb\u0dd3 नमस्ते"),
        ("👩\u200d👩\u200d👧 ❤\ufe0f 👍🏿", "👩👩👧 ❤ 👍"),
        ("🏴\U000e0067\U000e0062\U000e007f co\u00adoperate", "🏴 cooperate"),
        ("hidden\U000e0049\U000e0067 \ue000\U000f0000", "hidden   "),
        ("no\u00a0break\u2028", "no break "),
    ],
)
def test_what_a_terminal_would_obey_is_made_visible(text: str, shown: str) -> None:
    """Line breaks become spaces, controls become pictures, words stay words."""
    assert shown == clean(text)


@pytest.mark.parametrize(
    "flood",
    [
        *("\u0301", "\u20dd", "\u200b", "\u200c", "\u200d", "\ufe0f", "\U000e0100", "\U000e0041"),
        *(
            "\u0e4e",
            "\u094d\u200d",
            "\u0489\u200c",
            "\u1160",
            "\u3164",
            "\u202e",
            "\ue000",
            "\ud800",
        ),
        "🏿",
    ],
)
def test_a_flood_is_bounded(flood: str) -> None:
    """Whatever has no width is dropped, or stands eight times in a row at most."""
    shown = clean(f"a{flood * 10_000}b")

    assert len(shown) - cell_width(shown) <= 8
    assert len(shown) <= MAX_TEXT_CHARS
    assert shown[0] == "a"


@given(st.text())
def test_cleaned_text_holds_no_control_and_can_be_written(text: str) -> None:
    """Whatever comes in."""
    shown = clean(text)

    assert all(char.isprintable() or char in "\u200c\u200d" for char in shown)
    shown.encode()


WIDE = st.text() | st.text("a会")
"""Few texts by chance alone have wide characters in them, and more than one."""


@given(WIDE, st.integers(0, 30))
def test_fitted_text_takes_its_cells_exactly(text: str, cells: int) -> None:
    """Wide characters are never split."""
    assert cells == cell_width(fit(clean(text), cells, "…"))
    assert cells == cell_width(fit_middle(clean(text), cells, "…"))


@given(WIDE, st.integers(1, 30))
def test_a_tail_is_the_end_and_never_wider_than_asked(text: str, cells: int) -> None:
    """Nor shorter, if there was enough."""
    shown = clean(text)
    end = tail(shown, cells)

    assert shown.endswith(end.lstrip(" ")) or shown.endswith(end)
    assert min(cells, cell_width(shown)) == cell_width(end)


@given(st.text(min_size=1), st.integers(2, 10))
def test_a_chopped_word_is_whole_again_when_joined(text: str, cells: int) -> None:
    """The pieces make up the word, and none is too wide."""
    pieces = split_word(clean(text), cells)

    assert clean(text) == "".join(pieces)
    assert all(cell_width(piece) <= cells for piece in pieces)


def test_a_long_name_keeps_its_start_and_its_end() -> None:
    """What tells one recording from the next is often at the end."""
    assert "interview-w…ay.wav" == fit_middle("interview-with-a-very-long-name-monday.wav", 18, "…")
