"""What each role of a piece of text looks like, in any theme."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import TypeAlias

from rich.style import Style
from textual.color import Color, ColorParseError

from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.theme import contrast
from tui.theme.symbols import Symbols


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
    FOUND = auto()
    """Words that were searched for."""
    HERE = auto()
    """The place of them that is looked at."""
    ALARM = auto()
    """A line that must not be missed: leaving, held."""

    __hash__ = object.__hash__  # an enumeration's own is slow, and every piece asks for it


LEGIBLE = "legible"
"""The variable of a theme that says how far text stands out from its ground, as WCAG counts it."""

CURSOR = 0.2
"""How much of the primary colour is in the current row's ground."""

Piece: TypeAlias = tuple[str, Role]
Line: TypeAlias = list[Piece]


class Look:
    """Signs, colours and keys as they are now; widgets ask it whenever they draw."""

    def __init__(self, symbols: Symbols, keys: Keymap | None = None) -> None:
        self.symbols = symbols
        self.keys = keys or Keymap()
        self.styles: Mapping[Role, Style] = dict.fromkeys(Role, Style())
        self.cursor = Style(reverse=True)
        self._over: dict[Style, Mapping[Role, Style]] = {}

    def key(self, scope: Scope, action: str) -> str:
        """What is pressed there for it, for a sentence."""
        return self.keys.brief(scope, action).translate(self.symbols.arrows)

    def use(self, variables: Mapping[str, str]) -> None:
        """Takes the colours of a theme."""
        tints = _tints(variables)
        self.styles = _styles(tints)
        self.cursor = Style(bgcolor=tints["cursor"].rich_color)
        self._over.clear()

    def over(self, base: Style) -> Mapping[Role, Style]:
        """The styles upon another, added up once for all the pieces that are drawn so."""
        if base not in self._over:
            self._over[base] = {role: base + style for role, style in self.styles.items()}
        return self._over[base]


def _tints(variables: Mapping[str, str]) -> Mapping[str, Color]:
    names = ("foreground", "background", "primary", "accent", "success", "warning", "error")
    tints = {name: _parsed(variables, name) for name in names}
    text, ground = tints["foreground"], tints["background"]
    blend = text.ansi is None and ground.ansi is None
    tints["cursor"] = (
        ground.blend(tints["primary"], CURSOR) if blend else Color.parse("ansi_bright_black")
    )
    grounds = (ground, _parsed(variables, "surface"), tints["cursor"])
    legible = float(variables.get(LEGIBLE, 4.5))
    tints["muted"] = contrast.dimmed(text, grounds, legible) if blend else text
    tints["faint"] = contrast.dimmed(text, grounds, legible * 2 / 3) if blend else text
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
        Role.FOUND: style("warning") + Style(underline=True),
        Role.HERE: style("warning", bold=True) + Style(reverse=True),
        Role.ALARM: style("warning", bold=True),
    }
