"""What has become of a job: the fold over its events.

The screen's rows, the headless summary and ``run.json`` all read it, live or replayed from traces.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    Outcome,
    Progressed,
    Queued,
    Report,
    Retrying,
    Slipped,
    TurnHeard,
    Warned,
)
from workers.jobs.job import JobId
from workers.jobs.resume_point import START, Bearings, Seam
from workers.jobs.transcript import Transcript
from workers.pacing.certificate import LagSummary

LEVELS = 20
"""Chunks whose levels are kept: a meter shows what is sent now."""


class Status(Enum):
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
    def over(self) -> bool:
        """Nothing more will happen unless the user asks for it."""
        return self in (Status.DONE, Status.CANCELLED, Status.INTERRUPTED, Status.FAILED)

    @property
    def live(self) -> bool:
        """A process is at work on it."""
        return self in (Status.CONNECTING, Status.STREAMING, Status.FINISHING)

    @classmethod
    def of(cls, outcome: Outcome) -> "Status":
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
    seam: Seam
    """Where it began."""
    ended: Ended


@dataclass(slots=True)
class JobHistory:
    """A job, its attempts and what they heard. Mutable: `apply` is its only writer."""

    job: JobId
    file: str
    status: Status = Status.QUEUED
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
    refused: Ended | None = None
    """Why that one is none of the attempts: the server had no place, or was not there."""
    earlier: list[Attempt] = field(default_factory=list)
    """The attempts before the latest one; a refusal for want of a place is none."""
    begun_at: Seam = START
    """Where the latest attempt that was begun began."""
    begun: bool = False
    """Whether the latest attempt was: its session called the server."""
    bearings: Bearings = field(default_factory=Bearings)
    _opened_at: float | None = None
    """When the live session's socket was opened, in seconds of its clock; None when none lives."""
    _heard_at: float = 0.0
    """When it last said something, by the same clock."""

    @property
    def seam(self) -> Seam:
        """Where a further attempt would take over."""
        return self.bearings.seam

    @property
    def finished(self) -> bool:
        """As far as anybody wants it: done, or cancelled by the user."""
        wanted = (Outcome.DONE, Outcome.CANCELLED)
        return self.ended is not None and self.ended.outcome in wanted

    @property
    def heard_up_to(self) -> int:
        """The latest attempt that was begun: one that was only announced has heard nothing."""
        return self.attempt if self.begun else self.attempt - 1

    @property
    def open_seconds(self) -> float:
        """How long sockets were open for this job, up to the latest report of a live one."""
        over = sum(attempt.ended.open_seconds for attempt in self.earlier)
        live = 0.0 if self._opened_at is None else max(0.0, self._heard_at - self._opened_at)
        return over + (self.ended.open_seconds if self.ended else live)

    def apply(self, report: Report) -> None:
        """Takes one report in; what an attempt says that another has followed comes too late."""
        if report.attempt > self.attempt:
            self._go_on(report.attempt)
        if report.attempt == self.attempt:
            self._follow(report)
            self._take(report.event)

    def _follow(self, report: Report) -> None:
        """The clock of the session that lives, if any does."""
        self._heard_at = report.t
        match report.event:
            case Progressed() | TurnHeard():
                pass
            case Began() as began:
                self._opened_at = report.t - began.begin_ms / 1000
            case Queued() | Connecting() | Retrying() | Ended():
                self._opened_at = None

    def _go_on(self, attempt: int) -> None:
        """A further attempt is announced. What was heard stays until it connects."""
        self._put_away()
        self.attempt = attempt
        self.began = self.lag = None
        self.slips = 0
        self.warnings = []

    @property
    def _refusal(self) -> Ended | None:
        """The ending behind which the same number comes again."""
        refusals = (Outcome.BUSY, Outcome.UNREACHABLE)
        return self.ended if self.ended and self.ended.outcome in refusals else None

    def _put_away(self) -> None:
        if self.begun and self.ended is not None:
            self.earlier.append(Attempt(self.attempt, self.begun_at, self.ended))
        self.ended, self.begun = None, False

    def _connect(self, event: Connecting) -> None:
        """What was heard behind the place where this attempt begins will be heard again."""
        self.status = Status.CONNECTING
        self.sha256 = event.sha256
        self.retrying, self.refused, self.begun = None, None, True
        self.levels_db = ()
        self.begun_at = Seam.of(event)
        self.bearings = Bearings(self.begun_at)
        self.transcript.resume(self.begun_at)
        self.sent_seconds = event.from_ms / 1000

    def _take(self, event: Event) -> None:
        match event:  # what comes most often stands first
            case Progressed():
                self.sent_seconds, self.total_seconds = event.sent_seconds, event.total_seconds
                self.lag = event.lag_ms
                self.levels_db = (*self.levels_db, *event.levels_db)[-LEVELS:]
                self.bearings.sent(event.sent_seconds)
                if event.sent_seconds >= event.total_seconds > 0:
                    self.status = Status.FINISHING
            case TurnHeard():
                self.transcript.hear(event.turn)
                self.bearings.hear(event.turn, cut=event.cut)
            case Queued():
                self.status = Status.QUEUED
                self.total_seconds = event.seconds
                self.format, self.rate, self.channels = event.format, event.rate, event.channels
            case Connecting():
                self._connect(event)
            case Began():
                self.status = Status.STREAMING
                self.began = event
            case Warned():
                self.warnings.append(event.warning)
            case Slipped():
                self.slips += 1
            case Retrying():
                self.refused = self._refusal
                self.status = Status.QUEUED if self.refused else Status.RETRYING
                if self.refused is None:
                    self._put_away()
                self.ended, self.begun = None, False
                self.retrying = event
            case Ended():
                self.ended = event
                self.bearings.end(event.outcome)
                self.retrying = None
                self.status = Status.of(event.outcome)
                self.sent_seconds = event.sent_seconds or self.sent_seconds
            case _:
                assert_never(event)
