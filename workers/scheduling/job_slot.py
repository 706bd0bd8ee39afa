"""A job's place in a run: in the queue, starting, live, or over. The supervisor moves it."""

from dataclasses import dataclass, field
from enum import Enum

from workers.jobs.events import Began, Connecting, Event, Outcome, Progressed, TurnReceived
from workers.jobs.job import Job, JobId
from workers.jobs.outcomes import RETRYABLE
from workers.jobs.resume_point import RECORDING_START, ResumePoint, ResumeTracker
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.messages import UpdateConfiguration
from workers.scheduling.retry_policy import RetryPolicy
from workers.session.child import SessionChild

MAX_STOPPED_CHECKS = 3
"""Looks in a row after which a session whose process is stopped is ended."""

MAX_SILENT_CHECKS = 15
"""Looks after which one that streams and says nothing is ended: it reports once a second."""

MAX_SILENT_SETUP_CHECKS = 600
"""The same for one that does not stream: it reads a file up to where it goes on, which takes a
minute for some hours of Opus, or it calls a server, or awaits its end."""


class JobPhase(Enum):
    """Where a job is."""

    UNPROBED = "unprobed"
    QUEUED = "waiting"
    LIVE = "live"
    """From when its process is being made."""
    FINISHED = "over"


@dataclass(slots=True)
class JobSlot:
    """One job, its attempts so far, and the one that is at work or to come."""

    id: JobId
    file: str
    """As it was named."""
    path: str
    """Where it is."""
    attempt: int = 1
    generation: int = 0
    """How often the user has asked for a further attempt: one that was never begun gives its number
    to the next, so the number alone does not tell two of them apart."""
    phase: JobPhase = JobPhase.UNPROBED
    job: Job | None = None
    child: SessionChild | None = None
    due_at: float = 0.0
    """On the monotonic clock: not to be started before."""
    started_at: float = 0.0
    failed_attempts: int = 0
    """Attempts that broke since the user last asked for one."""
    resume_point: ResumePoint = RECORDING_START
    """Where the attempt that is at work, or to come, begins."""
    sha256: str = ""
    """Of the recording when the job was begun."""
    changes: UpdateConfiguration = NO_CHANGES
    """What was changed while it streamed; further attempts begin with it."""
    end_requested: bool = False
    """Somebody asked for its end."""
    outcome: Outcome | None = None
    """Of the latest attempt that is over."""
    _resume_tracker: ResumeTracker = field(default_factory=ResumeTracker)
    _sends_audio: bool = False
    _silent_checks: int = 0
    _stopped_checks: int = 0
    """Looks in a row."""

    @property
    def is_finished(self) -> bool:
        """Nothing more will happen to it unless the user asks."""
        return self.phase is JobPhase.FINISHED

    @property
    def is_streaming(self) -> bool:
        """A session has begun and its audio is not all sent, nor is its end asked for."""
        return self.child is not None and self._sends_audio and not self.end_requested

    # --- what its session says -------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Follows a live session."""
        self._silent_checks = 0
        match event:
            case Connecting():
                self.sha256 = event.sha256
            case Began():
                self._sends_audio = True
            case Progressed():
                self._sends_audio = event.sent_seconds < event.total_seconds
                self._resume_tracker.apply_progress(event.sent_seconds)
            case TurnReceived():
                self._resume_tracker.apply_turn(event.turn, cut=event.cut)

    def check_liveness(self) -> bool:
        """One look a second at a live session; False when it has stood still for too long.

        Looks, not seconds: when the whole program was stopped, or the machine, nobody looked.
        """
        if self.child is None:
            return True
        self._silent_checks += 1
        self._stopped_checks = self._stopped_checks + 1 if self.child.is_suspended else 0
        longest = MAX_SILENT_CHECKS if self._sends_audio else MAX_SILENT_SETUP_CHECKS
        return self._stopped_checks < MAX_STOPPED_CHECKS and self._silent_checks < longest

    # --- attempts --------------------------------------------------------------------------------

    def begin_attempt(self, child: SessionChild) -> None:
        """Its process is there, or is being made."""
        self.phase, self.child = JobPhase.LIVE, child
        self._resume_tracker = ResumeTracker(self.resume_point)
        self._sends_audio, self._silent_checks, self._stopped_checks = False, 0, 0

    def end_attempt(self, outcome: Outcome) -> None:
        """Its process is gone, or it never had one."""
        self.phase, self.child, self.outcome = JobPhase.FINISHED, None, outcome
        self._resume_tracker.end_attempt(outcome)
        self.resume_point = self._resume_tracker.resume_point
        if outcome is Outcome.REFUSED:  # what was changed may be why
            self.changes = NO_CHANGES

    def next_retry_delay(self, outcome: Outcome, retry_policy: RetryPolicy) -> float | None:
        """Seconds until a further attempt may follow one that ended so; None: it is over.

        A session that handed over is no failure; unless it got no further than it had begun: that
        could go on for ever.
        """
        handed_over = outcome is Outcome.HANDED_OVER
        if handed_over and self._resume_tracker.has_advanced:
            return 0.0
        ended_by_others = outcome is Outcome.INTERRUPTED  # by a signal: nobody has left
        if outcome not in RETRYABLE and not handed_over and not ended_by_others:
            return None
        self.failed_attempts += 1
        return (
            retry_policy.random_delay(self.failed_attempts)
            if self.failed_attempts < retry_policy.max_attempts
            else None
        )

    def mark_queued(self, due_at: float) -> None:
        """In the queue again, or for the first time, not to be started before ``due_at``."""
        self.phase, self.due_at = JobPhase.QUEUED, due_at

    def reset_for_retry(self, attempt: int) -> None:
        """The user wants a further attempt: from where it broke, or anew when nothing did.

        ``attempt``: the number that it gets; that of the latest one, if that was never begun.
        """
        at_fault = self.outcome is Outcome.UNREADABLE and attempt > self.attempt  # not only away
        if self.outcome is Outcome.DONE or at_fault:
            self.resume_point, self.sha256, self._resume_tracker = (
                RECORDING_START,
                "",
                ResumeTracker(),
            )
        self.attempt = attempt
        self.generation += 1
        self.job = None
        self.failed_attempts, self.due_at, self.end_requested = 0, 0.0, False

    def restore(self, resume_point: ResumePoint, outcome: Outcome | None, sha256: str) -> None:
        """As an earlier run left it."""
        self.resume_point, self.outcome, self.sha256 = resume_point, outcome, sha256
        self._resume_tracker = ResumeTracker(resume_point)
        self.phase = JobPhase.FINISHED
