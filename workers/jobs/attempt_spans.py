"""Finds which attempt each turn of a transcript comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState, PairTranscript, speaker_of
from workers.jobs.resume_point import ResumePoint


@dataclass(frozen=True, slots=True)
class AttemptSpan:
    """The turns of one attempt: from ``start`` up to the start of the next span."""

    attempt: int
    start: ResumePoint
    speaker: str = ""  # in the transcript of a pair, whose turns they are


def attempt_spans(state: JobState) -> list[AttemptSpan]:
    """The spans of a transcript, in order; of a pair, those of one speaker and then of the other.
    An attempt without kept turns has no span."""
    if isinstance(state, PairState):
        return [span for half in range(len(state.halves)) for span in _half_spans(state, half)]
    numbers: dict[ResumePoint, int] = {}
    for attempt in state.earlier_attempts:
        # If attempts have the same start, the latest one that had a connection counts.
        if attempt.ended.open_seconds or attempt.started_from not in numbers:
            numbers[attempt.started_from] = attempt.number
    if state.began is not None or state.started_from not in numbers:
        numbers[state.started_from] = state.attempt
    spans: list[AttemptSpan] = []
    number = state.attempt + 1
    for start in reversed([state.start_point, *state.transcript.resume_points]):
        # The state may lack a killed attempt; its number is one less than that of the next.
        number = numbers.get(start, max(number - 1, 1))
        spans.append(AttemptSpan(number, start))
    return spans[::-1]


def _half_spans(state: PairState, index: int) -> list[AttemptSpan]:
    half, transcript = state.halves[index], state.transcript
    assert isinstance(transcript, PairTranscript)
    first, *further = attempt_spans(half)
    return [
        replace(first, speaker=speaker_of(half)),
        *(
            AttemptSpan(
                span.attempt,
                replace(span.start, turn=transcript.index_of(index, span.start)),
                speaker_of(half),
            )
            for span in further
        ),
    ]


def further_spans(state: JobState) -> list[AttemptSpan]:
    """The spans of the attempts that continued others, in the order of the transcript."""
    spans = attempt_spans(state)
    firsts = {span.speaker: span for span in reversed(spans)}.values()
    return sorted((s for s in spans if s not in firsts), key=attrgetter("start.turn"))


def span_of_turn(spans: Sequence[AttemptSpan], turn_order: int, speaker: str = "") -> AttemptSpan:
    """The span to which a turn belongs."""
    own = [span for span in spans if span.speaker == speaker]
    return next((span for span in reversed(own) if span.start.turn <= turn_order), own[0])
