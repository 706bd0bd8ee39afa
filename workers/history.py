"""What has become of a job: the fold over its events.

The screen's rows, the headless summary and ``run.json`` all read it, live or replayed from traces.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from workers.audio.certificate import LagSummary
from workers.events import (
    Began,
    Connecting,
    Ended,
    Event,
    Outcome,
    Progressed,
    Queued,
    Report,
    Slipped,
    TurnHeard,
    Warned,
)
from workers.jobs import JobId
from workers.transcript import Transcript


class Status(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    STREAMING = "streaming"
    FINISHING = "finishing"
    """All audio is sent; the server's last words are awaited."""
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Nothing more will happen unless the user asks for it."""
        return self in (Status.DONE, Status.CANCELLED, Status.FAILED)

    @property
    def live(self) -> bool:
        """A process is at work on it."""
        return self in (Status.CONNECTING, Status.STREAMING, Status.FINISHING)

    @classmethod
    def of(cls, outcome: Outcome) -> "Status":
        """The status that an ending leaves behind."""
        return {Outcome.DONE: cls.DONE, Outcome.CANCELLED: cls.CANCELLED}.get(outcome, cls.FAILED)


@dataclass(slots=True)
class JobHistory:
    """A job and its latest attempt. Mutable: `apply` is its only writer."""

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
    slips: int = 0
    warnings: list[str] = field(default_factory=list)
    transcript: Transcript = field(default_factory=Transcript)
    ended: Ended | None = None

    def apply(self, report: Report) -> None:
        """Takes one report in; a further attempt starts with an empty transcript."""
        if report.attempt > self.attempt:
            self._restart(report.attempt)
        if report.attempt == self.attempt:
            self._take(report.event)

    def _restart(self, attempt: int) -> None:
        self.attempt = attempt
        self.sent_seconds = 0.0
        self.began = self.lag = self.ended = None
        self.slips = 0
        self.warnings = []
        self.transcript = Transcript()

    def _take(self, event: Event) -> None:
        match event:
            case Queued():
                self.status = Status.QUEUED
                self.total_seconds = event.seconds
                self.format, self.rate, self.channels = event.format, event.rate, event.channels
            case Connecting():
                self.status = Status.CONNECTING
                self.sha256 = event.sha256
            case Began():
                self.status = Status.STREAMING
                self.began = event
            case Progressed():
                self.sent_seconds, self.total_seconds = event.sent_seconds, event.total_seconds
                self.lag = event.lag_ms
                if event.sent_seconds >= event.total_seconds > 0:
                    self.status = Status.FINISHING
            case TurnHeard():
                self.transcript.hear(event.turn)
            case Warned():
                self.warnings.append(event.warning)
            case Slipped():
                self.slips += 1
            case Ended():
                self.ended = event
                self.status = Status.of(event.outcome)
                self.sent_seconds = event.sent_seconds or self.sent_seconds
            case _:
                assert_never(event)
