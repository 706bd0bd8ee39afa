"""What the index keeps of a job whose session has ended: enough to show it without its traces.

A run of 20,000 jobs has gigabytes of traces, which no command should read before it is asked for
them. `JobState` stays the only fold; this is its result, apart from the text of turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from workers import ranges
from workers.jobs.events import Began, Ended, Warned
from workers.jobs.job_state import Attempt, JobState, JobStatus
from workers.jobs.resume_point import ResumePoint, ResumeTracker
from workers.jobs.transcript import TurnList
from workers.pacing.certificate import LagSummary
from workers.ranges import Count, Seconds

MAX_NOTES = 20
"""A job with more warnings has no summary: an index is not the place for them."""


@dataclass(frozen=True, slots=True)
class JobSummary:
    """The latest attempt of a job that has ended, and the turns of all attempts."""

    started_from: ResumePoint
    resume_point: ResumePoint
    sent_seconds: Seconds
    total_seconds: Seconds
    turns: TurnList
    resume_points: tuple[ResumePoint, ...] = ()
    """Those of the transcript."""
    began: Began | None = None
    lag: LagSummary | None = None
    slips: Count = 0
    warnings: tuple[str, ...] = ()
    damage: tuple[Warned, ...] = ()
    hashed_bytes: Annotated[int, ranges.FILE_BYTES] | None = None
    has_exact_length: bool = True
    is_growing: bool = False
    node: Annotated[str, ranges.Text("the name of a node", 1000)] | None = None


def summary_of(state: JobState) -> JobSummary | None:
    """The summary of a job; None if the job has not ended, if some of its turns are in memory,
    which may be in no trace as they are, or if it would not be short."""
    turns = state.transcript.turn_list()
    if turns is None or state.ended is None or not state.has_started:
        return None
    if len(state.session_warnings) + len(state.damage) > MAX_NOTES:
        return None
    return JobSummary(
        started_from=state.started_from,
        resume_point=state.resume_tracker.resume_point,
        sent_seconds=state.sent_seconds,
        total_seconds=state.total_seconds,
        turns=turns,
        resume_points=tuple(state.transcript.resume_points),
        began=state.began,
        lag=state.lag,
        slips=state.slips,
        warnings=tuple(state.session_warnings),
        damage=tuple(state.damage),
        hashed_bytes=state.hashed_bytes,
        has_exact_length=state.has_exact_length,
        is_growing=state.is_growing,
        node=state.node,
    )


def restore_summary(
    state: JobState,
    summary: JobSummary,
    *,
    attempt: int,
    ended: Ended,
    earlier: Sequence[Attempt],
    sha256: str,
) -> None:
    """Puts a summary into the state of a job that was queued and has no attempt yet.

    ``attempt``, ``ended``: the number of the latest attempt, and how it ended; ``earlier``: those
    before it.
    """
    state.attempt, state.has_started = attempt, True
    state.status, state.ended = JobStatus.from_outcome(ended.outcome), ended
    state.earlier_attempts = list(earlier)
    state.started_from = summary.started_from
    state.resume_tracker = ResumeTracker(summary.resume_point)
    state.sent_seconds, state.total_seconds = summary.sent_seconds, summary.total_seconds
    state.transcript.restore_list(summary.turns, summary.resume_points)
    state.began, state.lag, state.slips = summary.began, summary.lag, summary.slips
    state.session_warnings, state.damage = list(summary.warnings), list(summary.damage)
    state.sha256, state.hashed_bytes = sha256, summary.hashed_bytes
    state.has_exact_length, state.is_growing = summary.has_exact_length, summary.is_growing
    state.node = summary.node
