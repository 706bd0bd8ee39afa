"""Aligns words with a reference and counts errors.

The alignment has the fewest edits, each of cost 1, as in jiwer and NIST's sclite without its
weights. A rate is ``(S + D + I) / reference words`` and may exceed 1.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import permutations
from sys import intern

from rapidfuzz.distance import Levenshtein


class Edit(Enum):
    """How a word of the reference and one of the hypothesis correspond."""

    HIT = "hit"
    SUBSTITUTION = "substitution"
    DELETION = "deletion"  # only in the reference
    INSERTION = "insertion"  # only in the hypothesis


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """One step of an alignment; an index is None where that side has no word."""

    edit: Edit
    reference: int | None
    hypothesis: int | None


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Counts of one text or of several."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def reference_length(self) -> int:
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors per word (or character) of the reference; None without a reference."""
        return self.errors / self.reference_length if self.reference_length else None

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


NO_ERRORS = ErrorCounts()


@dataclass(frozen=True)
class Alignment:
    """The words of a reference and of a hypothesis, and how they correspond."""

    reference: Sequence[str]
    hypothesis: Sequence[str]
    blocks: tuple[tuple[Edit, int, int, int, int], ...]
    """Runs of the same edit: first and last index, exclusive, in the reference and in the
    hypothesis. Large runs have millions of words, and few errors."""

    @property
    def steps(self) -> tuple[AlignedWord, ...]:
        """The alignment word by word."""
        return tuple(self._walk())

    def _walk(self) -> Iterator[AlignedWord]:
        for edit, first, last, other_first, other_last in self.blocks:
            if edit is Edit.DELETION:
                yield from (AlignedWord(edit, index, None) for index in range(first, last))
            elif edit is Edit.INSERTION:
                yield from (AlignedWord(edit, None, i) for i in range(other_first, other_last))
            else:
                places = zip(range(first, last), range(other_first, other_last), strict=True)
                yield from (AlignedWord(edit, *place) for place in places)

    @cached_property
    def counts(self) -> ErrorCounts:
        count: Counter[Edit] = Counter()
        for edit, first, last, other_first, other_last in self.blocks:
            count[edit] += max(last - first, other_last - other_first)
        return ErrorCounts(
            count[Edit.HIT], count[Edit.SUBSTITUTION], count[Edit.DELETION], count[Edit.INSERTION]
        )

    def errors(self) -> Iterator[tuple[Edit, str, str]]:
        """The steps of `pairs` that are no hits."""
        wrong = tuple(block for block in self.blocks if block[0] is not Edit.HIT)
        yield from Alignment(self.reference, self.hypothesis, wrong).pairs()

    def pairs(self) -> Iterable[tuple[Edit, str, str]]:
        """Each step with its two words; an empty text where a side has none."""
        for step in self._walk():
            yield (
                step.edit,
                "" if step.reference is None else self.reference[step.reference],
                "" if step.hypothesis is None else self.hypothesis[step.hypothesis],
            )


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> Alignment:
    """Aligns two sequences of words with the fewest edits."""
    codes = Levenshtein.opcodes(reference, hypothesis)
    blocks = tuple(
        (_EDITS[code.tag], code.src_start, code.src_end, code.dest_start, code.dest_end)
        for code in codes
    )
    # Equal words are one object, which saves memory and time between processes.
    return Alignment([*map(intern, reference)], [*map(intern, hypothesis)], blocks)


_EDITS = {
    "equal": Edit.HIT,
    "replace": Edit.SUBSTITUTION,
    "delete": Edit.DELETION,
    "insert": Edit.INSERTION,
}


def count_character_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """Counts character errors between two normalised texts; single spaces between words count, as
    in jiwer. Without an alignment, which a long text would need much memory for."""
    before, after = " ".join(reference), " ".join(hypothesis)
    edits = Counter(tag for tag, *_ in Levenshtein.editops(before, after).as_list())
    changed, gone = edits["replace"], edits["delete"]
    return ErrorCounts(len(before) - changed - gone, changed, gone, edits["insert"])


def count_confusions(alignments: Iterable[Alignment]) -> Counter[tuple[Edit, str, str]]:
    """How often each error occurs: kind, word of the reference, word of the hypothesis."""
    return Counter(pair for alignment in alignments for pair in alignment.errors())


@dataclass(frozen=True, slots=True)
class TermCounts:
    """How often key terms were said and recognised."""

    said: int = 0  # in the reference
    recognised: int = 0  # in the hypothesis
    correct: int = 0  # in both, at the same place of the alignment

    @property
    def recall(self) -> float | None:
        """Correct per said. Its complement is the vendor's missed entity rate."""
        return self.correct / self.said if self.said else None

    @property
    def precision(self) -> float | None:
        """Correct per recognised."""
        return self.correct / self.recognised if self.recognised else None

    def __add__(self, other: "TermCounts") -> "TermCounts":
        return TermCounts(
            self.said + other.said,
            self.recognised + other.recognised,
            self.correct + other.correct,
        )


NO_TERMS = TermCounts()


def count_terms(alignment: Alignment, terms: Iterable[Sequence[str]]) -> TermCounts:
    """Counts key terms, each a sequence of normalised words; every place counts, also repeats."""
    total, hits = NO_TERMS, _Hits(alignment)
    for term in dict.fromkeys(tuple(term) for term in terms if term):
        said = _find_places(alignment.reference, term)
        recognised = _find_places(alignment.hypothesis, term)
        correct = sum(hits.has(place, len(term)) for place in said)
        total += TermCounts(len(said), len(recognised), correct)
    return total


def find_missed(
    alignment: Alignment, pieces: Iterable[tuple[Sequence[str], bool]]
) -> Iterator[str]:
    """Yields the entities that were not recognised as a whole in their place.

    ``pieces``: the reference in order, divided where an entity begins or ends, each piece with its
    normalised words and whether it is an entity.
    """
    place, hits = 0, _Hits(alignment)
    for words, is_entity in pieces:
        if is_entity and words:
            # Numbers may be normalised otherwise beside other words, so it may have moved a little.
            near = range(max(0, place - _MAX_MOVED_WORDS), place + _MAX_MOVED_WORDS + 1)
            found = [
                start
                for start in sorted(near, key=lambda start: abs(start - place))
                if list(alignment.reference[start : start + len(words)]) == list(words)
            ]
            if not found or not hits.has(found[0], len(words)):
                yield " ".join(words)
            place = found[0] if found else place
        place += len(words)


_MAX_MOVED_WORDS = 20


class _Hits:
    """Which words of the reference were recognised, and where in the hypothesis they are."""

    def __init__(self, alignment: Alignment) -> None:
        self._alignment = alignment

    @cached_property
    def _places(self) -> Mapping[int | None, int | None]:
        steps = self._alignment.steps
        return {step.reference: step.hypothesis for step in steps if step.edit is Edit.HIT}

    def has(self, place: int, length: int) -> bool:
        """Whether so many words were recognised without another word between them."""
        first = self._places.get(place)
        return first is not None and all(
            self._places.get(place + offset) == first + offset for offset in range(1, length)
        )


def count_speaker_errors(
    reference: Sequence[Sequence[str]], hypothesis: Sequence[Sequence[str]]
) -> ErrorCounts:
    """The errors of cpWER: each speaker of the reference is compared with the speaker of the
    hypothesis for whom all errors together are fewest (Watanabe et al., 2020).

    Both have one sequence of words a speaker. With more than `_MAX_SPEAKERS`, nothing is counted,
    as all orders are tried.
    """
    count = max(len(reference), len(hypothesis))
    if count > _MAX_SPEAKERS:
        return NO_ERRORS
    said = [*reference, *[[]] * (count - len(reference))]
    heard = [*hypothesis, *[[]] * (count - len(hypothesis))]
    errors = [[Levenshtein.distance(one, other) for other in heard] for one in said]
    best = min(
        permutations(range(count)),
        key=lambda order: sum(errors[one][other] for one, other in enumerate(order)),
    )
    pairs = ((said[one], heard[other]) for one, other in enumerate(best))
    return sum((align(*pair).counts for pair in pairs), NO_ERRORS)


_MAX_SPEAKERS = 7


def _find_places(words: Sequence[str], term: Sequence[str]) -> list[int]:
    length, wanted = len(term), list(term)
    return [
        place
        for place in range(len(words) - length + 1)
        if words[place] == wanted[0] and list(words[place : place + length]) == wanted
    ]
