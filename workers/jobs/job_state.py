"""What has become of a job: the fold over its events.

The screen's rows, the headless summary and ``run.json`` all read it, live or replayed from traces.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import assert_never

from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    JobReport,
    Outcome,
    Progressed,
    Queued,
    Retrying,
    Slipped,
    TurnReceived,
    Warned,
)
from workers.jobs.job import JobId
from workers.jobs.resume_point import RECORDING_START, ResumePoint, ResumeTracker
from workers.jobs.transcript import Transcript
from workers.pacing.certificate import LagSummary

METER_CHUNKS = 20
"""Chunks whose levels are kept: a meter shows what is sent now."""


class JobStatus(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RETRYING = "retrying"
    """An attempt broke; a further one comes."""
    CONNECTING = "connecting"
    STREAMING = "streaming"
    FINISHING = "finishing"
    """All audio is sent; the server's last words are awaited."""
    DONE = "done"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The program was left; a resumption goes on with it."""
    FAILED = "failed"

    __hash__ = object.__hash__  # an enumeration's own is slow, and every row asks for it

    @property
    def is_finished(self) -> bool:
        """Nothing more will happen unless the user asks for it."""
        return self in (
            JobStatus.DONE,
            JobStatus.CANCELLED,
            JobStatus.INTERRUPTED,
            JobStatus.FAILED,
        )

    @property
    def is_live(self) -> bool:
        """A process is at work on it."""
        return self in (JobStatus.CONNECTING, JobStatus.STREAMING, JobStatus.FINISHING)

    @classmethod
    def from_outcome(cls, outcome: Outcome) -> "JobStatus":
        """The status that an ending leaves behind."""
        by_choice = {
            Outcome.DONE: cls.DONE,
            Outcome.CANCELLED: cls.CANCELLED,
            Outcome.INTERRUPTED: cls.INTERRUPTED,
        }
        return by_choice.get(outcome, cls.FAILED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A session that is over, of a job that went on behind it."""

    number: int
    started_from: ResumePoint
    """Where it began."""
    ended: Ended


@dataclass(slots=True)
class JobState:
    """A job, its attempts and what they heard. Mutable: `apply` is its only writer."""

    job: JobId
    file: str
    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    total_seconds: float = 0.0
    sent_seconds: float = 0.0
    format: str = ""
    rate: int = 0
    channels: int = 0
    sha256: str = ""
    began: Began | None = None
    lag: LagSummary | None = None
    levels_db: tuple[int, ...] = ()
    """Of the latest chunks sent, oldest first."""
    slips: int = 0
    warnings: list[str] = field(default_factory=list)
    transcript: Transcript = field(default_factory=Transcript)
    ended: Ended | None = None
    """How the latest attempt ended; None while it lasts, or when another is to come."""
    retrying: Retrying | None = None
    """Why another attempt is to come, until it does."""
    refusal: Ended | None = None
    """Why that one is none of the attempts: the server had no place, or was not there."""
    earlier_attempts: list[Attempt] = field(default_factory=list)
    """The attempts before the latest one; a refusal for want of a place is none."""
    started_from: ResumePoint = RECORDING_START
    """Where the latest attempt that was begun began."""
    has_started: bool = False
    """Whether the latest attempt was: its session called the server."""
    resume_tracker: ResumeTracker = field(default_factory=ResumeTracker)
    _opened_at_s: float | None = None
    """When the live session's socket was opened, in seconds of its clock; None when none lives."""
    _last_report_s: float = 0.0
    """When it last said something, by the same clock."""

    @property
    def resume_point(self) -> ResumePoint:
        """Where a further attempt would take over."""
        return self.resume_tracker.resume_point

    @property
    def is_settled(self) -> bool:
        """As far as anybody wants it: done, or cancelled by the user."""
        wanted = (Outcome.DONE, Outcome.CANCELLED)
        return self.ended is not None and self.ended.outcome in wanted

    @property
    def latest_outcome(self) -> Outcome | None:
        """How the latest attempt that is over ended; None when none is."""
        if self.ended is not None:
            return self.ended.outcome
        return self.earlier_attempts[-1].ended.outcome if self.earlier_attempts else None

    @property
    def last_started_attempt(self) -> int:
        """The latest attempt that was begun: one that was only announced has heard nothing."""
        return self.attempt if self.has_started else self.attempt - 1

    @property
    def open_seconds(self) -> float:
        """How long sockets were open for this job, up to the latest report of a live one."""
        over = sum(attempt.ended.open_seconds for attempt in self.earlier_attempts)
        live = self.socket_seconds(self._last_report_s)
        return over + (self.ended.open_seconds if self.ended else live)

    def socket_seconds(self, t: float) -> float:
        """How long the live session's socket has been open at ``t``, in seconds of its clock."""
        return 0.0 if self._opened_at_s is None else max(0.0, t - self._opened_at_s)

    def copy(self) -> "JobState":
        """A copy that another thread may read, or continue, while this one goes on."""
        return replace(
            self,
            warnings=list(self.warnings),
            earlier_attempts=list(self.earlier_attempts),
            transcript=self.transcript.copy(),
            resume_tracker=copy(self.resume_tracker),
        )

    def apply(self, report: JobReport) -> None:
        """Takes one report in; what an attempt says that another has followed comes too late."""
        if report.attempt > self.attempt:
            self._announce_attempt(report.attempt)
        if report.attempt == self.attempt:
            self._track_clock(report)
            self._apply_event(report.event)

    def _track_clock(self, report: JobReport) -> None:
        """The clock of the session that lives, if any does."""
        self._last_report_s = report.t
        match report.event:
            case Progressed() | TurnReceived():
                pass
            case Began() as began:
                self._opened_at_s = report.t - began.begin_ms / 1000
            case Queued() | Connecting() | Retrying() | Ended():
                self._opened_at_s = None

    def _announce_attempt(self, attempt: int) -> None:
        """A further attempt is announced. What was heard stays until it connects."""
        self._archive_attempt()
        self.attempt = attempt
        self.began = self.lag = None
        self.slips = 0
        self.warnings = []

    @property
    def _repeatable_refusal(self) -> Ended | None:
        """The ending behind which the same number comes again."""
        refusals = (Outcome.BUSY, Outcome.UNREACHABLE)
        return self.ended if self.ended and self.ended.outcome in refusals else None

    def _archive_attempt(self) -> None:
        if self.has_started and self.ended is not None:
            self.earlier_attempts.append(Attempt(self.attempt, self.started_from, self.ended))
        self.ended, self.has_started = None, False

    def _apply_connecting(self, event: Connecting) -> None:
        """What was heard behind the place where this attempt begins will be heard again."""
        self.status = JobStatus.CONNECTING
        self.sha256 = event.sha256
        self.retrying, self.refusal, self.has_started = None, None, True
        self.levels_db = ()
        self.started_from = ResumePoint.from_connecting(event)
        self.resume_tracker = ResumeTracker(self.started_from)
        self.transcript.rewind_to(self.started_from)
        self.sent_seconds = event.from_ms / 1000

    def _apply_event(self, event: Event) -> None:
        match event:  # what comes most often stands first
            case Progressed():
                self.sent_seconds, self.total_seconds = event.sent_seconds, event.total_seconds
                self.lag = event.lag_ms
                self.levels_db = (*self.levels_db, *event.levels_db)[-METER_CHUNKS:]
                self.resume_tracker.apply_progress(event.sent_seconds)
                if event.sent_seconds >= event.total_seconds > 0:
                    self.status = JobStatus.FINISHING
            case TurnReceived():
                self.transcript.apply(event.turn)
                self.resume_tracker.apply_turn(event.turn, cut=event.cut)
            case Queued():
                self.status = JobStatus.QUEUED
                self.total_seconds = event.seconds
                self.format, self.rate, self.channels = event.format, event.rate, event.channels
            case Connecting():
                self._apply_connecting(event)
            case Began():
                self.status = JobStatus.STREAMING
                self.began = event
            case Warned():
                self.warnings.append(event.warning)
            case Slipped():
                self.slips += 1
            case Retrying():
                self.refusal = self._repeatable_refusal
                self.status = JobStatus.QUEUED if self.refusal else JobStatus.RETRYING
                if self.refusal is None:
                    self._archive_attempt()
                self.ended, self.has_started = None, False
                self.retrying = event
            case Ended():
                self.ended = event
                self.resume_tracker.end_attempt(event.outcome)
                self.retrying = None
                self.status = JobStatus.from_outcome(event.outcome)
                self.sent_seconds = event.sent_seconds or self.sent_seconds
            case _:
                assert_never(event)
