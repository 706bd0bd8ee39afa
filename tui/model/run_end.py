"""The end of a run: when it comes, and what it came to."""

from collections import Counter
from dataclasses import dataclass

from tui.model.desk_state import DeskState
from tui.text.formats import format_count
from workers.jobs.job_state import JobStatus
from workers.pacing.certificate import Verdict


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What a run came to when its last session had finished."""

    counts: Counter[JobStatus]
    invalid_count: int
    """Sessions whose pacing did not hold, so that their delays do not count."""
    fault_count: int
    """Recordings that were streamed although something is wrong with them."""
    audio_s: float
    open_s: float

    @classmethod
    def of(cls, state: DeskState) -> "RunEnd":
        """Reads the states of all jobs."""
        done = [each for each in state.job_states.values() if each.status is JobStatus.DONE]
        certificates = [each.ended.certificate for each in done if each.ended]
        return cls(
            counts=Counter(each.status for each in state.job_states.values()),
            invalid_count=sum(
                each is not None and each.verdict is not Verdict.HELD for each in certificates
            ),
            fault_count=sum(bool(each.recording_faults) for each in done),
            audio_s=sum(each.sent_part_seconds for each in state.job_states.values()),
            open_s=sum(each.open_seconds for each in state.all_job_states),
        )

    @property
    def sentence(self) -> str:
        """The outcomes in a few words, for a notification."""
        words = [f"{self.counts[each]} {each.value}" for each in JobStatus if self.counts[each]]
        total = sum(self.counts.values())
        return f"{format_count(total, 'recording')}: {', '.join(words)}"


class RunEndWatch:
    """Notices when the last session has finished."""

    def __init__(self, state: DeskState) -> None:
        self._state = state
        self._was_active = False

    def has_ended(self, *, more_may_come: bool = False) -> bool:
        """Whether the run has ended since the last call. ``more_may_come``: folders are searched or
        watched."""
        was_active, self._was_active = self._was_active, more_may_come or not self._state.is_over
        return was_active and not self._was_active and self._state.is_over
