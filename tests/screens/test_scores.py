"""Scores in the desk: columns, the tab, the dashboard, the filter, and attached references."""

from pathlib import Path

import pytest

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines, style_of
from tests.screens.test_replay_desk import looking_back
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import ended_done, streaming, turn_heard
from tests.support.scored_run import write_scored_run
from tui.screens.dashboard import DashboardScreen
from tui.screens.references import ReferencesDialog
from tui.widgets.detail_view import DetailView

pytestmark = pytest.mark.slow


def tab_text(seat: DeskDriver) -> str:
    return "\n".join(rendered_lines(seat.desk.screen.query_one(DetailView).pane))


def table_text(seat: DeskDriver) -> str:
    return "\n".join(seat.table_lines())


def _all_scored(seat: DeskDriver) -> bool:
    seat.desk.tick()
    return not seat.desk.state.scores.unscored_count


async def ticking(seat: DeskDriver, wanted: str, text: object) -> str:
    """Waits until a text has what is wanted."""
    assert callable(text)

    def has_come() -> bool:
        seat.desk.tick()
        return wanted in text()

    await seat.wait_until(has_come)
    return str(text())


async def test_a_past_run_with_references_is_scored_by_itself(tmp_path: Path) -> None:
    """Its columns appear; they sort and filter; one session has no reference, one is invalid."""
    folder = write_scored_run(tmp_path)
    async with looking_back(folder) as (seat, _):
        await ticking(seat, "30.0", lambda: table_text(seat))
        await seat.wait_until(lambda: _all_scored(seat))
        first, second, _, last = seat.table_lines()[:4]
        assert "valid" in first
        assert "↑" in first
        assert "invalid" in second
        assert "0.0" in second
        assert "valid" in last
        assert "30.0" not in last
        assert " 0.0" not in last

        await seat.press("slash", *"wer>10%", "enter")
        assert [1, 3] == seat.desk.state.table.visible
        await seat.press("escape", "slash", *"invalid", "enter")
        assert [2] == seat.desk.state.table.visible
        await seat.press("escape", "s", "e")
        assert [1, 3, 2, 4] == seat.desk.state.table.visible, "without a score, last"

        await seat.press("g", "enter", "5")
        shown = await ticking(seat, "[brown→round]", lambda: tab_text(seat))
        assert "[-over]" in shown
        assert "[+again]" in shown
        assert "WER 30.0 % · 1 S · 1 D · 1 I · of 10 words" in shown
        assert "normaliser: whisper-en@" in " ".join(shown.split())
        assert "valid for latency: pacing held" in shown
        assert style_of(seat.desk.screen.query_one(DetailView).pane, "[-over]") != style_of(
            seat.desk.screen.query_one(DetailView).pane, "lazy"
        )
        await seat.press("slash", *"AGAIN", "enter")
        pane = seat.desk.screen.query_one(DetailView).pane
        assert "1/1" == pane.search_status
        assert style_of(pane, "again").reverse


async def test_the_dashboard_sums_up_and_groups(tmp_path: Path) -> None:
    """On a small screen and a larger one; Esc goes back."""
    folder = write_scored_run(tmp_path)
    for size in ((80, 24), (120, 34)):
        async with looking_back(folder, size=size) as (seat, _):
            await seat.press("D")
            assert isinstance(seat.desk.screen, DashboardScreen)

            def summary(seat: DeskDriver = seat) -> str:
                return "\n".join(rendered_lines(seat.desk.screen.query_one("#summary")))

            shown = await ticking(seat, "4 scored", summary)
            await ticking(seat, "WER 20.00 %", summary)
            shown = await ticking(seat, "bert", summary)
            assert "1 invalid for latency" in shown
            assert "at least 25 are needed" in shown
            assert "end of turn" in shown
            assert all(len(line) <= size[0] for line in shown.splitlines())
            await seat.press("tab", "G", "g", "j", "escape")
            assert not isinstance(seat.desk.screen, DashboardScreen)


async def test_references_are_attached_from_a_path(tmp_path: Path) -> None:
    """What was matched is shown first; then everything is scored again."""
    folder = write_scored_run(tmp_path)
    table = tmp_path / "truth.csv"
    table.write_text("file,text\ntalk-004.wav,the quick brown fox jumps over\n")
    async with looking_back(folder) as (seat, _):
        await seat.press("T")
        dialog = seat.desk.screen
        assert isinstance(dialog, ReferencesDialog)

        def found() -> str:
            return "\n".join(rendered_lines(dialog.query_one("#found")))

        await ticking(seat, "or in their manifest: 3", found)
        await seat.press(*str(tmp_path / "nothing"), "enter")
        await ticking(seat, "holds no references", found)
        dialog.query_one("#path").value = str(table)  # type: ignore[attr-defined]  # an Input
        await seat.press("enter")
        shown = await ticking(seat, "Recordings without: 3", found)
        assert "talk-004.wav ← " in shown
        assert "References: 1" in shown
        await seat.press("enter")
        await ticking(seat, "66.7", lambda: table_text(seat))
        assert "30.0" not in table_text(seat)


async def test_nothing_is_scored_while_sessions_stream_and_nobody_asks(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The tab asks; a session that is not done is scored later."""
    write_scored_run(tmp_path)
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), turn_heard(0, "the end", final=True))
    done = supervisor.job("/rec/two.wav", *streaming(60, 60), ended_done())
    async with open_desk(supervisor) as seat:
        seat.desk.tick()
        assert not seat.desk.state.scores.is_active
        assert "WER" not in table_text(seat)

        await seat.press("5")
        await ticking(seat, "scored when it is done", lambda: tab_text(seat))
        await seat.press("j")
        await ticking(seat, "0 S · 0 D · 0 I", lambda: tab_text(seat))
        assert "invalid for latency: attempt 1" in tab_text(seat)
        assert not seat.desk.state.scores.figures[done].problem


async def test_a_run_that_cannot_be_scored_says_why(open_desk: DeskFactory) -> None:
    """The tab has the reason, instead of waiting."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/two.wav", *streaming(60, 60), ended_done())
    async with open_desk(supervisor) as seat:
        await seat.press("5")
        await ticking(seat, "There is no score: ", lambda: tab_text(seat))
        assert "is not a run folder" in " ".join(tab_text(seat).split())
