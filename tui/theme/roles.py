"""The roles of text, and the style of each role in the current theme."""

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
    """What a piece of text means; the theme decides how it looks."""

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
    SUCCESS = auto()
    WARNING = auto()
    ERROR = auto()
    MATCH = auto()
    """Words that match a search."""
    CURRENT_MATCH = auto()
    """The current match."""
    ALARM = auto()
    """Something the user must not miss: leaving, held."""

    __hash__ = object.__hash__  # an enumeration's own is slow, and every piece asks for it


MIN_CONTRAST_VARIABLE = "legible"
"""The theme variable with the contrast of dimmed text, as a WCAG ratio."""

CURSOR_BLEND = 0.2
"""The share of the primary colour in the background of the current row."""

StyledText: TypeAlias = tuple[str, Role]
StyledLine: TypeAlias = list[StyledText]


class Look:
    """The current symbols, styles and keys; widgets read them whenever they draw."""

    def __init__(self, symbols: Symbols, keymap: Keymap | None = None) -> None:
        self.symbols = symbols
        self.keymap = keymap or Keymap()
        self.styles: Mapping[Role, Style] = dict.fromkeys(Role, Style())
        self.cursor_style = Style(reverse=True)
        self._styles_by_base: dict[Style, Mapping[Role, Style]] = {}

    def key_hint(self, scope: Scope, action: str) -> str:
        """The shortest key for an action, for a sentence."""
        return self.keymap.short_key_display(scope, action).translate(self.symbols.arrow_key_names)

    def apply_theme(self, variables: Mapping[str, str]) -> None:
        """Takes the colours of a theme."""
        tints = _theme_colors(variables)
        self.styles = _role_styles(tints)
        self.cursor_style = Style(bgcolor=tints["cursor"].rich_color)
        self._styles_by_base.clear()

    def styles_over(self, base: Style) -> Mapping[Role, Style]:
        """The styles on top of another one, combined once for all pieces."""
        if base not in self._styles_by_base:
            self._styles_by_base[base] = {role: base + style for role, style in self.styles.items()}
        return self._styles_by_base[base]


def _theme_colors(variables: Mapping[str, str]) -> Mapping[str, Color]:
    names = ("foreground", "background", "primary", "accent", "success", "warning", "error")
    tints = {name: _parse_color(variables, name) for name in names}
    text, ground = tints["foreground"], tints["background"]
    blend = text.ansi is None and ground.ansi is None
    tints["cursor"] = (
        ground.blend(tints["primary"], CURSOR_BLEND) if blend else Color.parse("ansi_bright_black")
    )
    grounds = (ground, _parse_color(variables, "surface"), tints["cursor"])
    legible = float(variables.get(MIN_CONTRAST_VARIABLE, 4.5))
    tints["muted"] = contrast.dimmed_color(text, grounds, legible) if blend else text
    tints["faint"] = contrast.dimmed_color(text, grounds, legible * 2 / 3) if blend else text
    return tints


def _parse_color(variables: Mapping[str, str], name: str) -> Color:
    try:
        return Color.parse(variables[name])
    except (KeyError, ColorParseError):
        return Color.parse("ansi_default")


def _role_styles(colors: Mapping[str, Color]) -> Mapping[Role, Style]:
    def style(tint: str, *, bold: bool = False, italic: bool = False, dim: bool = False) -> Style:
        color = colors[tint].rich_color
        return Style(color=color, bold=bold or None, italic=italic or None, dim=dim or None)

    ansi = colors["foreground"].ansi is not None
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
        Role.SUCCESS: style("success"),
        Role.WARNING: style("warning"),
        Role.ERROR: style("error"),
        Role.MATCH: style("warning") + Style(underline=True),
        Role.CURRENT_MATCH: style("warning", bold=True) + Style(reverse=True),
        Role.ALARM: style("warning", bold=True),
    }
