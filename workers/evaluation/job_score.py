"""Scores one job: its words against its reference, and its delays."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from workers.evaluation.accuracy import (
    NO_ERRORS,
    NO_TERMS,
    Alignment,
    Edit,
    ErrorCounts,
    TermCounts,
    align,
    count_character_errors,
    count_speaker_errors,
    count_terms,
    find_missed,
)
from workers.evaluation.latency import JobLatency
from workers.evaluation.normalisation import PLAIN, Normaliser, count_uncertain
from workers.evaluation.reference_formats import Reference
from workers.evaluation.references import ScoredFile
from workers.jobs.attempt_spans import further_spans
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState


class MarkKind(Enum):
    """What may be the reason of errors beside a mark."""

    SEAM = "seam"  # another attempt continued here
    DAMAGE = "damage"  # the recording cannot be decoded here


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the recording at which errors may not be the recogniser's."""

    kind: MarkKind
    at_s: float
    hypothesis: int
    """The index of the first word of the alignment's hypothesis after it."""
    missing_s: float | None = None
    """How much cannot be decoded, if that is known."""

    @property
    def text(self) -> str:
        """The mark in words."""
        if self.kind is MarkKind.SEAM:
            return f"continued at {self.at_s:.1f} s"
        missing = "" if self.missing_s is None else f", {self.missing_s:.1f} s missing"
        return f"damaged at {self.at_s:.1f} s{missing}"


@dataclass(slots=True)
class JobScore:
    """The scores of one job."""

    job: JobId
    halves: tuple[JobId, ...]
    """The jobs that streamed it: itself, or the two halves of a pair."""
    name: str
    """The recording, as the user named it."""
    model: str
    """As the server reported it."""
    speed: float
    """Seconds of audio that were sent per second."""
    file: ScoredFile
    reference: Reference | None
    latency: JobLatency
    text: str
    """The transcript, one turn a line."""
    seconds: float
    """Length of the recording."""
    speakers: tuple[str, ...]
    """Who is in each of ``halves``; empty if it is one job."""
    warnings: tuple[str, ...]
    """What is wrong with the recording, such as damaged seconds."""
    group: str = ""
    alignment: Alignment | None = None
    """None without a reference."""
    words: ErrorCounts = NO_ERRORS
    characters: ErrorCounts = NO_ERRORS
    formatted_words: ErrorCounts = NO_ERRORS
    """Word errors without normalising: case and punctuation count."""
    speaker_words: ErrorCounts = NO_ERRORS
    """Word errors of each speaker against the one that fits best; zero without speakers."""
    terms: TermCounts = NO_TERMS
    entities: TermCounts = NO_TERMS
    """Entities that are marked in the reference."""
    missed_entities: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    """Seams and damage, in the order of the words."""
    sessions: int = 0
    """How many sessions were open at once in the middle of its own."""
    uncertain: int = 0
    """Marks such as ``[unclear]`` in the reference, which were left out."""
    is_part: bool = False
    """Whether only a part of the recording was streamed."""

    def marked_pairs(self) -> Iterator[tuple[Edit, str, str] | Mark]:
        """The steps of the alignment with their words, and the marks between them."""
        if self.alignment is None:
            return
        marks, words = list(self.marks), 0
        for step, pair in zip(self.alignment.steps, self.alignment.pairs(), strict=True):
            while marks and marks[0].hypothesis <= words:
                yield marks.pop(0)
            yield pair
            words += step.hypothesis is not None
        yield from marks


def score_text(
    job: JobScore,
    state: JobState,
    reference: Reference,
    normaliser: Normaliser,
    terms: Iterable[str],
) -> None:
    """Sets what follows from comparing the text of a job with its reference."""
    said, recognised = normaliser.words(reference.said), normaliser.words(job.text)
    job.alignment = align(said, recognised)
    job.words = job.alignment.counts
    job.characters = count_character_errors(said, recognised)
    job.formatted_words = align(PLAIN.words(reference.said), PLAIN.words(job.text)).counts
    job.terms = count_terms(job.alignment, [normaliser.words(term) for term in terms])
    job.uncertain = count_uncertain(reference.said)
    entities = [
        (normaliser.words(piece), is_entity)
        for piece, is_entity in reference.pieces
        if piece.strip()
    ]
    job.missed_entities = tuple(find_missed(job.alignment, entities))
    marked = sum(is_entity and bool(words) for words, is_entity in entities)
    job.entities = TermCounts(marked, 0, marked - len(job.missed_entities))
    if reference.speakers and (heard := _texts_by_speaker(state)):
        job.speaker_words = count_speaker_errors(
            [normaliser.words(text) for text in reference.speakers.values()],
            [normaliser.words(text) for text in heard],
        )
    job.marks = _find_marks(state, normaliser)


def _texts_by_speaker(state: JobState) -> list[str]:
    """What each speaker said: of a call, on each channel; else as the server labels turns."""
    if isinstance(state, PairState):
        return [half.transcript.text for half in state.halves]
    texts: dict[str, list[str]] = {}
    for turn, line in zip(state.transcript.turns, state.transcript.lines, strict=True):
        texts.setdefault(turn.speaker_label or "", []).append(line.text)
    return [] if "" in texts else [" ".join(lines) for lines in texts.values()]


def _find_marks(state: JobState, normaliser: Normaliser) -> tuple[Mark, ...]:
    """The seams and the damage of a job, in the order of its words."""
    marks = []
    lines = state.transcript.lines
    for span in further_spans(state):
        before = " ".join(line.text for line in lines if line.turn_order < span.start.turn)
        words = len(normaliser.words(before))
        marks.append(Mark(MarkKind.SEAM, span.start.at_ms / 1000, words))
    for fault in state.damage:
        if fault.at_seconds is not None:
            before = " ".join(
                word.text
                for line in lines
                for word in line.words
                if word.end <= fault.at_seconds * 1000
            )
            words = len(normaliser.words(before))
            marks.append(Mark(MarkKind.DAMAGE, fault.at_seconds, words, fault.missing_seconds))
    return tuple(sorted(marks, key=lambda mark: mark.hypothesis))
