"""What the terminal can show and tell."""

import os
from collections.abc import Iterator, Mapping

from tui.doctor.finding import Finding, State, Topic
from tui.terminal.queries import TerminalAnswers
from tui.theme.symbols import UNICODE, symbols_for

DUMB_TERMS = frozenset({"", "dumb", "unknown"})


def check_terminal(
    answers: TerminalAnswers | None,
    encoding: str | None,
    size: os.terminal_size | None,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Finding]:
    """``answers``: None without a terminal; the desk needs one, other commands do not."""
    term = environment.get("TERM", "")
    if answers is None:
        text = "no terminal: “run” works, the desk does not"
        yield Finding(Topic.TERMINAL, "terminal", State.MISSING, text)
        return
    shape = f", {size.columns}×{size.lines}" if size is not None else ""
    name = environment.get("TERM_PROGRAM", "")
    text = f"{term or 'no TERM'}{f' in {name}' if name else ''}{shape}"
    is_small = size is not None and (size.columns < 80 or size.lines < 24)
    if term in DUMB_TERMS:
        remedy = "Set TERM to what the terminal is, such as xterm-256color"
        yield Finding(Topic.TERMINAL, "terminal", State.WARNING, text, remedy)
        return
    yield Finding(
        Topic.TERMINAL,
        "terminal",
        State.WARNING if is_small else State.OK,
        text,
        "Enlarge the window to 80×24 or more" if is_small else "",
        {"term": term, "program": name},
    )
    yield _colours(term, environment)
    yield _unicode(answers, encoding)
    if answers.answered:
        if answers.has_mouse is not None:
            yield _ability("mouse", answers.has_mouse, "clicks and the wheel work")
        kitty = "Ctrl+Enter and other combinations are distinguished"
        yield _ability("kitty keys", answers.has_kitty_keys, kitty)
    else:
        text = "the terminal does not answer, so mouse and keys are unknown"
        yield Finding(Topic.TERMINAL, "mouse", State.MISSING, text)
    yield _clipboard(environment)


def _colours(term: str, environment: Mapping[str, str]) -> Finding:
    if environment.get("NO_COLOR"):
        return Finding(Topic.TERMINAL, "colours", State.OK, "none, because NO_COLOR is set")
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Finding(Topic.TERMINAL, "colours", State.OK, "16 million")
    if "256color" in term:
        return Finding(
            Topic.TERMINAL,
            "colours",
            State.OK,
            "256, as TERM says",
            "export COLORTERM=truecolor, if the terminal has more",
        )
    text, remedy = "16, as TERM says", "export TERM=xterm-256color, if the terminal has more"
    return Finding(Topic.TERMINAL, "colours", State.WARNING, text, remedy)


def _unicode(answers: TerminalAnswers, encoding: str | None) -> Finding:
    if symbols_for(encoding) is not UNICODE:
        text = f"the encoding is {encoding or 'unknown'}, so everything is drawn in ASCII"
        return Finding(Topic.TERMINAL, "unicode", State.WARNING, text, "export LC_ALL=C.UTF-8")
    values = {"encoding": encoding, "wide_cells": answers.wide_cells}
    if answers.wide_cells not in (None, 2):
        text = f"wide characters take {answers.wide_cells} cells instead of 2: rows may break"
        remedy = "Choose a font or a setting with East Asian wide characters"
        return Finding(Topic.TERMINAL, "unicode", State.WARNING, text, remedy, values)
    known = "" if answers.wide_cells is None else ", and wide characters take two cells"
    return Finding(Topic.TERMINAL, "unicode", State.OK, f"UTF-8{known}", "", values)


def _ability(name: str, is_there: bool, text: str) -> Finding:
    state = State.OK if is_there else State.MISSING
    return Finding(Topic.TERMINAL, name, state, text if is_there else "the terminal has none")


def _clipboard(environment: Mapping[str, str]) -> Finding:
    """Terminals do not tell whether OSC 52 sets the clipboard: some ask the user, some never do."""
    if environment.get("TMUX"):
        remedy = "tmux set -g set-clipboard on"
        return Finding(
            Topic.TERMINAL, "clipboard", State.OK, "through tmux, if it is allowed to", remedy
        )
    if environment.get("STY"):
        text = "screen passes no copied text on to the terminal"
        return Finding(Topic.TERMINAL, "clipboard", State.MISSING, text, "Use tmux instead")
    text = "copied text is sent to the terminal (OSC 52), which may refuse it"
    return Finding(Topic.TERMINAL, "clipboard", State.OK, text)
