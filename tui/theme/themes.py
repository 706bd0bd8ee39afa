"""The desk's themes: dark, light, high contrast, and one in the terminal's own colours.

Text contrast is at least 4.5:1 in the dark and light themes, and 7:1 in high contrast.
"""

from dataclasses import replace

from textual.app import App
from textual.theme import BUILTIN_THEMES, Theme

from tui.theme.roles import MIN_CONTRAST_VARIABLE


def _variables(
    background: str, border: str, hover: str, min_contrast: float = 4.5
) -> dict[str, str]:
    """Theme variables for borders, hovered rows and `MIN_CONTRAST_VARIABLE`."""
    grounds = ("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active")
    return {
        MIN_CONTRAST_VARIABLE: str(min_contrast),
        "border": border,
        "scrollbar": border,
        "scrollbar-hover": hover,
        "scrollbar-active": hover,
        "scrollbar-corner-color": background,
        "input-selection-background": f"{hover} 60%",
        **dict.fromkeys(grounds, background),
    }


DARK = Theme(
    name="paceline",
    dark=True,
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
    variables=_variables("#12151a", "#3a4350", "#4a5666"),
)

LIGHT = Theme(
    name="paceline-light",
    dark=False,
    primary="#1f5c94",
    secondary="#4d6f8f",
    accent="#7d5a17",
    foreground="#23272e",
    background="#faf8f4",
    surface="#f0ede6",
    panel="#e4e0d6",
    success="#286632",
    warning="#7c5400",
    error="#a8322d",
    variables=_variables("#faf8f4", "#b9b4a8", "#8d887c"),
)

HIGH_CONTRAST = Theme(
    name="paceline-contrast",
    dark=True,
    primary="#5cd6ff",
    secondary="#5cd6ff",
    accent="#ffd75f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    success="#5fff87",
    warning="#ffd75f",
    error="#ff9c9c",
    variables=_variables("#000000", "#ffffff", "#ffff00", min_contrast=7.0),
)

ANSI = replace(
    BUILTIN_THEMES["ansi-dark"],
    name="paceline-ansi",
    primary="ansi_cyan",  # blue is hard to read on black
    secondary="ansi_cyan",
)

THEMES = (DARK, LIGHT, HIGH_CONTRAST, ANSI)

_ANSI_FALLBACKS = {DARK.name: ANSI.name, LIGHT.name: "ansi-light", HIGH_CONTRAST.name: ANSI.name}
"""On terminals with 16 colours, the shades of other Paceline themes would look the same."""


def set_theme(app: App[None], theme: str) -> None:
    """Registers Paceline's themes and activates ``theme``, which may be one of Textual's."""
    for own in THEMES:
        app.register_theme(own)
    app.theme = theme


def theme_for_terminal(theme: str, color_system: str | None) -> str:
    """Chooses a theme for a terminal; ``color_system``: one of Rich's names."""
    return _ANSI_FALLBACKS.get(theme, theme) if color_system == "standard" else theme
