"""What normalisers keep and drop, and how they are named."""

from pathlib import Path

import pytest

from workers.errors import UsageProblem
from workers.evaluation.normalisation import (
    count_uncertain,
    load_normaliser,
    normalise_basic,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world! It’s 5-star.", ["hello", "world", "it's", "5-star"]),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया"]),  # vowel signs are combining marks
        ("ＦＵＬＬ　ｗｉｄｔｈ", ["full", "width"]),
        ("Straße – STRASSE", ["strasse", "strasse"]),
        ("'quoted' -dash- ", ["quoted", "dash"]),
        ("مرحبا، بالعالم", ["مرحبا", "بالعالم"]),
        ("", []),
    ],
)
def test_basic_normalising_keeps_every_letter_of_every_script(text: str, words: list[str]) -> None:
    """Only case, punctuation and compatibility forms go."""
    assert normalise_basic(text).split() == words


def test_the_names_of_normalisers_have_versions() -> None:
    """A figure can only be computed again with the same one."""
    assert load_normaliser("whisper-en").name == "whisper-en@0.1.15"
    assert load_normaliser("basic").name == "basic@1"
    assert load_normaliser("none").name == "none"
    with pytest.raises(UsageProblem, match="there is no normaliser “whispr”"):
        load_normaliser("whispr")


def test_known_traps_of_whisper_en() -> None:
    """Phone numbers and some names score as errors; scores warn of the first kind."""
    words = load_normaliser("whisper-en").words
    assert words("five five five o one nine nine") != words("555-0199")
    assert words("twenty two colours") == words("22 colors")


def test_marks_of_the_transcriber_are_no_words() -> None:
    """They are left out and counted."""
    text = "I said [unclear] to him [LAUGHTER] <unk>"
    assert load_normaliser("none").words(text) == ["I", "said", "to", "him"]
    assert count_uncertain(text) == 3


def test_equivalences_count_as_the_same(tmp_path: Path) -> None:
    """Phrases of any length, after normalising; the longest wins."""
    path = tmp_path / "same.txt"
    path.write_text("# how we write it\nok, okay, O.K.\n5550199, 555 0199\nnew york, ny\n")
    normaliser = load_normaliser("basic").with_equivalences(path)
    assert normaliser.words("Okay: call 555-0199... no, 555 0199, in NY") == (
        ["ok", "call", "555-0199", "no", "5550199", "in", "new", "york"]
    )
    assert normaliser.name.startswith("basic@1+same.txt@")


@pytest.mark.parametrize("line", ["only one", "a,,b", ","])
def test_a_line_without_two_phrases_is_an_error(tmp_path: Path, line: str) -> None:
    """It names the line."""
    path = tmp_path / "same.txt"
    path.write_text(f"ok, okay\n{line}\n")
    with pytest.raises(UsageProblem, match=r"same\.txt, line 2 does not name two phrases"):
        load_normaliser("basic").with_equivalences(path)


def test_rules_of_the_users_own(tmp_path: Path) -> None:
    """Regular expressions in order; the name changes with the content."""
    path = tmp_path / "rules.tsv"
    path.write_text("[^a-z ]\t\n\\bdr\\b\tdoctor\n")
    first = load_normaliser(str(path))
    assert first.words("Dr. No!") == ["doctor", "no"]
    path.write_text("[^a-z ]\t\n")
    assert load_normaliser(str(path)).name != first.name
    path.write_text("(\t\n")
    with pytest.raises(UsageProblem, match=r"rules\.tsv, line 1 is not a rule"):
        load_normaliser(str(path))
