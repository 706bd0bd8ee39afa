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
from workers.jobs.job_state import JobHistory, Status
from workers.jobs.resume_point import Seam
from workers.pacing.certificate import LagSummary
from workers.protocol.messages import Turn, Word

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


def test_what_was_cancelled_or_interrupted_is_no_failure() -> None:
    """Every other outcome wants attention."""
    statuses = {outcome: after(Ended(outcome, "")).status for outcome in Outcome}

    assert statuses.pop(Outcome.DONE) is Status.DONE
    assert statuses.pop(Outcome.CANCELLED) is Status.CANCELLED
    assert statuses.pop(Outcome.INTERRUPTED) is Status.INTERRUPTED
    assert set(statuses.values()) == {Status.FAILED}


def heard(order: int, text: str, *, final: bool = True, cut: bool = False) -> TurnHeard:
    """A turn of one word a second, from its order's second on."""
    words = (Word(text, order * 1000, order * 1000 + 900),)
    return TurnHeard(Turn(order, final, text, words=words), cut)


SENT = Progressed(5.0, 9.0, LAG)


def test_a_further_attempt_goes_on_behind_the_last_final_turn() -> None:
    """Finals stay; what was still open, or was cut short, will be heard again."""
    history = after(
        QUEUED,
        Connecting("ws://x", "ab"),
        BEGAN,
        SENT,
        heard(0, "one"),
        heard(1, "two"),
        heard(2, "thr", final=False),
        heard(3, "fo", cut=True),
        Ended(Outcome.LOST, "gone"),
    )

    assert history.seam == Seam(1900, 2)
    history.apply(Report(JobId(1), 2, "a.wav", 0.0, Retrying("gone", 1.0, 1.9)))
    assert history.status is Status.RETRYING
    assert history.transcript.text == "one\ntwo\nthr\nfo"

    history.apply(Report(JobId(1), 2, "a.wav", 0.0, Connecting("ws://x", "ab", 1900, 2)))
    assert history.attempt == 2
    assert history.transcript.text == "one\ntwo"
    assert history.transcript.seams == [Seam(1900, 2)]
    assert history.ended is None
    assert history.format == "WAV PCM_16"
    assert [(each.number, each.ended.outcome) for each in history.earlier] == [(1, Outcome.LOST)]


def test_what_was_never_begun_is_no_attempt() -> None:
    """Taken out of the queue before anybody was called, then wanted after all."""
    history = after(QUEUED, Ended(Outcome.CANCELLED, "taken out"), Retrying("asked for", 0.0, 0.0))

    assert history.earlier == []
    assert history.status is Status.RETRYING


def test_an_attempt_from_the_start_hears_everything_anew() -> None:
    """What the one before heard is in its trace."""
    history = after(QUEUED, BEGAN, SENT, heard(0, "old"), Ended(Outcome.DONE, "done"))
    history.apply(Report(JobId(1), 2, "a.wav", 0.0, QUEUED))
    assert history.transcript.text == "old"

    history.apply(Report(JobId(1), 2, "a.wav", 0.0, Connecting("ws://x", "ab")))
    assert history.transcript.text == ""
    assert history.transcript.seams == []


def test_a_refusal_for_want_of_a_place_leaves_the_job_in_the_queue() -> None:
    """Its number comes again."""
    history = after(QUEUED, Ended(Outcome.BUSY, "full"), Retrying("full", 9.0, 0.0))

    assert history.status is Status.QUEUED
    assert history.attempt == 1
    assert history.ended is None


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


def test_the_levels_of_the_latest_chunks_are_kept() -> None:
    """A further session begins with none."""
    history = after(QUEUED, BEGAN, Progressed(1.0, 9.0, LAG, (-20, -30)))
    assert history.levels_db == (-20, -30)

    history.apply(
        Report(JobId(1), 1, "a.wav", 0.0, Progressed(3.0, 9.0, LAG, tuple(range(-19, 0))))
    )
    assert history.levels_db == (-30, *range(-19, 0))

    history.apply(Report(JobId(1), 2, "a.wav", 0.0, Connecting("ws://x", "ab")))
    assert history.levels_db == ()


def test_an_open_socket_counts_while_it_is_open() -> None:
    """From the open socket, which Begin follows, to the latest report; in the end as it is told."""
    history = after(QUEUED, Connecting("ws://x", "ab"))
    began = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 500.0)

    def told(t: float, event: Event, attempt: int = 1) -> float:
        history.apply(Report(JobId(1), attempt, "a.wav", t, event))
        return history.open_seconds

    assert told(1.5, began) == 0.5
    assert told(4.0, SENT) == 3.0
    assert told(4.5, Ended(Outcome.LOST, "gone", open_seconds=3.25)) == 3.25
    assert told(0.0, Retrying("gone", 1.0, 1.9), 2) == 3.25
    assert told(0.1, Connecting("ws://x", "ab"), 2) == 3.25
    assert told(0.6, began, 2) == 3.75
    assert told(1.6, SENT, 2) == 4.75
