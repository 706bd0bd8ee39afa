"""Which session is heard, and from where."""

from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from tests.support.fake_player import FakePlayer
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    broken_attempt,
    connecting,
    ended_done,
    ended_failed,
    progressed,
    queued,
    streaming,
    turn_heard,
)
from tui.model.desk_state import DeskState
from tui.model.listening import LEAD_IN_MS, Listening
from tui.model.tabs import WordCursor
from workers.jobs.events import Event
from workers.jobs.job import Half, JobId
from workers.jobs.pair import pair_state
from workers.jobs.sent_position import SentPosition
from workers.playback.messages import Heard, Passage, PlaybackEnded

ONE, TWO, THREE, FOUR = (JobId(number) for number in range(1, 5))
RUN, SHA256 = Path("/runs/1"), "ab" * 32


class Ears:
    """A user who listens to a run of four: two that stream, one that is done, one that waits."""

    def __init__(self, *, in_replay: bool = False) -> None:
        self.supervisor, self.player, self.state = FakeSupervisor(), FakePlayer(), DeskState()
        self.supervisor.job("/rec/one.wav", *streaming())
        self.supervisor.job("/rec/two.wav", *streaming())
        spoken = turn_heard(0, "How are you?", final=True, at=1000)
        self.supervisor.job("/rec/three.wav", *streaming(), spoken, ended_done())
        self.supervisor.job("/rec/four.wav", queued())
        self.supervisor.sent = {ONE: SentPosition(10.0, 1.0), TWO: SentPosition(20.0, 1.0)}
        sent_position = None if in_replay else self.supervisor.sent_position
        self.listening = Listening(self.state, RUN, self.player, sent_position)
        self.apply_reports()

    def apply_reports(self) -> None:
        while not self.supervisor.reports.empty():
            self.state.apply(self.supervisor.reports.get())

    def press(self, first_word_ms: int = 0) -> str:
        return self.listening.toggle(first_word_ms)

    def select(self, job: JobId) -> str:
        self.state.table.select(job)
        return self.listening.update()

    def report(self, job: JobId, *events: Event) -> str:
        self.supervisor.report(job, *events)
        self.apply_reports()
        return self.listening.update()

    def hear(self, seconds: float, unheard_s: float | None = None, age_s: float = 0.0) -> None:
        self.player.reports.append(Heard(1, seconds, monotonic() - age_s, unheard_s, True))
        assert not self.listening.update()

    def shown(self, job: JobId) -> str:
        return self.state.row_context(job).listening


def test_a_streaming_session_is_heard_as_it_is_sent() -> None:
    """The player gets each report of the session once, and the row says how close it is."""
    ears = Ears()
    assert ears.press() == "You hear what one.wav sends"
    assert ears.player.passage == Passage(str(RUN), ONE, SHA256, sent=SentPosition(10.0, 1.0))
    ears.listening.update()
    assert ears.shown(ONE) == "silent"

    ears.supervisor.sent[ONE] = SentPosition(11.0, 2.0)
    ears.listening.update()
    ears.hear(10.9, 0.12)
    assert ears.player.followed == [SentPosition(11.0, 2.0)]
    assert ears.shown(ONE) == "0.1 s after sending"
    ears.hear(10.9, 0.12, age_s=2.0)
    assert ears.shown(ONE) == "silent"
    assert ears.press() == "Stopped listening"
    assert ears.player.passage is None
    assert not ears.shown(ONE)


def test_you_hear_the_session_that_is_selected() -> None:
    """Another that streams is heard at once; one that does not is silent, until it does."""
    ears = Ears()
    ears.press()
    ears.select(TWO)
    assert ears.player.passage == Passage(str(RUN), TWO, SHA256, sent=SentPosition(20.0, 1.0))
    assert not ears.shown(ONE)

    ears.select(FOUR)
    assert ears.player.passage is None
    assert ears.shown(FOUR) == "nothing is sent"
    ears.supervisor.sent[FOUR] = SentPosition(1.0, 1.0)
    ears.report(FOUR, *streaming())
    assert ears.player.passage == Passage(str(RUN), FOUR, SHA256, sent=SentPosition(1.0, 1.0))


def test_a_finished_recording_is_played_from_the_word_under_the_cursor() -> None:
    """Or from the first word in view; a little earlier, as times of words are not exact."""
    ears = Ears()
    ears.select(THREE)
    assert ears.press(2000) == "Playing three.wav"
    assert ears.player.passage == Passage(str(RUN), THREE, SHA256, (2000 - LEAD_IN_MS) / 1000)
    ears.press()

    ears.state.tab_state.word_cursor = WordCursor(THREE, 50)
    ears.press(2000)
    assert ears.player.passage == Passage(str(RUN), THREE, SHA256, 0.0)


def test_the_word_cursor_follows_what_is_heard_and_stays_there() -> None:
    """It never goes back before the word from which the recording is played."""
    ears = Ears()
    ears.select(THREE)
    ears.press(2000)
    ears.listening.update()
    assert ears.shown(THREE) == "seeking"
    ears.hear(1.9)
    cursor = ears.state.tab_state.word_cursor
    assert cursor is not None
    assert (cursor.job, cursor.at_ms, cursor.is_heard) == (THREE, 2000, True)
    ears.hear(4.0)
    assert ears.shown(THREE) == "playing"
    ears.press()

    stayed = ears.state.tab_state.word_cursor
    assert stayed is not None
    assert not stayed.is_heard
    assert stayed.at_ms == pytest.approx(4000, abs=500)
    ears.press(0)
    assert ears.player.passage is not None
    assert ears.player.passage.start_s == pytest.approx((stayed.at_ms - LEAD_IN_MS) / 1000)


def test_a_word_that_the_user_chooses_is_heard_next() -> None:
    """While a recording is played; a live session stays live."""
    ears = Ears()
    ears.select(THREE)
    ears.press(0)
    ears.hear(1.0)
    ears.state.tab_state.word_cursor = WordCursor(THREE, 7000)
    ears.listening.update()
    assert ears.player.passage == Passage(str(RUN), THREE, SHA256, 6.9)

    ears.select(ONE)
    ears.state.tab_state.word_cursor = WordCursor(ONE, 7000)
    ears.listening.update()
    assert ears.player.passage == Passage(str(RUN), ONE, SHA256, sent=SentPosition(10.0, 1.0))


def test_a_finished_recording_is_silent_once_another_is_selected() -> None:
    """It is not played again when the user comes back, unless the key is pressed."""
    ears = Ears()
    ears.select(THREE)
    ears.press()
    ears.select(ONE)
    assert ears.player.passage == Passage(str(RUN), ONE, SHA256, sent=SentPosition(10.0, 1.0))
    ears.select(THREE)
    assert ears.player.passage is None

    assert ears.press() == "Playing three.wav"


@pytest.mark.parametrize(
    ("events", "notice"),
    [
        (broken_attempt(), "Stopped listening: one.wav waits for another attempt"),
        ([*broken_attempt(), connecting()], "Stopped listening: one.wav connects again"),
        ([ended_failed("the connection broke")], "Stopped listening: one.wav has ended"),
    ],
)
def test_it_stops_when_the_session_does_and_says_so(events: list[Event], notice: str) -> None:
    """A retry may take long, and may begin elsewhere."""
    ears = Ears()
    ears.press()

    assert ears.report(ONE, *events) == notice
    assert ears.player.passage is None


def test_a_session_is_heard_to_its_end() -> None:
    """The last chunk sounds after it was sent, so the player says when it is over."""
    ears = Ears()
    ears.press()
    assert not ears.report(ONE, progressed(60.0))
    assert not ears.report(ONE, ended_done())
    assert ears.player.passage is not None

    ears.player.reports.append(PlaybackEnded(1))
    assert ears.listening.update() == "one.wav was sent to its end"
    assert ears.player.passage is None


def test_the_player_says_what_is_wrong() -> None:
    """With what to do about it, if there is something."""
    ears = Ears()
    ears.press()
    ears.player.reports.append(PlaybackEnded(1, "no sound device was found", "Connect one."))
    told = "one.wav is not heard: no sound device was found. Connect one."
    assert ears.listening.update() == told

    ears.select(THREE)
    ears.press()
    ears.player.reports.append(PlaybackEnded(1))
    assert ears.listening.update() == "three.wav has ended"
    assert not ears.shown(THREE)


def test_a_session_that_waits_is_heard_once_it_streams() -> None:
    """The key pressed again gives that up; a job that never started has nothing to hear."""
    ears = Ears()
    ears.select(FOUR)
    assert ears.press() == "You will hear four.wav when it streams"
    ears.listening.update()
    assert ears.shown(FOUR) == "nothing is sent"
    assert ears.press() == "Stopped listening"
    assert not ears.shown(FOUR)

    ears.report(FOUR, ended_failed("the file is not there"))
    assert ears.press() == "Nothing of four.wav was ever sent"


def test_a_replay_plays_recordings_only() -> None:
    """Whatever state its clock shows."""
    ears = Ears(in_replay=True)

    assert ears.press(3000) == "Playing one.wav"
    assert ears.player.passage == Passage(str(RUN), ONE, SHA256, 2.9)


def test_at_another_speed_than_that_of_speech_the_recording_is_played() -> None:
    """Nobody can hear four seconds in one."""
    ears = Ears()
    fast = ears.supervisor.job("/rec/fast.wav", replace(queued(60.0), speed=4.0), *streaming()[1:])
    ears.supervisor.sent[fast] = SentPosition(10.0, 1.0)
    ears.apply_reports()
    ears.select(fast)

    assert ears.press(2000) == "Playing fast.wav"
    assert ears.player.passage == Passage(str(RUN), fast, SHA256, 1.9)


def test_both_speakers_of_a_call_are_heard() -> None:
    """Its halves share a clock, so that either of them tells what was sent."""
    ears = Ears()
    halves = [ears.state.job_states.pop(job) for job in (ONE, TWO)]
    for half, channel, speaker in zip(halves, (1, 2), ("agent", "caller"), strict=True):
        half.half = Half(0, channel, speaker)
    call = pair_state(halves[0], halves[1])
    ears.state.job_states[call.job] = call
    ears.state.table.add(call.job)
    ears.select(call.job)
    del ears.supervisor.sent[ONE]
    ears.press()

    sent = SentPosition(20.0, 1.0)
    assert ears.player.passage == Passage(str(RUN), ONE, SHA256, sent=sent, all_channels=True)


def test_nothing_is_heard_when_no_session_is_selected() -> None:
    """Because a filter hides all of them."""
    ears = Ears()
    ears.press()
    ears.state.remove([ONE, TWO, THREE, FOUR])

    assert ears.listening.update() == "Stopped listening: no session is selected"
    assert ears.player.passage is None
