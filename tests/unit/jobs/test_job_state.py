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
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.resume_point import ResumePoint
from workers.pacing.certificate import LagSummary
from workers.protocol.messages import Turn, Word

LAG = LagSummary(0.1, 0.1, 0.2, 0.3)
QUEUED = Queued(2.0, 16000, 1, "WAV PCM_16")
BEGAN = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0)


def after(*events: Event, attempt: int = 1) -> JobState:
    job_state = JobState(JobId(1), "a.wav")
    for event in events:
        job_state.apply(JobReport(JobId(1), attempt, "a.wav", 0.0, event))
    return job_state


def test_a_job_goes_from_the_queue_to_its_end() -> None:
    """Each event moves the status on."""
    steps: list[tuple[Event, JobStatus]] = [
        (QUEUED, JobStatus.QUEUED),
        (Connecting("ws://x", "ab"), JobStatus.CONNECTING),
        (BEGAN, JobStatus.STREAMING),
        (Progressed(1.0, 2.0, LAG), JobStatus.STREAMING),
        (Progressed(2.0, 2.0, LAG), JobStatus.FINISHING),
        (Ended(Outcome.DONE, "done", sent_seconds=2.0), JobStatus.DONE),
    ]
    events = [event for event, _ in steps]

    assert [after(*events[: n + 1]).status for n in range(len(steps))] == [s for _, s in steps]


def test_what_was_cancelled_or_interrupted_is_no_failure() -> None:
    """Every other outcome means failure."""
    statuses = {outcome: after(Ended(outcome, "")).status for outcome in Outcome}

    assert statuses.pop(Outcome.DONE) is JobStatus.DONE
    assert statuses.pop(Outcome.CANCELLED) is JobStatus.CANCELLED
    assert statuses.pop(Outcome.INTERRUPTED) is JobStatus.INTERRUPTED
    assert set(statuses.values()) == {JobStatus.FAILED}


def heard(order: int, text: str, *, final: bool = True, cut: bool = False) -> TurnReceived:
    """A turn of one word a second, from its order's second on."""
    words = (Word(text, order * 1000, order * 1000 + 900),)
    return TurnReceived(Turn(order, final, text, words=words), cut)


SENT = Progressed(5.0, 9.0, LAG)


def test_a_further_attempt_goes_on_behind_the_last_final_turn() -> None:
    """Finals stay; turns that were open or cut off will be received again."""
    job_state = after(
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

    assert job_state.resume_point == ResumePoint(1900, 2)
    job_state.apply(JobReport(JobId(1), 2, "a.wav", 0.0, Retrying("gone", 1.0, 1.9)))
    assert job_state.status is JobStatus.RETRYING
    assert job_state.transcript.text == "one\ntwo\nthr\nfo"

    job_state.apply(JobReport(JobId(1), 2, "a.wav", 0.0, Connecting("ws://x", "ab", 1900, 2)))
    assert job_state.attempt == 2
    assert job_state.transcript.text == "one\ntwo"
    assert job_state.transcript.resume_points == [ResumePoint(1900, 2)]
    assert job_state.ended is None
    assert job_state.format == "WAV PCM_16"
    assert [(each.number, each.ended.outcome) for each in job_state.earlier_attempts] == [
        (1, Outcome.LOST)
    ]


def test_what_was_never_begun_is_no_attempt() -> None:
    """It was cancelled in the queue before it connected, and then retried."""
    job_state = after(
        QUEUED, Ended(Outcome.CANCELLED, "taken out"), Retrying("asked for", 0.0, 0.0)
    )

    assert job_state.earlier_attempts == []
    assert job_state.status is JobStatus.RETRYING


def test_an_attempt_from_the_start_hears_everything_anew() -> None:
    """The turns of the earlier attempt stay in its trace."""
    job_state = after(QUEUED, BEGAN, SENT, heard(0, "old"), Ended(Outcome.DONE, "done"))
    job_state.apply(JobReport(JobId(1), 2, "a.wav", 0.0, QUEUED))
    assert job_state.transcript.text == "old"

    job_state.apply(JobReport(JobId(1), 2, "a.wav", 0.0, Connecting("ws://x", "ab")))
    assert job_state.transcript.text == ""
    assert job_state.transcript.resume_points == []


def test_a_refusal_for_want_of_a_place_leaves_the_job_in_the_queue() -> None:
    """Its number is used again."""
    job_state = after(QUEUED, Ended(Outcome.BUSY, "full"), Retrying("full", 9.0, 0.0))

    assert job_state.status is JobStatus.QUEUED
    assert job_state.attempt == 1
    assert job_state.ended is None


def test_a_late_report_of_an_earlier_attempt_is_ignored() -> None:
    """Two processes may overlap for a moment."""
    job_state = after(QUEUED, attempt=2)
    job_state.apply(JobReport(JobId(1), 1, "a.wav", 0.0, Ended(Outcome.LOST, "gone")))

    assert job_state.status is JobStatus.QUEUED


def test_warnings_and_slips_are_kept() -> None:
    """A user looks for them when figures are odd."""
    job_state = after(QUEUED, Warned("careful"), Slipped(1.0, 6000.0))

    assert job_state.warnings == ["careful"]
    assert job_state.slips == 1


def test_the_levels_of_the_latest_chunks_are_kept() -> None:
    """Another session starts with none."""
    job_state = after(QUEUED, BEGAN, Progressed(1.0, 9.0, LAG, (-20, -30)))
    assert job_state.levels_db == (-20, -30)

    job_state.apply(
        JobReport(JobId(1), 1, "a.wav", 0.0, Progressed(3.0, 9.0, LAG, tuple(range(-19, 0))))
    )
    assert job_state.levels_db == (-30, *range(-19, 0))

    job_state.apply(JobReport(JobId(1), 2, "a.wav", 0.0, Connecting("ws://x", "ab")))
    assert job_state.levels_db == ()


def test_an_open_socket_counts_while_it_is_open() -> None:
    """The time counts up to the latest report; at the end, the value in `Ended` counts."""
    job_state = after(QUEUED, Connecting("ws://x", "ab"))
    began = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 500.0)

    def told(t: float, event: Event, attempt: int = 1) -> float:
        job_state.apply(JobReport(JobId(1), attempt, "a.wav", t, event))
        return job_state.open_seconds

    assert told(1.5, began) == 0.5
    assert told(4.0, SENT) == 3.0
    assert told(4.5, Ended(Outcome.LOST, "gone", open_seconds=3.25)) == 3.25
    assert told(0.0, Retrying("gone", 1.0, 1.9), 2) == 3.25
    assert told(0.1, Connecting("ws://x", "ab"), 2) == 3.25
    assert told(0.6, began, 2) == 3.75
    assert told(1.6, SENT, 2) == 4.75


def test_where_a_job_stands_before_its_attempt_has_sent_anything() -> None:
    """It starts at the resume point, with the duration that the probe found."""
    job_state = after(QUEUED)
    assert (job_state.total_seconds, job_state.sent_seconds) == (2.0, 0.0)

    job_state.apply(JobReport(JobId(1), 1, "a.wav", 0.0, Connecting("ws://x", "ab", 1900, 2, 3)))
    assert job_state.sent_seconds == 1.9
    assert job_state.started_from == ResumePoint(1900, 2, 3)


def test_where_a_job_stood_at_its_end() -> None:
    """`Ended` gives it; a crash without it keeps the last known value."""
    told = after(QUEUED, BEGAN, SENT, Ended(Outcome.LOST, "gone", sent_seconds=5.5))
    crashed = after(QUEUED, BEGAN, SENT, Ended(Outcome.CRASHED, "gone"))

    assert (told.sent_seconds, crashed.sent_seconds) == (5.5, 5.0)
    assert told.retrying is None


def test_a_recording_of_unknown_length_is_not_about_to_end() -> None:
    """This holds even for a short recording: all of its audio is known to be sent."""
    assert after(QUEUED, BEGAN, Progressed(0.0, 0.0, LAG)).status is JobStatus.STREAMING
    assert after(QUEUED, BEGAN, Progressed(0.5, 0.5, LAG)).status is JobStatus.FINISHING


def test_slips_are_counted() -> None:
    """The slips are those of one attempt."""
    job_state = after(QUEUED, Slipped(1.0, 6000.0), Slipped(9.0, 6000.0))
    assert job_state.slips == 2

    job_state.apply(JobReport(JobId(1), 2, "a.wav", 0.0, QUEUED))
    assert job_state.slips == 0


def test_why_another_attempt_is_to_come_is_known_until_it_comes() -> None:
    """A refusal is also kept as one; an end clears both."""
    lost, full = Ended(Outcome.LOST, "gone"), Ended(Outcome.BUSY, "full")
    again = Retrying("because", 1.0, 1.9)
    begun = (QUEUED, Connecting("ws://x", "ab"))
    after_loss, after_refusal = after(*begun, lost, again), after(*begun, full, again)

    assert (after_loss.retrying, after_loss.refusal) == (again, None)
    assert (after_refusal.retrying, after_refusal.refusal) == (again, full)
    assert [each.ended for each in after_loss.earlier_attempts] == [lost]
    assert after_refusal.earlier_attempts == []
    assert after(*begun, lost, again, Ended(Outcome.CANCELLED, "no more")).retrying is None
    for job_state in (after_loss, after_refusal):
        assert job_state.last_started_attempt == 0
        job_state.apply(JobReport(JobId(1), 1, "a.wav", 0.0, Connecting("ws://x", "ab")))
        assert (job_state.retrying, job_state.refusal) == (None, None)
        assert job_state.last_started_attempt == 1


def test_no_socket_is_open_between_two_sessions() -> None:
    """No time is counted while another attempt connects, even if the last end is missing."""
    job_state = after(QUEUED, Connecting("ws://x", "ab"), BEGAN)
    events: list[Event] = [SENT, Connecting("ws://x", "ab"), SENT]
    for number, event in enumerate(events, start=2):
        job_state.apply(JobReport(JobId(1), 1, "a.wav", float(number), event))

    assert job_state.open_seconds == 0.0


def test_an_attempt_that_handed_over_in_silence_is_followed_where_it_stopped() -> None:
    """Otherwise the next attempt has the same start, as no turn arrived."""
    silence = (QUEUED, Connecting("ws://x", "ab"), BEGAN, Progressed(60.0, 90.0, LAG))

    assert after(*silence, Ended(Outcome.LOST, "gone")).resume_point == ResumePoint(0, 0)
    assert after(*silence, Ended(Outcome.HANDED_OVER, "")).resume_point == ResumePoint(59_000, 0)


def test_a_copy_goes_its_own_way() -> None:
    """Another thread may read or continue it."""
    original = after(QUEUED, Connecting("ws://x", "ab"), BEGAN, SENT, Warned("one"), heard(0, "so"))
    copied = original.copy()
    for event in (Warned("two"), heard(1, "on"), Ended(Outcome.LOST, "gone")):
        original.apply(JobReport(JobId(1), 1, "a.wav", 0.0, event))
    original.apply(JobReport(JobId(1), 2, "a.wav", 0.0, Retrying("gone", 1.0, 1.9)))

    assert copied.warnings == ["one"]
    assert copied.transcript.text == "so"
    assert copied.resume_point == ResumePoint(900, 1)
    assert copied.earlier_attempts == []


def test_a_session_that_seemed_lost_is_live_again_when_it_is_repeated() -> None:
    """A program that comes back to a session on another machine repeats its events from the
    beginning, after the substitute for the end that nobody recorded."""
    connecting = Connecting("ws://x", "ab", node="berlin")
    unrecorded = Ended(Outcome.CRASHED, "its end was not recorded")

    job_state = after(connecting, BEGAN, unrecorded, connecting, BEGAN)

    assert job_state.status is JobStatus.STREAMING
    assert job_state.ended is None
    assert job_state.node == "berlin"
    assert job_state.earlier_attempts == []
