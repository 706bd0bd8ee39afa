"""Finds which attempt each turn of a transcript comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.jobs.job_state import JobState
from workers.jobs.resume_point import ResumePoint


@dataclass(frozen=True, slots=True)
class AttemptSpan:
    """The turns of one attempt: from ``start`` up to the start of the next span."""

    attempt: int
    start: ResumePoint


def attempt_spans(state: JobState) -> list[AttemptSpan]:
    """The spans of a transcript, in order. An attempt without kept turns has no span."""
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


def span_of_turn(spans: Sequence[AttemptSpan], turn_order: int) -> AttemptSpan:
    """The span to which a turn belongs."""
    return next((span for span in reversed(spans) if span.start.turn <= turn_order), spans[0])
