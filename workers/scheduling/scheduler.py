"""Decides what happens to each job of a run, and reports events.

Has no threads, locks or processes: `Supervisor` calls it under its lock and provides a clock and a
launcher. Nothing here blocks.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from workers.audio.recording import Recording, without_seeking
from workers.audio.source import Source
from workers.errors import Unreadable
from workers.jobs.events import (
    Began,
    Ended,
    Event,
    Fetched,
    JobReport,
    Outcome,
    Progressed,
    Queued,
    Readied,
    Retrying,
)
from workers.jobs.job import Half, Job, JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.jobs.matrix import apply_condition
from workers.jobs.outcomes import MACHINE_FULL_HINT
from workers.jobs.sent_position import SentPosition
from workers.log import Logger
from workers.protocol import configuration
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import ForceEndpoint, UpdateConfiguration
from workers.runs.index import garbage_collection_paused
from workers.runs.run_folder import RunFolder
from workers.scheduling.job_queue import JobQueue
from workers.scheduling.job_slot import MAX_FOLLOWED_BYTES, Arrival, JobPhase, JobSlot
from workers.scheduling.launcher import Session, SessionLauncher
from workers.scheduling.pair_clock import PairClock
from workers.scheduling.report_queue import ReportQueue
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.spending import SOCKET_OVERHEAD_S, Spending, SpendingStatus
from workers.scheduling.start_rate import StartRateLimiter
from workers.secrecy import Secret
from workers.session.assignment import Assignment, StopCommand, Timeouts
from workers.traces.files import set_aside

_log = Logger("paceline.scheduler")

MAX_RECEIVED_AHEAD = 8
MAX_RECEIVED_AHEAD_BYTES = 2 << 30
"""How much is received before sessions start: no more than is needed soon."""

PHASE_STEP = (5**0.5 - 1) / 2
"""The phases of two sessions in a row differ by the golden ratio, which spreads any number of them
evenly over the interval between two chunks."""

MAX_FULL_S = 60.0
"""How long a job waits for other programs to end, if this machine has no room for its session."""

_CANCELLED_IN_QUEUE = Ended(Outcome.CANCELLED, "taken out of the queue")
_INTERRUPTED_IN_QUEUE = Ended(
    Outcome.INTERRUPTED,
    "the program was left before the recording started",
    "Nothing is lost: “paceline resume” streams it.",
)

BUDGET_HINT = "paceline resume continues with a larger --budget."

_STALLED_ARRIVAL = Unreadable(
    "its recording stopped arriving for so long that its session ended", "Retry to continue."
)
"""Only where the system does not tell that the spool is still open for writing."""


@dataclass(frozen=True, slots=True)
class SessionTarget:
    """The server that sessions connect to, and its default limit on concurrent sessions."""

    endpoint: Endpoint
    key: Secret | None
    max_sessions: int  # concurrent sessions, unless the user sets another limit
    server_restarts: int = 0  # how often an embedded engine died and was restarted


@dataclass(frozen=True, slots=True)
class Claim:
    """A job whose file the caller must probe, or whose session it must start."""

    slot: JobSlot
    generation: int  # `JobSlot.generation` when it was claimed

    @property
    def is_current(self) -> bool:
        """False if the job was cancelled since the claim, even if it is queued again."""
        return not self.slot.is_finished and self.slot.generation == self.generation


class Scheduler:
    """Schedules the jobs of one run. Not thread-safe: callers must hold a lock."""

    def __init__(
        self,
        folder: RunFolder,
        settings: StreamSettings,
        launcher: SessionLauncher,
        *,
        clock: Callable[[], float],
        start_limiter: StartRateLimiter,
        retry_policy: RetryPolicy,
        timeouts: Timeouts,
        session_limit: int | None,
        spending: Spending | None = None,
    ) -> None:
        """``session_limit``: concurrent sessions; None: the default of the target. ``spending``:
        None: nothing costs anything."""
        self.folder = folder
        self.reports = ReportQueue()
        self.start_limiter = start_limiter
        self._spending = spending or Spending()
        self.holding = False  # no new starts
        self.held_by_refusal = False
        """Whether they are held because the server refused a session before it accepted any."""
        self.stopping = False  # no new starts and no retries
        self.session_limit = session_limit
        self.target: SessionTarget | None = None  # known after the first start
        self._settings = settings
        self._launcher = launcher
        self._clock = clock
        self._retry_policy = retry_policy
        self._timeouts = timeouts
        self._slots: dict[JobId, JobSlot] = {}
        self._queue = JobQueue()
        self._live: dict[JobId, JobSlot] = {}
        self._received_ahead: dict[str, int] = {}
        """The spools of jobs whose recordings arrive, or have arrived, before their first session;
        and how many bytes each has. The halves of a pair share one."""
        self._claims: deque[Claim] = deque()
        """Claims of jobs that left the queue, for `claim_start` to return."""
        self._pair_clocks: dict[JobId, PairClock] = {}
        """The clock of each pair, by its number."""
        self._last_id = 0
        self._full_since: float | None = None
        """Since when this machine has had no room for a session although none was live."""

    @property
    def max_sessions(self) -> int:
        if self.session_limit is not None:
            return self.session_limit
        return self.target.max_sessions if self.target else 0

    @property
    def is_idle(self) -> bool:
        return not self._queue and not self._live

    @property
    def queue(self) -> list[JobId]:
        """Waiting jobs in order; the halves of a pair count as one, with the pair's number."""
        if not self._pair_clocks:  # the usual run, perhaps of many thousands
            return self._queue.order
        halves = ((self._slots[job].half, job) for job in self._queue.order)
        return list(dict.fromkeys(half.pair_id if half else job for half, job in halves))

    @property
    def next_start_at(self) -> float | None:
        """When the next queued job may start, ignoring `max_sessions`; None if there is none."""
        now = self._clock()
        return self._next_start_at(now, len(self._queue.next_due(now)))

    def _next_start_at(self, now: float, due: int) -> float | None:
        """Like `next_start_at`; ``due``: how many jobs start next, together, of those due now."""
        if self.holding or self.stopping:
            return None
        due_at = now if due else self._queue.next_due_at(now)
        if due_at is None or self.is_budget_reached:
            return None
        return max(due_at, self.start_limiter.next_start_at(now, max(1, due)))

    @property
    def is_budget_reached(self) -> bool:
        """Whether the next job that is due does not fit into the budget. The order of the queue is
        kept, so a shorter recording further behind waits too."""
        if self._spending.budget is None:
            return False
        now = self._clock()
        due = [slot for slot in self._queue.next_due(now) if slot.job is not None]
        needed = [(slot.needed_s, self._settings_of(slot)) for slot in due]
        return bool(due) and not self._spending.fits(needed, now)

    @property
    def spending_status(self) -> SpendingStatus:
        """What the run has spent so far."""
        reached = self.is_budget_reached
        return self._spending.status(self._settings, self._clock(), is_reached=reached)

    def add(self, source: Source) -> JobId:
        """Adds a recording at the end of the queue, as a job, or as a pair of jobs if it is split.
        Returns the number of the job or pair."""
        number = self._new_id()
        speakers = source.options.speakers
        if not speakers:
            self._add_job(number, source, None)
        for channel, speaker in enumerate(speakers, 1):
            one = replace(source, options=replace(source.options, channel=channel))
            self._add_job(self._new_id(), one, Half(number, channel, speaker))
        return number

    def _new_id(self) -> JobId:
        self._last_id += 1
        return JobId(self._last_id)

    def _add_job(self, job: JobId, source: Source, half: Half | None) -> None:
        path = self.folder.add_job(job, source, half)
        state = JobState.of(job, source, half)
        slot = self._add_slot(JobSlot(job, source, path, state, half))
        self._queue.add_unprobed(slot)
        if self.stopping:  # kept, so that `paceline resume` can continue it
            self._end_early(slot, StopCommand.SHUT_DOWN, _INTERRUPTED_IN_QUEUE)

    def _add_slot(self, slot: JobSlot) -> JobSlot:
        """Keeps a slot, and links the halves of a pair."""
        self._slots[slot.id] = slot
        if slot.half is not None:
            self._pair_clocks.setdefault(slot.half.pair_id, PairClock())
            halves = [self._slots[job] for job in slot.half.jobs if job in self._slots]
            if len(halves) == 2:
                halves[0].partner, halves[1].partner = halves[1], halves[0]
        return slot

    def resume(self, states: Iterable[JobState]) -> list[tuple[JobSlot, Session]]:
        """Loads the jobs of a run that ended, and queues those that are not settled. Jobs that had
        started come first; the others keep the order that the user chose. Returns the sessions that
        outlived the earlier program, with their jobs; the caller must start them."""
        with garbage_collection_paused():
            return self._resume(states)

    def _resume(self, states: Iterable[JobState]) -> list[tuple[JobSlot, Session]]:
        started = []
        adopted = []
        states = sorted(states, key=lambda state: state.job)
        self.folder.release_index()
        for state in states:
            job, source = state.job, self.folder.source_of(state.job)
            slot = JobSlot(job, source, source.file, state.copy(), state.half)
            slot.state.transcript.evict(0)
            slot.attempt, slot.phase = max(state.attempt, 1), JobPhase.FINISHED
            slot.changes = self.folder.changes_of(job)
            self._add_slot(slot)
            self._last_id = max(self._last_id, job)
            settings = self._settings_of(slot)
            session = None
            if not state.is_settled and not state.half:
                # The clock of a pair belonged to the earlier program.
                session = self._launcher.adopt(job, state.attempt)
            live_s = 0.0 if session is None else state.live_open_seconds
            self._spending.add(state.open_seconds - live_s, settings)
            if state.is_settled:
                self.folder.record_ending(slot.state)
                self.folder.release_job(job)
                continue
            slot.path = self.folder.recording_path(job)
            if session is not None:
                remaining_s = max(0.0, state.file_seconds - state.sent_seconds) / state.speed
                needed_s = live_s + remaining_s + SOCKET_OVERHEAD_S
                self._spending.reserve(job, needed_s, settings, self._clock() - live_s)
                slot.phase, slot.started_at = JobPhase.LIVE, self._clock()
                slot.begin_attempt(session, slot.started_at)
                self._live[job] = slot
                adopted.append((slot, session))
            else:
                self._queue_retry(slot, "it was not finished")
                if state.has_started or state.earlier_attempts:
                    started.append(job)
            self.folder.release_job(job)
        self._queue.reorder([*started, *self.folder.order])
        return adopted

    def cancel(self, job: JobId) -> None:
        """Implements `Supervisor.cancel`; the next methods implement those of the same name."""
        for slot in self._slots_of(job):
            self._end_early(slot, StopCommand.CANCEL, _CANCELLED_IN_QUEUE)

    def _slots_of(self, job: JobId) -> list[JobSlot]:
        """The job with this number, or both halves of the pair with it."""
        if job in self._pair_clocks:
            return [self._slots[half] for half in Half(job, 1, "").jobs]
        return [self._slots[job]]

    def stop(self) -> None:
        unstarted = _INTERRUPTED_IN_QUEUE
        if self.is_budget_reached:
            reason = (
                f"the budget of {self._spending.budget} was reached before the recording started"
            )
            unstarted = Ended(Outcome.INTERRUPTED, reason, BUDGET_HINT)
        self.stopping = True
        for slot in self._slots.values():
            if not slot.is_finished:
                self._end_early(slot, StopCommand.SHUT_DOWN, unstarted)

    def retry(self, job: JobId) -> bool:
        slots = self._slots_of(job)
        unfinished = [slot for slot in slots if slot.state.latest_outcome is not Outcome.DONE]
        return any([self._retry(slot) for slot in unfinished or slots])

    def hold(self, on: bool) -> None:
        self.holding, self.held_by_refusal = on, False

    def _retry(self, slot: JobSlot) -> bool:
        if self.stopping or not (slot.phase is JobPhase.QUEUED or slot.is_finished):
            return False
        if self.held_by_refusal:
            self.hold(False)
        if slot.is_finished:
            self._queue_retry(slot, "asked for")
        else:
            self._queue.mark_ready(slot)
            self.start_limiter.skip_pause()
        return True

    def reorder(self, order: Sequence[JobId]) -> None:
        self._queue.reorder(slot.id for job in order for slot in self._slots_of(job))
        self.folder.set_order(self._queue.order)

    def end_turn(self, job: JobId) -> bool:
        return any([self._end_turn(slot) for slot in self._slots_of(job)])

    def _end_turn(self, slot: JobSlot) -> bool:
        if slot.session is None or not slot.is_streaming:
            return False
        slot.session.send(ForceEndpoint())
        return True

    def sent_position(self, job: JobId) -> SentPosition | None:
        slot = self._slots.get(job)  # a pair has no position of its own
        return slot.sent_position if slot is not None and slot.is_streaming else None

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        return any([self._configure(slot, changes) for slot in self._slots_of(job)])

    def _configure(self, slot: JobSlot, changes: UpdateConfiguration) -> bool:
        model = self._settings_of(slot).speech_model
        allowed = configuration.supported_changes(changes, model)
        if slot.session is None or not slot.is_streaming or allowed == configuration.NO_CHANGES:
            return False
        slot.session.send(allowed)
        slot.changes = configuration.merged_changes(slot.changes, allowed)
        self.folder.set_changes(slot.id, slot.changes)
        return True

    def _end_early(self, slot: JobSlot, command: StopCommand, unstarted_ending: Ended) -> None:
        _log.info("stop requested: %s", command.value, job=slot.id, attempt=slot.attempt)
        slot.end_requested = True
        if slot.session is not None:
            slot.request_stop(command)
        elif not slot.is_finished:
            self._close_attempt(slot, self._make_report(slot, unstarted_ending))

    def _queue_retry(self, slot: JobSlot, reason: str) -> None:
        slot.path = self.folder.recording_path(slot.id)
        slot.reset_for_retry(self.folder.next_attempt(slot.id, slot.attempt, slot.file))
        self._queue.add_unprobed(slot)
        self._publish(slot, Retrying(reason, 0.0, slot.resume_point.at_ms / 1000))

    def claim_start(self) -> Claim | None:
        """Claims the next job to start; None if none may start now. The caller must then call
        `create_session`, or on failure `fail_job` or `fail_start`."""
        if self._claims:
            return self._claims.popleft()
        wait = self.seconds_to_start()
        if wait is None or wait > 0:
            return None
        slots = self._queue.pop_due(self._clock())
        for slot in slots:
            slot.started_at, slot.phase = self._clock(), JobPhase.LIVE
            self.start_limiter.record_start(slot.started_at)
            settings = self._settings_of(slot)
            self._spending.reserve(slot.id, slot.needed_s, settings, slot.started_at)
            self._live[slot.id] = slot
            self._received_ahead.pop(slot.path, None)
            self._claims.append(Claim(slot, slot.generation))
        if len(slots) > 1 and (clock := self._clock_of(slots[0])) is not None:
            clock.reset()
        return self._claims.popleft() if slots else None

    def claim_unprobed(self) -> Claim | None:
        """Claims the next job whose file must be probed. The caller must then call `enqueue`, or on
        failure `fail_job`."""
        ahead = self._received_ahead
        is_full = sum(ahead.values()) >= MAX_RECEIVED_AHEAD_BYTES
        has_room = len(ahead) < MAX_RECEIVED_AHEAD and not is_full
        slot = self._queue.pop_unprobed(lambda slot: has_room or slot.path in ahead)
        if slot is not None and slot.phase is JobPhase.RECEIVING:
            slot.arrival = Arrival.BEGUN
            ahead.setdefault(slot.path, 0)
        return None if slot is None else Claim(slot, slot.generation)

    def _clock_of(self, slot: JobSlot) -> PairClock | None:
        return None if slot.half is None else self._pair_clocks[slot.half.pair_id]

    def seconds_to_start(self) -> float | None:
        """Seconds until `claim_start` may return a job if nothing else happens; None: never."""
        now = self._clock()
        due = len(self._queue.next_due(now))
        sessions = max(1, due)
        # A pair may start alone even if the limit is 1; otherwise it would wait forever.
        most = max(self.max_sessions, sessions)
        if self.target is not None and len(self._live) + sessions > most:
            return None
        capacity = self._launcher.capacity
        if capacity is not None and len(self._live) + sessions > capacity:
            return None
        due_at = self._next_start_at(now, due)
        return None if due_at is None else due_at - now

    def enqueue(self, claim: Claim, recording: Recording, same_as: str = "") -> None:
        """Queues a job whose file was probed. ``same_as``: the name of an earlier recording with
        the same content."""
        if claim.is_current:
            slot = claim.slot
            settings = self._settings_of(slot)
            slot.job = Job(slot.id, slot.file, recording, settings, slot.half)
            self._queue.mark_ready(slot)
            self.folder.set_size(slot.id, recording.size)
            self._publish(slot, Queued.of(recording, settings.speed, same_as or slot.state.same_as))

    def _settings_of(self, slot: JobSlot) -> StreamSettings:
        """The settings of the run, with those of a job's condition and its own parameters."""
        source = slot.source
        if not source.conditions:
            return self._settings.with_params(source.params)
        return apply_condition(self._settings, source.conditions).with_params(source.params)

    def note_arrival(self, claim: Claim, received_bytes: int, total_bytes: int | None) -> None:
        """Publishes how much of a job's recording has arrived."""
        if claim.is_current and claim.slot.phase is JobPhase.RECEIVING:
            self._received_ahead[claim.slot.path] = received_bytes
            self._publish(claim.slot, Fetched(received_bytes, total_bytes))

    def follow_arrival(self, claim: Claim) -> None:
        """Lets a job be probed and streamed while its recording arrives. The halves of a pair need
        all of it."""
        slot = claim.slot
        if claim.is_current and slot.arrival is Arrival.BEGUN and slot.half is None:
            slot.arrival = Arrival.FOLLOWED
            self._queue.mark_unprobed(slot)

    def await_arrival(self, claim: Claim) -> None:
        """Makes a job wait until more of its recording has arrived, since what is there cannot be
        followed; or until all of it has."""
        slot = claim.slot
        if claim.is_current and slot.phase is JobPhase.PROBING:
            slot.phase = JobPhase.RECEIVING
            if slot.arrival is Arrival.ENDED:
                self.end_arrival(claim, slot.arrival_problem)
                return
            slot.follow_at_bytes *= 4
            too_many = slot.follow_at_bytes > MAX_FOLLOWED_BYTES
            slot.arrival = Arrival.AWAITED if too_many else Arrival.BEGUN

    def end_arrival(self, claim: Claim, problem: Unreadable | None) -> None:
        """Lets a job be probed, as its recording has arrived; or fails it, because of ``problem``.
        A job that streams already fails at the end of what has arrived."""
        slot = claim.slot
        if not claim.is_current:
            return
        slot.arrival, slot.arrival_problem = Arrival.ENDED, problem
        if slot.phase is not JobPhase.RECEIVING:
            return
        if problem is None:
            self._queue.mark_unprobed(slot)
        else:
            self.fail_job(claim, _unreadable_ending(problem))

    def create_session(self, claim: Claim, target: SessionTarget) -> Session | None:
        """Creates the session to start; None if the job was cancelled. Raises `OSError`."""
        if self.target is None:
            self.folder.set_header(target.endpoint, self._settings)
        self.target = target
        slot = claim.slot
        if not claim.is_current or slot.job is None:
            return None
        trace, log = self.folder.attempt_files(slot.id, slot.attempt, slot.file)
        job = slot.job
        if slot.state.damage:
            job = replace(job, recording=without_seeking(job.recording))
        assignment = Assignment(
            job=job,
            attempt=slot.attempt,
            endpoint=target.endpoint,
            trace_path=str(trace),
            log_path=str(log),
            timeouts=self._timeouts,
            resume_point=slot.resume_point,
            expected_sha256=slot.expected_sha256,
            expected_bytes=slot.expected_bytes,
            # Only changes that the model supports: a run folder may contain others.
            changes=configuration.supported_changes(slot.changes, slot.job.settings.speech_model),
            was_reached=self.start_limiter.has_accepted,
            shared_with_group=self.folder.is_shared_with_group,
            phase=slot.id * PHASE_STEP % 1 if len(self._live) > 1 else None,
        )
        if (clock := self._clock_of(slot)) is not None:
            assignment = replace(assignment, clock_s=clock.start_s)
        self._launcher.limit_sessions(self.max_sessions)
        self.start_limiter.pace.machines = self._launcher.machines
        session = self._launcher.create(assignment, target.key)
        slot.begin_attempt(session, self._clock())
        live = f"{len(self._live)} of {self.max_sessions}"
        _log.info("starting, %s sessions live", live, job=slot.id, attempt=slot.attempt)
        return session

    def fail_job(self, claim: Claim, ended: Ended) -> None:
        """Ends a claimed job; it gets no other attempt."""
        if claim.is_current:
            self._close_attempt(claim.slot, self._make_report(claim.slot, ended))

    def fail_start(self, claim: Claim, ended: Ended) -> None:
        """Ends an attempt whose session could not be started; the job may get another."""
        slot = claim.slot
        if claim.is_current and slot.session is not None and slot.end_requested:
            self._finish_attempt(slot, slot.unreported_ending(None, self._clock()))
        elif claim.is_current:
            self._finish_attempt(slot, self._make_report(slot, ended))

    def delay_start(self, claim: Claim, limit: str) -> None:
        """Ends an attempt whose session could not be started, because this machine is at a
        ``limit``. The job waits until another session ends. Without one, it waits for other
        programs; after `MAX_FULL_S` the attempt has failed."""
        slot, now = claim.slot, self._clock()
        is_alone = len(self._live) <= (1 if slot.partner is None else 2)
        if not is_alone or self._full_since is None:
            self._full_since = now
        waits = now - self._full_since < MAX_FULL_S and not slot.end_requested
        ended = Ended(Outcome.BUSY if waits else Outcome.CRASHED, limit, MACHINE_FULL_HINT)
        if claim.is_current and waits:
            self._finish_attempt(slot, self._make_report(slot, ended), is_refused_here=True)
        else:
            self.fail_start(claim, ended)

    def apply_report(self, slot: JobSlot, session: Session, report: JobReport) -> None:
        """Applies a session's report. `Ended` is published only when the session is gone."""
        if slot.session is not session:  # it was abandoned
            return
        slot.note_report(report, self._clock())
        self._full_since = None
        match report.event:  # the most frequent first
            case Progressed() as progressed:
                self.start_limiter.pace.record_lag(progressed.lag_ms.now)
            case Began():
                self.start_limiter.record_accepted(slot.started_at)
                if self.held_by_refusal:
                    self.hold(False)
            case Readied() if (clock := self._clock_of(slot)) is not None:
                clock.add_ready(slot, self._clock())
            case Ended():
                slot.ending = report
                return
        self._publish(slot, report)

    def finish_session(self, slot: JobSlot, session: Session, exit_text: str) -> None:
        """Ends the attempt of a session that is gone; ``exit_text``: how its process ended."""
        if slot.session is not session:  # it was abandoned before
            return
        session.close()
        ending = slot.ending or slot.unreported_ending(exit_text, self._clock())
        problem = slot.arrival_problem
        if slot.arrival is Arrival.FOLLOWED and not slot.is_part_sent(ending):
            problem = _STALLED_ARRIVAL
        if problem is not None:
            ending = _incomplete(ending, problem)
        self._finish_attempt(slot, ending)

    def check_sessions(self) -> None:
        """Kills sessions that were suspended or silent for too long. Call it once a second."""
        for slot in list(self._live.values()):
            slot.check_session()
            if slot.session is not None and slot.is_unkillable:
                self.finish_session(slot, slot.session, "did not end although it was killed")
            if (clock := self._clock_of(slot)) is not None:
                clock.start_if_due(self._clock())

    def _finish_attempt(
        self, slot: JobSlot, last_report: JobReport, *, is_refused_here: bool = False
    ) -> None:
        """Ends an attempt, and queues another if the job is to continue. ``is_refused_here``: this
        machine had no room for the session; the server was not asked."""
        assert isinstance(last_report.event, Ended)
        ended, now = last_report.event, self._clock()
        self._close_attempt(slot, last_report)
        # A server that is full or briefly unreachable does not count as a failure.
        refused = ended.outcome is Outcome.BUSY
        if is_refused_here:
            self.start_limiter.record_unstarted(slot.started_at, now)
        elif refused:
            self.start_limiter.record_refused(slot.started_at, now)
        elif ended.outcome is Outcome.UNREACHABLE:
            refused = self.start_limiter.record_unreachable(slot.started_at, now)
        else:
            self.start_limiter.record_end(slot.started_at, now)
        if (
            ended.outcome is Outcome.REFUSED
            and ended.code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        ):
            self._end_waiting(ended)
        self._hold_if_refused(slot, ended)
        if ended.retry_after_s is not None:
            self.start_limiter.record_retry_after(now, ended.retry_after_s)
        delay = 0.0 if refused else slot.next_retry_delay(ended.outcome, self._retry_policy)
        if delay is None or slot.end_requested or self.stopping:
            return
        if refused:
            set_aside(self.folder.path, slot.id, slot.attempt, slot.file)
        slot.attempt = self.folder.next_attempt(slot.id, slot.attempt, slot.file)
        self._queue.add_retry(slot, now + delay)
        if slot.job is None:  # its session was adopted
            self._queue.mark_unprobed(slot)
        wait = max(delay, self.start_limiter.next_start_at(now) - now)
        resume_s = slot.resume_point.at_ms / 1000
        why = "refused" if refused else ended.outcome.value
        _log.info("%s; next attempt in %.1f s", why, wait, job=slot.id, attempt=slot.attempt)
        self._publish(slot, Retrying(ended.reason, round(wait, 1), resume_s))

    def _end_waiting(self, ended: Ended) -> None:
        """Ends all jobs that wait, because a proxy refused the user or password: it would refuse
        them too, and a few more refusals may lock the account."""
        same = Ended(ended.outcome, ended.reason, ended.hint, ended.code)
        for slot in self._slots.values():
            if slot.session is None and not slot.is_finished:
                self._close_attempt(slot, self._make_report(slot, same))

    def _hold_if_refused(self, slot: JobSlot, ended: Ended) -> None:
        """Holds new starts if the server refuses what all sessions have in common: the key, the
        model or a parameter. It has accepted none yet, and nobody is served by more refusals."""
        is_own = self._settings_of(slot) != self._settings
        is_common = ended.outcome is Outcome.UNAUTHORISED or (
            ended.outcome is Outcome.REFUSED and not is_own
        )
        if is_common and self._queue and not self.start_limiter.has_accepted:
            self.holding = self.held_by_refusal = True

    def _close_attempt(self, slot: JobSlot, last_report: JobReport) -> None:
        """Publishes the end of an attempt; the job is finished unless it is queued again."""
        ended = last_report.event
        assert isinstance(ended, Ended)
        outcome, reason = ended.outcome.value, ended.reason
        _log.info("ended: %s (%s)", outcome, reason, job=slot.id, attempt=slot.attempt)
        self._queue.remove(slot)
        self._live.pop(slot.id, None)
        self._spending.settle(slot.id, ended.open_seconds, self._settings_of(slot))
        self._received_ahead.pop(slot.path, None)
        slot.phase, slot.session = JobPhase.FINISHED, None
        if (clock := self._clock_of(slot)) is not None:
            clock.remove(slot, self._clock())
        if ended.outcome is Outcome.REFUSED:  # the changes may be the reason
            slot.changes = configuration.NO_CHANGES
            self.folder.set_changes(slot.id, slot.changes)
        self._publish(slot, last_report)
        halves = [slot, slot.partner] if slot.partner is not None else [slot]
        is_done = all(half.state.latest_outcome is Outcome.DONE for half in halves)
        if is_done and not slot.source.is_local:
            self.folder.remove_spool(slot.id)

    def _make_report(self, slot: JobSlot, event: Event) -> JobReport:
        return JobReport(slot.id, slot.attempt, slot.file, 0.0, event, slot.half)

    def _publish(self, slot: JobSlot, news: Event | JobReport) -> None:
        report = news if isinstance(news, JobReport) else self._make_report(slot, news)
        slot.apply(report)
        self.folder.record(slot.state, report)
        self.reports.put(report)


def _unreadable_ending(problem: Unreadable) -> Ended:
    return Ended(Outcome.UNREADABLE, problem.reason, problem.hint)


def _incomplete(ending: JobReport, problem: Unreadable) -> JobReport:
    """The end of a session that was done with what had arrived, which was not all."""
    ended = ending.event
    if not isinstance(ended, Ended) or ended.outcome is not Outcome.DONE:
        return ending
    failed = replace(ended, outcome=Outcome.UNREADABLE, reason=problem.reason, hint=problem.hint)
    return replace(ending, event=failed)
