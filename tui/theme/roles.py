"""The roles of text, and the style of each role in the current theme."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import TypeAlias

from rich.style import Style
from textual.color import Color, ColorParseError

from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
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
    SETTLED = auto()  # words of an open turn that will not change
    PARTIAL = auto()  # words of an open turn that may still be revised
    WAITING = auto()
    LIVE = auto()
    SUCCESS = auto()
    WARNING = auto()
    ERROR = auto()
    MATCH = auto()
    CURRENT_MATCH = auto()
    WORD_CURSOR = auto()  # the word from which a recording would be played
    HEARD = auto()  # the word that is heard
    ALARM = auto()  # urgent notices: the desk is quitting, new starts are held

    __hash__ = object.__hash__  # Enum.__hash__ is slow, and runs for every drawn piece


MIN_CONTRAST_VARIABLE = "legible"
"""The theme variable that sets the minimum contrast of dimmed text, as a WCAG ratio."""

CURSOR_BLEND = 0.2
"""How much of the primary colour is blended into the current row's background, from 0 to 1."""

MUTED_FACTOR = 1.35
"""How much more contrast muted text has than faint text, which has the least that can be read."""

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
        """The shortest key of an action, as written in sentences."""
        return self.keymap.short_key_display(scope, action).translate(self.symbols.arrow_key_names)

    def apply_theme(self, variables: Mapping[str, str]) -> None:
        """Sets the styles from the variables of a theme."""
        colors = _theme_colors(variables)
        self.styles = _role_styles(colors)
        self.cursor_style = Style(bgcolor=colors["cursor"].rich_color)
        self._styles_by_base.clear()

    def styles_over(self, base: Style) -> Mapping[Role, Style]:
        """Combines every role's style with ``base``; cached, since all pieces use it."""
        if base not in self._styles_by_base:
            self._styles_by_base[base] = {role: base + style for role, style in self.styles.items()}
        return self._styles_by_base[base]


def _theme_colors(variables: Mapping[str, str]) -> Mapping[str, Color]:
    names = ("foreground", "background", "primary", "accent", "success", "warning", "error")
    colors = {name: _parse_color(variables, name) for name in names}
    text, ground = colors["foreground"], colors["background"]
    if text.ansi is not None or ground.ansi is not None:  # terminal colours cannot be blended
        cursor = Color.parse("ansi_bright_black")
        return {**colors, "cursor": cursor, "muted": text, "faint": text}
    cursor = ground.blend(colors["primary"], CURSOR_BLEND)
    grounds = (ground, _parse_color(variables, "surface"), cursor)
    contrast = float(variables.get(MIN_CONTRAST_VARIABLE, 4.5))
    muted = dimmed_color(text, grounds, contrast * MUTED_FACTOR)
    faint = dimmed_color(text, grounds, contrast)
    return {**colors, "cursor": cursor, "muted": muted, "faint": faint}


def _parse_color(variables: Mapping[str, str], name: str) -> Color:
    try:
        return Color.parse(variables[name])
    except (KeyError, ColorParseError):
        return Color.parse("ansi_default")


def _role_styles(colors: Mapping[str, Color]) -> Mapping[Role, Style]:
    def style(name: str, *, bold: bool = False, italic: bool = False, dim: bool = False) -> Style:
        color = colors[name].rich_color
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
        Role.WORD_CURSOR: style("primary") + Style(underline=True),
        Role.HEARD: style("primary", bold=True) + Style(reverse=True),
        Role.ALARM: style("warning", bold=True),
    }


# --- contrast, as defined by the Web Content Accessibility Guidelines


def contrast_ratio(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2, from 1 (none) to 21 (black on white)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def dimmed_color(text: Color, backgrounds: Sequence[Color], min_contrast: float) -> Color:
    """Blends the text's colour into the first background as far as ``min_contrast`` allows.

    The contrast must hold on every background. If it is too low already, the colour stays.
    """
    for percent in range(2, 100, 2):
        color = backgrounds[0].blend(text, percent / 100)
        if all(contrast_ratio(color, ground) >= min_contrast for ground in backgrounds):
            return color
    return text


def _luminance(color: Color) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
