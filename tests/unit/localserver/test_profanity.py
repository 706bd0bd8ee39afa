"""Masking of profanity."""

import pytest

from workers.localserver.profanity import mask_profanity


@pytest.mark.parametrize(
    ("spoken", "shown"),
    [
        ("fuck", "f***"),
        ("Shit!", "S***!"),
        ("“Fucking", "“F******"),
        ("bull-shit,", "bull-s***,"),
        ("motherfuckers.", "m************."),
        ("shitty", "s*****"),
    ],
)
def test_profanity_keeps_its_first_letter(spoken: str, shown: str):
    """Punctuation around the word stays too."""
    assert shown == mask_profanity(spoken)


@pytest.mark.parametrize(
    "word",
    ["Scunthorpe", "shiitake", "class", "Dick's", "assess", "swank", "hell", "don't", "", "—"],
)
def test_innocent_words_are_left_alone(word: str):
    """Names are not masked, nor words that contain a listed one."""
    assert word == mask_profanity(word)
