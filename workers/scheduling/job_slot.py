"""A job's place in a run: in the queue, starting, live, or over. The supervisor moves it."""

from dataclasses import dataclass, field
from enum import Enum

from workers.jobs.events import Began, Connecting, Event, Outcome, Progressed, TurnHeard
from workers.jobs.job import Job, JobId
from workers.jobs.outcomes import RETRIED
from workers.jobs.resume_point import START, Bearings, Seam
from workers.protocol.configuration import UNCHANGED
from workers.protocol.messages import UpdateConfiguration
from workers.scheduling.retry_policy import Retries
from workers.session.child import SessionChild

STOPPED = 3
"""Looks in a row after which a session whose process is stopped is ended."""

STILL = 15
"""Looks after which one that streams and says nothing is ended: it reports once a second."""

STILL_CALLING = 600
"""The same for one that does not stream: it reads a file up to where it goes on, which takes a
minute for some hours of Opus, or it calls a server, or awaits its end."""


class Phase(Enum):
    """Where a job is."""

    UNPROBED = "unprobed"
    WAITING = "waiting"
    LIVE = "live"
    """From when its process is being made."""
    OVER = "over"


@dataclass(slots=True)
class Place:
    """One job, its attempts so far, and the one that is at work or to come."""

    id: JobId
    file: str
    """As it was named."""
    path: str
    """Where it is."""
    attempt: int = 1
    asked: int = 0
    """How often the user has asked for a further attempt: one that was never begun gives its number
    to the next, so the number alone does not tell two of them apart."""
    phase: Phase = Phase.UNPROBED
    job: Job | None = None
    child: SessionChild | None = None
    due: float = 0.0
    """On the monotonic clock: not to be started before."""
    started_at: float = 0.0
    broken: int = 0
    """Attempts that broke since the user last asked for one."""
    seam: Seam = START
    """Where the attempt that is at work, or to come, begins."""
    sha256: str = ""
    """Of the recording when the job was begun."""
    changes: UpdateConfiguration = UNCHANGED
    """What was changed while it streamed; further attempts begin with it."""
    unwanted: bool = False
    """Somebody asked for its end."""
    outcome: Outcome | None = None
    """Of the latest attempt that is over."""
    _bearings: Bearings = field(default_factory=Bearings)
    _streams: bool = False
    _silent: int = 0
    _stopped: int = 0
    """Looks in a row."""

    @property
    def over(self) -> bool:
        """Nothing more will happen to it unless the user asks."""
        return self.phase is Phase.OVER

    @property
    def streams(self) -> bool:
        """A session has begun and its audio is not all sent, nor is its end asked for."""
        return self.child is not None and self._streams and not self.unwanted

    # --- what its session says -------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Follows a live session."""
        self._silent = 0
        match event:
            case Connecting():
                self.sha256 = event.sha256
            case Began():
                self._streams = True
            case Progressed():
                self._streams = event.sent_seconds < event.total_seconds
                self._bearings.sent(event.sent_seconds)
            case TurnHeard():
                self._bearings.hear(event.turn, cut=event.cut)

    def look(self) -> bool:
        """One look a second at a live session; False when it has stood still for too long.

        Looks, not seconds: when the whole program was stopped, or the machine, nobody looked.
        """
        if self.child is None:
            return True
        self._silent += 1
        self._stopped = self._stopped + 1 if self.child.stopped else 0
        longest = STILL if self._streams else STILL_CALLING
        return self._stopped < STOPPED and self._silent < longest

    # --- attempts --------------------------------------------------------------------------------

    def starts(self, child: SessionChild) -> None:
        """Its process is there, or is being made."""
        self.phase, self.child = Phase.LIVE, child
        self._bearings = Bearings(self.seam)
        self._streams, self._silent, self._stopped = False, 0, 0

    def ends(self, outcome: Outcome) -> None:
        """Its process is gone, or it never had one."""
        self.phase, self.child, self.outcome = Phase.OVER, None, outcome
        self._bearings.end(outcome)
        self.seam = self._bearings.seam
        if outcome is Outcome.REFUSED:  # what was changed may be why
            self.changes = UNCHANGED

    def goes_on_in(self, outcome: Outcome, retries: Retries) -> float | None:
        """Seconds until a further attempt may follow one that ended so; None: it is over.

        A session that handed over is no failure; unless it got no further than it had begun: that
        could go on for ever.
        """
        handed_over = outcome is Outcome.HANDED_OVER
        if handed_over and self._bearings.moved:
            return 0.0
        ended_by_others = outcome is Outcome.INTERRUPTED  # by a signal: nobody has left
        if outcome not in RETRIED and not handed_over and not ended_by_others:
            return None
        self.broken += 1
        return retries.delay(self.broken) if self.broken < retries.attempts else None

    def waits(self, due: float) -> None:
        """In the queue again, or for the first time, not to be started before ``due``."""
        self.phase, self.due = Phase.WAITING, due

    def asked_again(self, attempt: int) -> None:
        """The user wants a further attempt: from where it broke, or anew when nothing did.

        ``attempt``: the number that it gets; that of the latest one, if that was never begun.
        """
        at_fault = self.outcome is Outcome.UNREADABLE and attempt > self.attempt  # not only away
        if self.outcome is Outcome.DONE or at_fault:
            self.seam, self.sha256, self._bearings = START, "", Bearings()
        self.attempt = attempt
        self.asked += 1
        self.job = None
        self.broken, self.due, self.unwanted = 0, 0.0, False

    def come_back(self, seam: Seam, outcome: Outcome | None, sha256: str) -> None:
        """As an earlier run left it."""
        self.seam, self.outcome, self.sha256 = seam, outcome, sha256
        self._bearings = Bearings(seam)
        self.phase = Phase.OVER
