"""Which attempt heard which turns: where one took a transcript over from another."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.jobs.job_state import JobHistory
from workers.jobs.resume_point import START, Seam


@dataclass(frozen=True, slots=True)
class Takeover:
    """The turns from the seam on, up to the next one, are this attempt's."""

    attempt: int
    seam: Seam


def takeovers(history: JobHistory) -> list[Takeover]:
    """In order; the first is of the attempt that began with the recording.

    An attempt that heard nothing which was kept is not among them.
    """
    numbers = _numbers(history)
    found: list[Takeover] = []
    following = history.attempt + 1
    for seam in reversed([START, *history.transcript.seams]):
        following = numbers.get(seam, max(following - 1, 1))  # one that was killed is not known of
        found.append(Takeover(following, seam))
    return found[::-1]


def _numbers(history: JobHistory) -> dict[Seam, int]:
    """The attempt that went on from each place: of several, the latest that had a connection."""
    numbers: dict[Seam, int] = {}
    for each in history.earlier:
        if each.ended.open_seconds or each.seam not in numbers:
            numbers[each.seam] = each.number
    if history.began is not None or history.begun_at not in numbers:
        numbers[history.begun_at] = history.attempt
    return numbers


def heard_by(found: Sequence[Takeover], turn_order: int) -> Takeover:
    """Whose a turn is."""
    return next((each for each in reversed(found) if each.seam.turn <= turn_order), found[0])
