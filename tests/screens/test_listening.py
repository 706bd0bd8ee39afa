"""Listening to a session, with the player's real process and a device that plays to nobody."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import psutil

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines
from tests.support.audio_files import distinct_samples
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.playback_builders import write_played_run
from tests.support.report_builders import ended_done, streaming, turn_heard
from tui.config.settings import DeskSettings, ListenSettings
from tui.theme.roles import Role
from tui.widgets.transcript import TranscriptView
from workers.jobs.job import JobId
from workers.jobs.sent_position import SentPosition

PLAYED_TO_NOBODY = DeskSettings(listen=ListenSettings("null"))
TURNS = 60
"""Turns of five words and 1.5 seconds: more than any screen here is high."""


def spoken_run(folder: Path) -> FakeSupervisor:
    """A run of one recording that is done, and one that streams."""
    supervisor = FakeSupervisor()
    turns = [
        turn_heard(n, f"what turn {n} tells w{n}", final=True, at=1500 * n) for n in range(TURNS)
    ]
    supervisor.job("/rec/one.wav", *streaming(), *turns, ended_done())
    supervisor.job("/rec/two.wav", *streaming())
    write_played_run(folder / "run", distinct_samples(1.5 * TURNS, 8000), 8000)
    return supervisor


def words_in(seat: DeskDriver, role: Role) -> list[str]:
    """What is drawn in that role in the transcript."""
    view = seat.desk.screen.query_one(TranscriptView)
    style = seat.desk.look.styles[role]
    wanted = (style.color, style.reverse, style.underline)
    return [
        segment.text
        for strip in view.render_lines(view.size.region)
        for segment in strip
        if segment.style
        and (segment.style.color, segment.style.reverse, segment.style.underline) == wanted
    ]


def is_heard(seat: DeskDriver, word: str) -> Callable[[], bool]:
    return lambda: words_in(seat, Role.HEARD) == [word]


async def test_a_finished_recording_is_heard_from_the_first_word_in_view(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The transcript shows each word as it is heard; the key stops, and goes on from there."""
    async with open_desk(spoken_run(tmp_path), settings=PLAYED_TO_NOBODY) as seat:
        await seat.press("enter", "home")
        await seat.press("L")
        assert "Playing one.wav" in seat.footer_text()
        await seat.wait_until(is_heard(seat, "what"))
        await seat.wait_until(is_heard(seat, "turn"))
        assert "♪ playing" in rendered_lines(seat.desk.screen.query_one("#facts"))[0]

        await seat.press("L")
        assert "Stopped listening" in seat.footer_text()
        assert words_in(seat, Role.HEARD) == []
        (left,) = words_in(seat, Role.WORD_CURSOR)
        await seat.press("L")
        await seat.wait_until(is_heard(seat, left))
    assert not [each for each in psutil.Process().children() if each.name() == "paceline player"]


async def test_the_word_to_listen_from_is_chosen_with_keys_mouse_or_search(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """While the recording is played, another word is heard at once."""
    async with open_desk(spoken_run(tmp_path), settings=PLAYED_TO_NOBODY) as seat:
        await seat.press("enter", "home")
        chosen = []
        for key in ("ctrl+right", "ctrl+right", "ctrl+right", "ctrl+left"):
            await seat.press(key)
            chosen += words_in(seat, Role.WORD_CURSOR)
        assert chosen == ["what", "turn", "0", "turn"]
        await seat.press("L")
        await seat.wait_until(is_heard(seat, "0"))

        await seat.press("slash", *"w50", "enter", "n")
        await seat.wait_until(is_heard(seat, "w50"))
        await seat.press("escape", "home")
        await seat.pilot.click("#transcript", offset=(9, 20))
        await seat.wait_until(is_heard(seat, "turn"))
        assert seat.desk.state.tab_state.word_cursor is not None
        assert seat.desk.state.tab_state.word_cursor.at_ms > 20 * 1500


async def test_what_is_heard_stays_in_view_unless_the_user_scrolls_away(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Nobody loses their place because of the sound."""
    async with open_desk(spoken_run(tmp_path), settings=PLAYED_TO_NOBODY) as seat:
        await seat.press("enter", "home", "ctrl+right")
        view = seat.desk.screen.query_one(TranscriptView)
        await seat.pilot.click("#transcript", offset=(30, view.size.height - 1))
        await seat.press("L")
        await seat.wait_until(lambda: view.scroll_offset.y == 1)

        await seat.press("end", "k")
        scrolled = view.scroll_offset.y
        heard = seat.desk.state.tab_state.word_cursor
        await seat.wait_until(lambda: seat.desk.state.tab_state.word_cursor is not heard)
        assert view.scroll_offset.y == scrolled


async def test_what_a_session_sends_is_heard_and_the_selection_decides(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The row that is heard has a note beside its state; that of a finished one is silent."""
    supervisor = spoken_run(tmp_path)
    began = monotonic() - 10.0

    def go_on() -> None:
        """Reports what a session that began ten seconds ago has sent by now."""
        supervisor.sent[JobId(2)] = SentPosition(monotonic() - began, monotonic())

    go_on()
    (trace,) = (tmp_path / "run").glob("0001-*.jsonl")
    trace.rename(trace.with_name(trace.name.replace("0001", "0002")))
    async with open_desk(supervisor, settings=PLAYED_TO_NOBODY) as seat:
        await seat.press("j", "L")
        assert "You hear what two.wav sends" in seat.footer_text()
        facts = seat.desk.screen.query_one("#facts")

        def is_heard_as_sent() -> bool:
            go_on()
            return "s after sending" in rendered_lines(facts)[0]

        await seat.wait_until(is_heard_as_sent)
        assert seat.table_lines()[1].startswith("▌ ●♪")

        await seat.press("k")
        await seat.wait_until(lambda: "♪ nothing is sent" in rendered_lines(facts)[0])
        assert "♪" not in seat.table_lines()[1]


async def test_a_missing_recording_is_a_sentence(open_desk: DeskFactory, tmp_path: Path) -> None:
    """The footer says what is wrong, and the sound is off."""
    supervisor = spoken_run(tmp_path)
    (tmp_path / "run" / "a.wav").unlink()
    async with open_desk(supervisor, settings=PLAYED_TO_NOBODY) as seat:
        await seat.press("L")
        told = "one.wav is not heard: the file is no longer there. Was it moved or deleted?"
        await seat.wait_until(lambda: told in seat.footer_text())
        assert not seat.desk.actions.listening.is_on
