"""Counts agree with those of the field's tools, on texts of every shape."""

import random

import jiwer
import kaldialign
import pytest

from workers.evaluation.accuracy import (
    Edit,
    ErrorCounts,
    align,
    count_character_errors,
    count_confusions,
    count_speaker_errors,
    count_terms,
)

WORDS = [
    "the",
    "a",
    "light",
    "lights",
    "burned",
    "all",
    "night",
    "e\u0301te\u0301",
    "été",
    "昼",
    "سلام",
    "42",
]


def random_pairs(count: int, seed: int) -> list[tuple[list[str], list[str]]]:
    """Texts, and copies with random edits."""
    generator = random.Random(seed)
    pairs = []
    for _ in range(count):
        said = generator.choices(WORDS, k=generator.randint(1, 25))
        recognised = []
        for word in said:
            chance = generator.random()
            if chance < 0.1:
                continue
            recognised.append(generator.choice(WORDS) if chance < 0.2 else word)
            if chance > 0.92:
                recognised.append(generator.choice(WORDS))
        pairs.append((said, recognised))
    return pairs


def test_counts_are_those_of_jiwer_and_kaldialign() -> None:
    """On ten thousand random pairs: the same S, D and I as jiwer, the same cost as kaldialign."""
    pairs = random_pairs(10_000, seed=1)
    output = jiwer.process_words(
        [" ".join(said) for said, _ in pairs], [" ".join(recognised) for _, recognised in pairs]
    )
    total = ErrorCounts()
    for said, recognised in pairs:
        counts = align(said, recognised).counts
        assert counts.errors == kaldialign.edit_distance(said, recognised)["total"]
        total += counts

    assert (total.hits, total.substitutions) == (output.hits, output.substitutions)
    assert (total.deletions, total.insertions) == (output.deletions, output.insertions)
    assert total.rate == pytest.approx(output.wer, abs=1e-12)


def test_character_errors_are_those_of_jiwer() -> None:
    """Spaces between words count as characters."""
    for said, recognised in random_pairs(500, seed=2):
        counts = count_character_errors(said, recognised)
        expected = jiwer.process_characters(" ".join(said), " ".join(recognised))
        assert counts.rate == pytest.approx(expected.cer, abs=1e-12)
        assert counts.reference_length == len(" ".join(said))


def test_errors_of_speakers_are_those_of_meeteval() -> None:
    """Its cpWER, with speakers in another order, and with more or fewer of them."""
    meeteval = pytest.importorskip("meeteval")
    generator = random.Random(4)
    for _ in range(100):
        said, heard = (
            [generator.choices(WORDS, k=generator.randint(1, 8)) for _ in range(speakers)]
            for speakers in (generator.randint(1, 3), generator.randint(1, 4))
        )
        generator.shuffle(heard)
        expected = meeteval.wer.cp_word_error_rate(
            {str(n): " ".join(words) for n, words in enumerate(said)},
            {str(n): " ".join(words) for n, words in enumerate(heard)},
        )
        counts = count_speaker_errors(said, heard)
        assert (counts.errors, counts.reference_length) == (expected.errors, expected.length)


def test_an_alignment_reads_back_as_both_texts() -> None:
    """No word is lost or doubled, and the order is kept."""
    for said, recognised in random_pairs(200, seed=3):
        steps = align(said, recognised).steps
        assert [step.reference for step in steps if step.reference is not None] == list(
            range(len(said))
        )
        assert [step.hypothesis for step in steps if step.hypothesis is not None] == list(
            range(len(recognised))
        )


def test_empty_texts_have_no_rate_without_a_reference() -> None:
    """Words where nothing was said are insertions; there is nothing to divide them by."""
    nothing_said = align([], ["hello", "there"]).counts
    assert nothing_said == ErrorCounts(insertions=2)
    assert nothing_said.rate is None
    assert align(["hello", "there"], []).counts.rate == 1.0
    assert align([], []).counts == ErrorCounts()


def test_one_word_ten_thousand_times() -> None:
    """A looping recogniser is counted, and quickly."""
    counts = align(["yes"] * 10_000, ["yes"] * 9_000 + ["no"] * 500).counts
    assert (counts.hits, counts.substitutions, counts.deletions) == (9_000, 500, 500)


def test_confusions_name_both_words() -> None:
    """The same error twice counts twice."""
    alignments = [
        align(["i", "rang", "it"], ["i", "ran", "it"]),
        align(["rang", "it"], ["ran", "it", "up"]),
    ]
    assert count_confusions(alignments).most_common() == [
        ((Edit.SUBSTITUTION, "rang", "ran"), 2),
        ((Edit.INSERTION, "", "up"), 1),
    ]


def test_a_key_term_counts_where_it_was_said() -> None:
    """Recognised elsewhere, it lowers precision and does not raise recall."""
    alignment = align(
        ["ask", "doctor", "halvorsen", "or", "doctor", "smith"],
        ["ask", "doctor", "halverson", "or", "doctor", "smith", "halvorsen"],
    )
    counts = count_terms(alignment, [["halvorsen"], ["doctor", "smith"]])
    assert (counts.said, counts.recognised, counts.correct) == (2, 2, 1)
    assert counts.recall == counts.precision == 0.5
