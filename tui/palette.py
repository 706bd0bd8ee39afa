"""Colours: the desk's theme, and what each role of a piece of text looks like in any theme."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import TypeAlias

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from tui.symbols import Symbols

THEME = Theme(
    name="paceline",
    primary="#7aa2c9",
    secondary="#5b7a99",
    accent="#c9a26d",
    foreground="#d3d7de",
    background="#12151a",
    surface="#181c23",
    panel="#222832",
    success="#86b38a",
    warning="#d9b36a",
    error="#d8807c",
    dark=True,
    variables={
        "border": "#3a4350",
        "scrollbar": "#2c3440",
        "scrollbar-hover": "#3a4350",
        "scrollbar-active": "#4a5666",
        "scrollbar-background": "#12151a",
        "scrollbar-background-hover": "#12151a",
        "scrollbar-background-active": "#12151a",
        "scrollbar-corner-color": "#12151a",
        "input-selection-background": "#7aa2c9 30%",
    },
)


class Role(Enum):
    """What a piece of text is, to the eye."""

    TEXT = auto()
    STRONG = auto()
    MUTED = auto()
    FAINT = auto()
    BRAND = auto()
    HEADING = auto()
    KEY = auto()
    FINAL = auto()
    SETTLED = auto()
    """Words of an open turn that will not change."""
    PARTIAL = auto()
    """Words that may still be revised."""
    WAITING = auto()
    LIVE = auto()
    GOOD = auto()
    LATE = auto()
    BAD = auto()
    ALARM = auto()
    """A line that must not be missed: leaving, held."""


Piece: TypeAlias = tuple[str, Role]
Line: TypeAlias = list[Piece]


class Look:
    """Signs and colours as they are now; widgets ask it whenever they draw."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.styles: Mapping[Role, Style] = dict.fromkeys(Role, Style())
        self.cursor = Style(reverse=True)

    def use(self, variables: Mapping[str, str]) -> None:
        """Takes the colours of a theme."""
        tints = _tints(variables)
        self.styles = _styles(tints)
        self.cursor = Style(bgcolor=tints["cursor"].rich_color)


def _tints(variables: Mapping[str, str]) -> Mapping[str, Color]:
    names = ("foreground", "background", "primary", "accent", "success", "warning", "error")
    tints = {name: _parsed(variables, name) for name in names}
    text, ground = tints["foreground"], tints["background"]
    blend = text.ansi is None and ground.ansi is None
    tints["muted"] = ground.blend(text, 0.66) if blend else text
    tints["faint"] = ground.blend(text, 0.42) if blend else text
    tints["cursor"] = (
        ground.blend(tints["primary"], 0.2) if blend else Color.parse("ansi_bright_black")
    )
    return tints


def _parsed(variables: Mapping[str, str], name: str) -> Color:
    try:
        return Color.parse(variables[name])
    except (KeyError, ColorParseError):
        return Color.parse("ansi_default")


def _styles(tints: Mapping[str, Color]) -> Mapping[Role, Style]:
    def style(tint: str, *, bold: bool = False, italic: bool = False, dim: bool = False) -> Style:
        color = tints[tint].rich_color
        return Style(color=color, bold=bold or None, italic=italic or None, dim=dim or None)

    ansi = tints["foreground"].ansi is not None
    return {
        Role.TEXT: style("foreground"),
        Role.STRONG: style("foreground", bold=True),
        Role.MUTED: style("muted", dim=ansi),
        Role.FAINT: style("faint", dim=ansi),
        Role.BRAND: style("primary", bold=True),
        Role.HEADING: style("muted", dim=ansi),
        Role.KEY: style("primary", bold=True),
        Role.FINAL: style("foreground"),
        Role.SETTLED: style("foreground"),
        Role.PARTIAL: style("muted", italic=True, dim=ansi),
        Role.WAITING: style("muted", dim=ansi),
        Role.LIVE: style("primary"),
        Role.GOOD: style("success"),
        Role.LATE: style("warning"),
        Role.BAD: style("error"),
        Role.ALARM: style("warning", bold=True),
    }
