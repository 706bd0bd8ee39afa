"""What doctor says of the terminal."""

import os
from collections.abc import Mapping

import pytest

from tui.doctor.finding import Finding, State
from tui.doctor.terminal import check_terminal
from tui.terminal.queries import TerminalAnswers

XTERM = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
ALL = TerminalAnswers(answered=True, wide_cells=2, has_kitty_keys=True, has_mouse=True)


def findings(
    answers: TerminalAnswers | None = ALL,
    environment: Mapping[str, str] = XTERM,
    *,
    encoding: str = "utf-8",
    size: tuple[int, int] = (120, 34),
) -> dict[str, Finding]:
    found = check_terminal(answers, encoding, os.terminal_size(size), environment)
    return {finding.name: finding for finding in found}


def test_a_good_terminal_lacks_nothing() -> None:
    """With its size."""
    found = findings()

    assert {finding.state for finding in found.values()} == {State.OK}
    assert found["terminal"].summary == "xterm-256color, 120×34"
    assert found["colours"].summary == "16 million"


def test_without_a_terminal_only_the_desk_is_missing() -> None:
    """Recordings can be streamed all the same."""
    assert [State.MISSING] == [finding.state for finding in findings(None).values()]


@pytest.mark.parametrize(
    ("answers", "environment", "name", "state", "words"),
    [
        (ALL, {"TERM": "dumb"}, "terminal", State.WARNING, "dumb"),
        (ALL, {"TERM": "xterm"}, "colours", State.WARNING, "16"),
        (ALL, {"TERM": "screen-256color"}, "colours", State.OK, "256"),
        (ALL, {**XTERM, "NO_COLOR": "1"}, "colours", State.OK, "NO_COLOR"),
        (ALL, {**XTERM, "TMUX": "/tmp/tmux"}, "clipboard", State.OK, "tmux"),
        (ALL, {**XTERM, "STY": "1.pts"}, "clipboard", State.MISSING, "screen"),
        (TerminalAnswers(), XTERM, "mouse", State.MISSING, "does not answer"),
        (TerminalAnswers(True, 1), XTERM, "unicode", State.WARNING, "1 cells instead of 2"),
        (TerminalAnswers(True, 2), XTERM, "kitty keys", State.MISSING, "none"),
    ],
)
def test_what_a_terminal_lacks_is_named(
    answers: TerminalAnswers,
    environment: Mapping[str, str],
    name: str,
    state: State,
    words: str,
) -> None:
    """With what mends it, if anything does."""
    finding = findings(answers, environment)[name]

    assert (state, True) == (finding.state, words in finding.summary)


def test_an_encoding_without_our_symbols_is_a_warning() -> None:
    """And a small window."""
    assert findings(encoding="ascii")["unicode"].state is State.WARNING
    assert findings(size=(60, 20))["terminal"].state is State.WARNING
