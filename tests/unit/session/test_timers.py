from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.session.recorder_harness import RECORDING, CollectedReports, open_recorder
from workers.jobs.events import Outcome
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import RECORDING_START
from workers.protocol.messages import MAX_SESSION_S, Begin
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.session_state import SessionState
from workers.session.timers import Handover

NOW = 500.0
HOUR = 3600.0


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with open_recorder(tmp_path, CollectedReports()) as opened:
        yield opened


class Session:
    """A session after Begin that has sent part of its hour."""

    def __init__(self, recorder: Recorder, life: float, sent: float = 1.0) -> None:
        self.state = SessionState(recorder, RECORDING_START)
        self.state.apply(Begin("id"))
        self.progress = SendProgress(RECORDING, StreamSettings(), 0, recorder)
        self.progress.sent_samples = round(sent * RECORDING.rate)
        self.handover = Handover(life, self.state, self.progress, now=NOW)

    @property
    def outcome(self) -> Outcome | None:
        return self.state.ending.outcome if self.state.ending else None


def test_it_waits_for_the_end_of_a_turn_near_its_own(recorder: Recorder) -> None:
    """It ignores turns that end before the window."""
    session = Session(recorder, 1800)
    session.handover.check_turn_end(NOW + 1400)
    assert session.outcome is None

    session.handover.check_turn_end(NOW + 1501)
    assert session.outcome is Outcome.HANDED_OVER


def test_it_does_not_wait_for_ever(recorder: Recorder) -> None:
    """Shortly before its end it hands over in the middle of a turn, or of an hour of silence."""
    session = Session(recorder, 1800)

    assert session.handover.tick(NOW) == pytest.approx(1770)
    assert session.handover.tick(NOW + 1771) == 0.0
    assert session.outcome is Outcome.HANDED_OVER


def test_who_has_little_left_to_send_does_not_hand_over(recorder: Recorder) -> None:
    """The rest fits before the deadline; once all is sent, the session waits for the end."""
    session = Session(recorder, 1800, sent=HOUR - 100)
    session.handover.check_turn_end(NOW + 1600)
    assert session.outcome is None

    session.state.mark_all_audio_sent()
    assert session.handover.tick(NOW + 1799) == float("inf")
    assert session.outcome is None


def test_a_session_that_sent_nothing_has_nothing_to_hand_over(recorder: Recorder) -> None:
    """Otherwise sessions that send nothing would follow each other endlessly."""
    session = Session(recorder, 10, sent=0)
    session.handover.tick(NOW + 10)

    assert session.outcome is Outcome.LOST


@pytest.mark.parametrize(
    ("life", "window_starts", "deadline"),
    [
        (1.0, 2 / 3, 0.9),
        (30.0, 20.0, 27.0),
        (1800.0, 1500.0, 1770.0),
        (MAX_SESSION_S, MAX_SESSION_S - 300, MAX_SESSION_S - 30),
    ],
)
def test_the_window_of_a_short_session_is_a_share_of_it(
    recorder: Recorder, life: float, window_starts: float, deadline: float
) -> None:
    """The window is a third, its final margin a tenth; at most 5 minutes and 30 s."""
    early, timely, late = (Session(recorder, life) for _ in range(3))
    early.handover.check_turn_end(NOW + window_starts - 0.001)
    timely.handover.check_turn_end(NOW + window_starts + 0.001)

    assert early.outcome is None
    assert timely.outcome is Outcome.HANDED_OVER
    assert late.handover.tick(NOW) == pytest.approx(deadline)
    assert late.handover.tick(NOW + deadline - 0.5) == pytest.approx(0.5)
    assert late.outcome is None


def test_at_its_very_deadline_a_session_hands_over(recorder: Recorder) -> None:
    """A turn that ends exactly when the window opens counts too."""
    silent, talking = Session(recorder, 1800), Session(recorder, 1800)
    talking.handover.check_turn_end(NOW + 1500)

    assert silent.handover.tick(NOW + 1770) == 0.0
    assert silent.outcome is talking.outcome is Outcome.HANDED_OVER
    assert silent.handover.tick(NOW + 1770) == float("inf")
