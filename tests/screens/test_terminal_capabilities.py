"""Symbols and colours in terminals with fewer of them."""

from dataclasses import replace
from typing import Any

import pytest

from tests.screens.conftest import DeskFactory, rendered_lines, style_of
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import broken_attempt, connecting, streaming, turn_heard
from tui.app.desk import Desk
from tui.theme.symbols import ASCII, UNICODE, symbols_for
from tui.theme.themes import DARK
from tui.widgets.line_widgets import LineBlock, StyledWidget
from tui.widgets.transcript import TranscriptView


def one() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job("/rec/一.wav", *streaming(lag=14), turn_heard(0, "good morning", settled=1))
    return supervisor


@pytest.mark.parametrize(
    ("encoding", "symbols"),
    [("utf-8", UNICODE), ("UTF8", UNICODE), ("ascii", ASCII), ("iso8859-1", ASCII), (None, ASCII)],
)
def test_symbols_follow_the_encoding_of_the_terminal(encoding: str | None, symbols: object) -> None:
    """Symbols that it cannot show are not used."""
    assert symbols is symbols_for(encoding)


class Plain(Desk):
    """A desk in a terminal without Unicode."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.look.symbols = ASCII


async def test_ascii_draws_only_ascii(open_desk: DeskFactory) -> None:
    """Every symbol has an ASCII form, also the rule between two attempts."""
    supervisor = one()
    turn = turn_heard(0, "Good morning.", final=True)
    supervisor.job("/rec/two.wav", *streaming(), turn, *broken_attempt(), connecting(900, 1))
    supervisor.job("/rec/three.wav", *streaming(), *broken_attempt())
    async with open_desk(supervisor, kind=Plain) as seat:
        for keys in ([], ["space", "x"], ["p"], ["enter"], ["escape", "e"], ["escape", "?"]):
            await seat.press(*keys)
            lines = [
                line
                for widget in seat.desk.screen.query(LineBlock)
                for line in rendered_lines(widget)
            ]
            lines += rendered_lines(seat.desk.screen_stack[0].query_one(TranscriptView))
            assert all(line.isascii() for line in [*lines, *seat.table_lines()])
            if keys == ["space", "x"]:
                assert "-- attempt 2 from 0:00.9 --" in "\n".join(lines)


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark"])
async def test_other_themes_keep_the_meaning(open_desk: DeskFactory, theme: str) -> None:
    """Colours change, italics and symbols stay."""
    async with open_desk(one()) as seat:
        before = style_of(seat.table, "streaming")
        seat.desk.theme = theme
        await seat.pilot.pause()
        await seat.process_reports()

        assert before.color != style_of(seat.table, "streaming").color
        assert style_of(seat.desk.screen.query_one(TranscriptView), "morning").italic
        assert "▲" in seat.table_lines()[0]


async def test_no_color_keeps_the_meaning(
    open_desk: DeskFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A symbol marks late jobs, italics partial words, a bar the current row."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_desk(one()) as seat:
        assert seat.table_lines()[0].startswith("▌")
        assert "14.0▲" in seat.table_lines()[0]
        assert style_of(seat.table, "morning").italic


@pytest.mark.parametrize("keys", [[], ["w"], ["question_mark"]], ids=["table", "wall", "help"])
async def test_a_theme_that_changes_one_colour_changes_it_everywhere(
    open_desk: DeskFactory, keys: list[str]
) -> None:
    """Also in widgets drawn before and below a dialog, although no style sheet has the colour."""
    async with open_desk(one()) as seat:
        await seat.press(*keys)
        seat.desk.register_theme(replace(DARK, name="other", warning="#0102fe", error="#0201fe"))
        seat.desk.theme = "other"
        await seat.pilot.pause()
        screens = [seat.desk.screen, seat.desk.screen_stack[0]]
        drawn = [widget for screen in screens for widget in screen.query(StyledWidget)]
        painted = [widget.render_lines(widget.size.region) for widget in drawn]
        for widget in drawn:
            widget.refresh()

        assert painted == [widget.render_lines(widget.size.region) for widget in drawn]
