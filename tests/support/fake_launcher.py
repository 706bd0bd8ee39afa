"""A launcher without processes, for a scheduler with a clock that a test moves."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from tests.support.report_builders import progressed
from workers.audio.recording import Recording
from workers.jobs.events import Began, Connecting, Ended, Event, JobReport, Outcome, TurnReceived
from workers.jobs.job import JobId
from workers.jobs.node_status import NodeStatus
from workers.protocol.endpoint import custom_endpoint
from workers.protocol.messages import Turn, Word
from workers.scheduling.job_slot import JobSlot
from workers.scheduling.scheduler import Scheduler, SessionTarget
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage

RECORDING = Recording("1.wav", 2.0, 16000, 1, 32000, "WAV PCM_16", 64044)
"""What every file holds here."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a session does: its events by the second, then its exit."""

    events: Sequence[tuple[float, Event]]
    lasts_s: float
    exit_text: str = "ended with code 0"


def script(outcome: Outcome | None, *, heard_until_s: float = 0.0) -> Script:
    """A session that ends so; None: its process is killed and says nothing."""
    turn = Turn(0, True, "word", words=(Word("word", 100, round(heard_until_s * 1000)),))
    began = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0)
    events: list[tuple[float, Event]] = [(0.1, Connecting("ws://x", "ab")), (0.2, began)]
    if heard_until_s:
        events += [(1.0, progressed(heard_until_s, 2.0)), (1.0, TurnReceived(turn))]
    if outcome is None:
        return Script(events, 1.5, "was killed (signal 9)")
    if outcome in (Outcome.BUSY, Outcome.UNREACHABLE):
        return Script([*events[:1], (0.3, Ended(outcome, "no"))], 0.4)
    return Script([*events, (2.0, Ended(outcome, outcome.value))], 2.1)


def random_outcomes(seed: int) -> Callable[[], Outcome | None]:
    """How one session after another ends: most are done, some are refused, lost or killed."""
    chance = random.Random(seed)
    weights = {Outcome.DONE: 80, Outcome.BUSY: 2, Outcome.LOST: 9, None: 7, Outcome.REFUSED: 2}
    return lambda: chance.choices(list(weights), list(weights.values()))[0]


@dataclass(slots=True)
class FakeSession:
    """A session whose script the launcher plays."""

    assignment: Assignment
    is_alive: bool = True
    reachable: bool = True
    sent: list[ControlMessage] = field(default_factory=list)
    is_killed: bool = False
    is_closed: bool = False
    blocked_bytes: int | None = None
    """Bytes read by a session that sleeps; None: it does not."""

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        """Nothing: `FakeLauncher` says when something happens."""

    def send(self, message: ControlMessage) -> None:
        self.sent.append(message)

    @property
    def is_reachable(self) -> bool:
        return self.reachable

    def check_alive(self) -> bool:
        return self.is_alive

    def bytes_read_asleep(self) -> int | None:
        return self.blocked_bytes

    def kill(self) -> None:
        self.is_killed = True

    def close(self) -> None:
        self.is_closed = True


class SingleMachine:
    """What a launcher for one machine answers to what only a fleet does; a test may set it."""

    capacity: int | None = None
    machines: int = 1

    def __init__(self) -> None:
        self.adoptable: dict[tuple[JobId, int], FakeSession] = {}

    def limit_sessions(self, max_sessions: int) -> None:
        """Nothing: the scheduler keeps the limit here."""

    def adopt(self, job: JobId, attempt: int) -> FakeSession | None:
        return self.adoptable.pop((job, attempt), None)

    def nodes(self) -> list[NodeStatus]:
        return []

    def drain(self, node: str, on: bool) -> None:
        """Nothing: there are no nodes."""


class FakeLauncher(SingleMachine):
    """Plays a script for each session, in the time of its own clock."""

    def __init__(self, script: Callable[[Assignment], Script]) -> None:
        super().__init__()
        self.now = 1000.0
        self.starts: list[tuple[float, Assignment]] = []
        self.max_live = 0
        self._script = script
        self._live = self._sequence = 0
        self._due: list[tuple[float, int, JobSlot, JobReport | str]] = []

    def clock(self) -> float:
        """Seconds of a monotonic clock, for the scheduler."""
        return self.now

    def create(self, assignment: Assignment, key: Secret | None) -> FakeSession:
        self.starts.append((self.now, assignment))
        return FakeSession(assignment)

    def run(self, scheduler: Scheduler, between: Callable[[], object] = lambda: None) -> None:
        """Does what the supervisor's thread does, until the scheduler is idle.

        ``between`` is called before each step; a test gives its commands there.
        """
        target = SessionTarget(custom_endpoint("ws://127.0.0.1:1"), None, 30)
        while not scheduler.is_idle:
            between()
            if scheduler.is_idle:  # a command ended all
                return
            if (claim := scheduler.claim_start() or scheduler.claim_unprobed()) is None:
                self._advance(scheduler)
            elif claim.slot.job is None:
                scheduler.enqueue(claim, RECORDING)
            elif scheduler.create_session(claim, target) is not None:
                self._play(claim.slot)

    def _play(self, slot: JobSlot) -> None:
        script = self._script(self.starts[-1][1])
        self._live += 1
        self.max_live = max(self.max_live, self._live)
        for t, event in script.events:
            self._push(t, slot, JobReport(slot.id, slot.attempt, slot.file, t, event))
        self._push(script.lasts_s, slot, script.exit_text)

    def _push(self, seconds: float, slot: JobSlot, what: JobReport | str) -> None:
        self._sequence += 1
        heappush(self._due, (self.now + seconds, self._sequence, slot, what))

    def _advance(self, scheduler: Scheduler) -> None:
        """Moves the clock to what happens next: a start, or what a session does."""
        wait = scheduler.seconds_to_start()
        start_at = float("inf") if wait is None else self.now + wait
        if self._due and self._due[0][0] <= start_at:
            self.now, _, slot, what = heappop(self._due)
            assert slot.session is not None
            if isinstance(what, JobReport):
                scheduler.apply_report(slot, slot.session, what)
            else:
                self._live -= 1
                scheduler.finish_session(slot, slot.session, what)
        else:
            assert start_at < float("inf"), "nothing will ever happen"
            self.now = max(self.now, start_at)
