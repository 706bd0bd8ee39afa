"""Builds events and reports with short calls and sensible defaults."""

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
    TurnReceived,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.pacing.certificate import Certificate, LagPercentiles, LagSummary, Verdict
from workers.pacing.schedule import Release
from workers.protocol.messages import Turn, Word


def report(job: int, event: Event, *, attempt: int = 1, file: str = "") -> JobReport:
    return JobReport(JobId(job), attempt, file or f"/rec/{job}.wav", 0.0, event)


def queued(seconds: float = 60.0) -> Queued:
    return Queued(seconds, 16000, 1, "WAV PCM_16")


def connecting(from_ms: int = 0, from_turn: int = 0) -> Connecting:
    return Connecting("ws://127.0.0.1:1/v3/ws", "ab" * 32, from_ms, from_turn)


def began(session: str = "5f3a9c1e", model: str = "u3-rt-pro") -> Began:
    return Began(session, model, 16000, 0, 12.0, 30.0)


def progressed(
    sent: float, total: float = 60.0, lag: float = 0.3, p50: float = 0.2, p99: float = 0.9
) -> Progressed:
    return Progressed(sent, total, LagSummary(lag, p50, p99, max(p99, lag)))


def streaming(sent: float = 10.0, total: float = 60.0, lag: float = 0.3) -> list[Event]:
    """The events of a session from the queue until it streams."""
    return [queued(total), connecting(), began(), progressed(sent, total, lag)]


def turn_heard(
    order: int, text: str, *, final: bool = False, settled: int = 0, at: int = 0
) -> TurnReceived:
    """A turn message; ``settled`` is the number of its final words."""
    words = tuple(
        Word(word, at + 300 * i, at + 300 * i + 280, 0.9, final or i < settled)
        for i, word in enumerate(text.split())
    )
    return TurnReceived(Turn(order, final, text, words=words))


def certificate(p99: float = 0.9, verdict: Verdict = Verdict.HELD) -> Certificate:
    lag = LagPercentiles(0.2, 0.5, p99, max(p99, 2.1), max(p99, 3.3))
    return Certificate(
        verdict=verdict,
        release=Release.START,
        clock="monotonic",
        chunk_ms=100,
        sample_rate=16000,
        chunks=600,
        audio_seconds=60.0,
        lag_ms=lag,
        drift_ms=0.01,
        slips=0,
        slipped_ms=0.0,
    )


def ended_done(seconds: float = 60.0) -> Ended:
    return Ended(Outcome.DONE, "done", "", None, seconds, seconds, certificate())


def ended_failed(
    reason: str, hint: str = "", outcome: Outcome = Outcome.LOST, seconds: float = 0.0
) -> Ended:
    return Ended(outcome, reason, hint, sent_seconds=seconds, open_seconds=seconds)


def retrying(
    in_seconds: float = 0.0, from_seconds: float = 0.0, reason: str = "the connection broke"
) -> Retrying:
    return Retrying(reason, in_seconds, from_seconds)


def broken_attempt(
    reason: str = "the connection broke", *, at: float = 10.0, again: float = 3.0
) -> list[Event]:
    """The events of an attempt that breaks ``at`` a second and is to be retried."""
    return [ended_failed(reason, seconds=at), retrying(again, at, reason)]


def refused_attempt(in_seconds: float = 12.0) -> list[Event]:
    """The events of an attempt that the server refuses as busy."""
    reason = "the server ended the session (1008): Too many concurrent sessions"
    return [ended_failed(reason, outcome=Outcome.BUSY), retrying(in_seconds, 0.0, reason)]


def job_reports(job: int, *events: Event) -> list[JobReport]:
    """The events as reports of one job; events after an end belong to the next attempt."""
    told, attempt, last = [], 1, None
    for event in events:
        if isinstance(event, Retrying) and not (last and last.outcome is Outcome.BUSY):
            attempt += 1
        if isinstance(event, Ended):
            last = event
        told.append(report(job, event, attempt=attempt))
    return told


def job_state_of(*events: Event, file: str = "/rec/interview with a long name.wav") -> JobState:
    job_state = JobState(JobId(1), file)
    for each in job_reports(1, *events):
        job_state.apply(each)
    return job_state
