"""Which attempt heard which turns: where one took a transcript over from another."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.jobs.job_state import JobState
from workers.jobs.resume_point import RECORDING_START, ResumePoint


@dataclass(frozen=True, slots=True)
class AttemptSpan:
    """The turns from the seam on, up to the next one, are this attempt's."""

    attempt: int
    start: ResumePoint


def attempt_spans(state: JobState) -> list[AttemptSpan]:
    """In order; the first is of the attempt that began with the recording.

    An attempt that heard nothing which was kept is not among them.
    """
    numbers = _attempt_numbers(state)
    found: list[AttemptSpan] = []
    following = state.attempt + 1
    for resume_point in reversed([RECORDING_START, *state.transcript.resume_points]):
        following = numbers.get(
            resume_point, max(following - 1, 1)
        )  # one that was killed is not known of
        found.append(AttemptSpan(following, resume_point))
    return found[::-1]


def _attempt_numbers(state: JobState) -> dict[ResumePoint, int]:
    """The attempt that went on from each place: of several, the latest that had a connection."""
    numbers: dict[ResumePoint, int] = {}
    for each in state.earlier_attempts:
        if each.ended.open_seconds or each.started_from not in numbers:
            numbers[each.started_from] = each.number
    if state.began is not None or state.started_from not in numbers:
        numbers[state.started_from] = state.attempt
    return numbers


def span_of_turn(spans: Sequence[AttemptSpan], turn_order: int) -> AttemptSpan:
    """Whose a turn is."""
    return next((each for each in reversed(spans) if each.start.turn <= turn_order), spans[0])
