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
from workers.history import JobHistory, Status
from workers.jobs import JobId
from workers.speech.messages import Turn

LAG = LagSummary(0.1, 0.1, 0.2, 0.3)
QUEUED = Queued(2.0, 16000, 1, "WAV PCM_16")
BEGAN = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0)


def after(*events: Event, attempt: int = 1) -> JobHistory:
    history = JobHistory(JobId(1), "a.wav")
    for event in events:
        history.apply(Report(JobId(1), attempt, "a.wav", 0.0, event))
    return history


def test_a_job_goes_from_the_queue_to_its_end() -> None:
    """Each event moves the status on."""
    steps: list[tuple[Event, Status]] = [
        (QUEUED, Status.QUEUED),
        (Connecting("ws://x", "ab"), Status.CONNECTING),
        (BEGAN, Status.STREAMING),
        (Progressed(1.0, 2.0, LAG), Status.STREAMING),
        (Progressed(2.0, 2.0, LAG), Status.FINISHING),
        (Ended(Outcome.DONE, "done", sent_seconds=2.0), Status.DONE),
    ]
    events = [event for event, _ in steps]

    assert [after(*events[: n + 1]).status for n in range(len(steps))] == [s for _, s in steps]


def test_only_done_and_cancelled_are_not_failures() -> None:
    """Every other outcome wants attention."""
    statuses = {outcome: after(Ended(outcome, "")).status for outcome in Outcome}

    assert statuses.pop(Outcome.DONE) is Status.DONE
    assert statuses.pop(Outcome.CANCELLED) is Status.CANCELLED
    assert set(statuses.values()) == {Status.FAILED}


def test_a_retry_starts_afresh() -> None:
    """The words of the attempt before are its own trace's; facts of the file stay."""
    history = after(QUEUED, BEGAN, TurnHeard(Turn(0, True, "old")), Ended(Outcome.LOST, "gone"))
    history.apply(Report(JobId(1), 2, "a.wav", 0.0, QUEUED))

    assert history.attempt == 2
    assert history.status is Status.QUEUED
    assert history.transcript.text == ""
    assert history.ended is None
    assert history.format == "WAV PCM_16"


def test_a_late_report_of_an_earlier_attempt_is_ignored() -> None:
    """Two processes may overlap for a moment."""
    history = after(QUEUED, attempt=2)
    history.apply(Report(JobId(1), 1, "a.wav", 0.0, Ended(Outcome.LOST, "gone")))

    assert history.status is Status.QUEUED


def test_warnings_and_slips_are_kept() -> None:
    """They are what a user looks for when numbers are odd."""
    history = after(QUEUED, Warned("careful"), Slipped(1.0, 6000.0))

    assert history.warnings == ["careful"]
    assert history.slips == 1
