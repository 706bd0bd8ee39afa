"""What is known about a job, folded from its events, live or read back from traces.

The scheduler, the desk, summaries, exports and ``run.json`` all use this fold; the scheduler and
the desk each keep a `JobState` of their own.
"""

from copy import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from workers.audio.source import Source
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    Fetched,
    JobReport,
    Outcome,
    Progressed,
    Queued,
    Readied,
    RecordingRead,
    Retrying,
    Slipped,
    TurnReceived,
    Waited,
    Warned,
)
from workers.jobs.job import Half, JobId
from workers.jobs.resume_point import RECORDING_START, ResumePoint, ResumeTracker
from workers.jobs.transcript import Transcript
from workers.pacing.certificate import LagSummary

METER_CHUNKS = 20
"""How many chunk levels are kept, for a meter of the audio that is being sent."""


class JobStatus(Enum):
    QUEUED = "queued"
    RETRYING = "retrying"  # an attempt failed; another will follow
    CONNECTING = "connecting"
    STREAMING = "streaming"
    FINISHING = "finishing"  # all audio is sent; the last turns are still to come
    DONE = "done"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the program ended; ``paceline resume`` continues the job
    FAILED = "failed"

    __hash__ = object.__hash__  # the hash of enums is slow, and every row needs it

    @property
    def is_finished(self) -> bool:
        """True if nothing more happens unless the user retries the job."""
        return self in _FINISHED

    @property
    def is_live(self) -> bool:
        """True if the job has a session."""
        return self in _LIVE

    @property
    def is_waiting(self) -> bool:
        """True if the job waits to start."""
        return self not in _LIVE and self not in _FINISHED

    @classmethod
    def from_outcome(cls, outcome: Outcome) -> "JobStatus":
        """The status of a job whose latest attempt had this outcome."""
        return _STATUS_AFTER.get(outcome, cls.FAILED)


_FINISHED = {JobStatus.DONE, JobStatus.CANCELLED, JobStatus.INTERRUPTED, JobStatus.FAILED}
_LIVE = {JobStatus.CONNECTING, JobStatus.STREAMING, JobStatus.FINISHING}
_STATUS_AFTER = {
    Outcome.DONE: JobStatus.DONE,
    Outcome.CANCELLED: JobStatus.CANCELLED,
    Outcome.INTERRUPTED: JobStatus.INTERRUPTED,
}


_WITHOUT_SOCKET = (Queued, Connecting, Retrying, Ended)
"""The events after which a job has no open socket."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that ended and was followed by another."""

    number: int
    started_from: ResumePoint
    ended: Ended


@dataclass(slots=True)
class JobState:
    """A job, its attempts and its transcript.

    Only `apply` changes what is known; the desk also evicts and restores turns.
    """

    job: JobId
    file: str
    half: Half | None = None
    """Which half of a pair it is; None for a job of its own, and for a `PairState`."""
    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    start_seconds: float = 0.0
    """Where streaming starts. This and the next two are positions in the recording."""
    total_seconds: float = 0.0
    """Where streaming ends; 0 before the recording was probed."""
    counted_seconds: float = 0.0
    """Where it should end by the file; 0 if the prober could not count. A damaged recording ends
    earlier."""
    sent_seconds: float = 0.0
    """Up to where the audio was sent."""
    speed: float = 1.0
    """Seconds of audio to send per second."""
    same_as: str = ""
    """An earlier recording of the run with the same content, as the user named it."""
    format: str = ""
    rate: int = 0
    channels: int = 0
    sha256: str = ""
    hashed_bytes: int | None = None
    """Up to where the file was hashed, as it was still being written; None: the whole file."""
    has_exact_length: bool = True  # whether the prober could count the recording's length
    missing_seconds: float = 0.0  # how much the file announces beyond what the prober could find
    recording_warnings: tuple[str, ...] = ()  # what the prober found to be wrong with the file
    damage: list[Warned] = field(default_factory=list)
    """Faults of the recording that its sessions found, over all attempts, by position."""
    is_growing: bool = False  # whether the recording is still being written
    is_waiting: bool = False  # for more of a recording that is still being written
    began: Began | None = None
    lag: LagSummary | None = None
    levels_db: tuple[int, ...] = ()  # of the latest chunks sent, oldest first
    slips: int = 0
    session_warnings: list[str] = field(default_factory=list)  # of the latest attempt
    transcript: Transcript = field(default_factory=Transcript)
    ended: Ended | None = None
    """How the latest attempt ended; None while it lasts, or if another will follow."""
    retrying: Retrying | None = None  # why another attempt will follow, until it connects
    refusal: Ended | None = None
    """The refusal before the latest attempt. It does not count as an attempt: the server was full
    or could not be reached."""
    earlier_attempts: list[Attempt] = field(default_factory=list)
    """The attempts before the latest one, without refusals."""
    started_from: ResumePoint = RECORDING_START
    """Where the latest attempt that connected started."""
    has_started: bool = False  # whether the latest attempt has started to connect
    node: str | None = None
    """The machine of a fleet on which the latest session runs or ran; None: this one."""
    resume_tracker: ResumeTracker = field(default_factory=ResumeTracker)
    fetched: Fetched | None = None
    """How much of the recording has arrived, until it was probed."""
    is_part: bool = False  # whether only a part of the recording is streamed
    metadata: tuple[tuple[str, str], ...] = ()
    """What a manifest says about the recording, by column."""
    conditions: tuple[tuple[str, str], ...] = ()  # its own settings, in a run with a matrix
    last_report_s: float = 0.0  # when the latest session last reported something, on its clock
    _opened_at_s: float | None = None
    """When the live session's socket opened, on the session's clock; None without one."""

    @classmethod
    def of(cls, job: JobId, source: Source, half: Half | None = None) -> "JobState":
        """The state of a job that has just been added."""
        options = source.options
        return cls(
            job,
            source.file,
            half,
            start_seconds=options.start_s,
            is_part=options.start_s > 0 or options.end_s is not None,
            metadata=source.metadata,
            conditions=source.conditions,
        )

    def restarted(self) -> "JobState":
        """The state of the same job before its first report."""
        return JobState(
            self.job,
            self.file,
            self.half,
            start_seconds=self.start_seconds,
            is_part=self.is_part,
            metadata=self.metadata,
            conditions=self.conditions,
        )

    @property
    def start_point(self) -> ResumePoint:
        """The point in the recording at which a first attempt starts, or one that starts over."""
        return ResumePoint(round(self.start_seconds * 1000))

    @property
    def resume_point(self) -> ResumePoint:
        """The point in the recording at which another attempt would continue."""
        point, start = self.resume_tracker.resume_point, self.start_point
        return start if point == RECORDING_START else point

    @property
    def part_seconds(self) -> float:
        """How much audio is to be sent; 0 before the recording was probed."""
        return max(0.0, self.total_seconds - self.start_seconds)

    @property
    def sent_part_seconds(self) -> float:
        """How much audio was sent, without what was sent twice."""
        return max(0.0, self.sent_seconds - self.start_seconds)

    @property
    def file_seconds(self) -> float:
        """Where the audio to send ends in the file, although it may not be decoded so far."""
        return max(self.total_seconds, self.counted_seconds)

    @property
    def is_exact(self) -> bool:
        """Whether ``total_seconds`` is known, not an estimate or the length so far."""
        return self.has_exact_length or self.status is JobStatus.FINISHING

    @property
    def recording_faults(self) -> list[str]:
        """What is wrong with the recording: what the prober found, then what sessions found."""
        damage = (warned.warning for warned in self.damage)
        return list(dict.fromkeys((*self.recording_warnings, *damage)))

    @property
    def warnings(self) -> list[str]:
        """The faults of the recording, and what the latest attempt survived."""
        return [*self.recording_faults, *self.session_warnings]

    @property
    def is_live(self) -> bool:
        """Whether it has a session."""
        return self.status.is_live

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do: the job is done, or the user cancelled it."""
        settled = (Outcome.DONE, Outcome.CANCELLED)
        return self.ended is not None and self.ended.outcome in settled

    @property
    def latest_outcome(self) -> Outcome | None:
        """The outcome of the latest attempt that has ended; None if none has."""
        if self.ended is not None:
            return self.ended.outcome
        return self.earlier_attempts[-1].ended.outcome if self.earlier_attempts else None

    @property
    def last_started_attempt(self) -> int:
        """The number of the latest attempt that started to connect."""
        return self.attempt if self.has_started else self.attempt - 1

    @property
    def open_seconds(self) -> float:
        """Total time with an open socket, including a live session's up to its latest report."""
        earlier = sum(attempt.ended.open_seconds for attempt in self.earlier_attempts)
        return earlier + (self.ended.open_seconds if self.ended else self.live_open_seconds)

    @property
    def live_open_seconds(self) -> float:
        """The same of a live session alone; 0 without one."""
        return 0.0 if self.ended else self.socket_seconds(self.last_report_s)

    def socket_seconds(self, t: float) -> float:
        """Seconds for which the live socket has been open at time ``t`` of the session's clock."""
        return 0.0 if self._opened_at_s is None else max(0.0, t - self._opened_at_s)

    def copy(self) -> "JobState":
        """A copy that another thread may read or update while this object changes."""
        copied = copy(self)  # `replace` takes three times as long
        copied.damage = list(self.damage)
        copied.session_warnings = list(self.session_warnings)
        copied.earlier_attempts = list(self.earlier_attempts)
        copied.transcript = self.transcript.copy()
        copied.resume_tracker = copy(self.resume_tracker)
        return copied

    def apply(self, report: JobReport) -> None:
        """Applies a report; ignores late reports of earlier attempts."""
        if report.attempt > self.attempt:  # the transcript is kept until this attempt connects
            self._archive_attempt()
            self.attempt = report.attempt
            self.began = self.lag = None
            self.slips = 0
            self.session_warnings = []
        if report.attempt == self.attempt:
            self.last_report_s = report.t
            self._apply_event(report.event)

    def _archive_attempt(self) -> None:
        if self.has_started and self.ended is not None:
            self.earlier_attempts.append(Attempt(self.attempt, self.started_from, self.ended))
        self.ended, self.has_started = None, False

    def _apply_event(self, event: Event) -> None:
        if isinstance(event, _WITHOUT_SOCKET):
            self._opened_at_s = None
        match event:  # the most frequent first
            case Progressed():
                self.sent_seconds, self.total_seconds = event.sent_seconds, event.total_seconds
                self.lag = event.lag_ms
                self.levels_db = (*self.levels_db, *event.levels_db)[-METER_CHUNKS:]
                self.is_waiting = bool(event.waiting)
                self.resume_tracker.apply_progress(event.sent_seconds)
                if event.sent_seconds >= event.total_seconds > 0:
                    self.status = JobStatus.FINISHING
                elif self.status is JobStatus.FINISHING:  # there is more than was expected
                    self.status = JobStatus.STREAMING
            case TurnReceived():
                self.transcript.apply(event.turn)
                self.resume_tracker.apply_turn(event.turn, cut=event.cut)
            case Fetched():
                self.fetched = event
            case Queued():
                self.status = JobStatus.QUEUED
                self.fetched = None
                self.start_seconds = event.from_seconds
                end_s = event.until_seconds
                self.total_seconds = event.seconds if end_s is None else end_s
                self.counted_seconds = self.total_seconds if event.is_exact else 0.0
                self.is_part = event.from_seconds > 0 or end_s is not None
                self.format, self.rate, self.channels = event.format, event.rate, event.channels
                self.has_exact_length, self.missing_seconds = event.is_exact, event.missing_seconds
                self.recording_warnings, self.is_growing = event.warnings, event.is_growing
                self.speed = event.speed
                self.same_as = event.same_as
            case Connecting():
                self.status = JobStatus.CONNECTING
                self.sha256, self.hashed_bytes = event.sha256, event.hashed_bytes
                self.node = event.node
                self.ended = None  # of a session that seemed to be lost, and is repeated from here
                self.is_waiting = False
                start_s = event.from_ms / 1000
                self.damage = [one for one in self.damage if (one.at_seconds or 0.0) < start_s]
                self.retrying, self.refusal, self.has_started = None, None, True
                self.levels_db = ()
                self.started_from = ResumePoint.from_connecting(event)
                self.resume_tracker = ResumeTracker(self.started_from)
                # the rest will be received again
                self.transcript.rewind_to(self.started_from, self.start_point)
                self.sent_seconds = event.from_ms / 1000
            case Began():
                self.status = JobStatus.STREAMING
                self.began = event
                self._opened_at_s = self.last_report_s - event.begin_ms / 1000
            case Readied():  # it still counts as connecting
                pass
            case Warned():
                if event.at_seconds is None:
                    self.session_warnings.append(event.warning)
                else:
                    self.damage.append(event)
            case Slipped():
                self.slips += 1
            case Waited():
                pass
            case RecordingRead():
                self.has_exact_length |= event.audio.is_complete
                self.is_growing &= not event.audio.is_complete
                if event.sha256 is not None:
                    self.sha256, self.hashed_bytes = event.sha256, None
            case Retrying():
                outcome = self.ended.outcome if self.ended else None
                refused = outcome in (Outcome.BUSY, Outcome.UNREACHABLE)  # its number is used again
                self.refusal = self.ended if refused else None
                self.status = JobStatus.QUEUED if refused else JobStatus.RETRYING
                if refused:
                    self.ended, self.has_started = None, False
                else:
                    self._archive_attempt()
                self.retrying = event
            case Ended():
                self.ended, self.is_waiting = event, False
                self.resume_tracker.end_attempt(event.outcome)
                self.retrying = None
                self.status = JobStatus.from_outcome(event.outcome)
                self.sent_seconds = event.sent_seconds or self.sent_seconds
            case _:
                assert_never(event)
