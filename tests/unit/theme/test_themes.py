"""Every piece of text can be read, in each of our themes and on each ground."""

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from tui.config.settings import PACELINE_THEMES
from tui.theme.roles import MIN_CONTRAST_VARIABLE, Look, Role, contrast_ratio, dimmed_color
from tui.theme.symbols import UNICODE
from tui.theme.themes import ANSI, DARK, HIGH_CONTRAST, LIGHT, THEMES, theme_for_terminal


def colours(theme: Theme) -> tuple[Look, dict[str, Color]]:
    """What the desk makes of a theme, and the grounds on which it writes."""
    variables = {**theme.to_color_system().generate(), **theme.variables}
    look = Look(UNICODE)
    look.apply_theme(variables)
    grounds = {name: Color.parse(variables[name]) for name in ("background", "surface")}
    assert look.cursor_style.bgcolor is not None
    return look, {**grounds, "cursor": Color.from_rich_color(look.cursor_style.bgcolor)}


def test_black_on_white_is_the_most_there_is() -> None:
    """21 to 1; and a colour is not told from itself. The grey is an example of the guidelines'."""
    black, white = Color.parse("#000000"), Color.parse("#ffffff")

    assert 21.0 == pytest.approx(contrast_ratio(white, black))
    assert 1.0 == contrast_ratio(white, white)
    assert 4.54 == pytest.approx(contrast_ratio(Color.parse("#767676"), white), abs=0.01)


@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=lambda theme: theme.name)
@pytest.mark.parametrize("role", Role)
def test_our_themes_can_be_read(theme: Theme, role: Role) -> None:
    """4.5 to 1 in every role, and 7 to 1 in the theme of high contrast."""
    look, grounds = colours(theme)
    least = 7.0 if theme is HIGH_CONTRAST else 4.5
    color = look.styles[role].color
    assert color is not None
    for name, ground in grounds.items():
        assert contrast_ratio(Color.from_rich_color(color), ground) >= least, name


def test_sixteen_colours_have_themes_of_their_own() -> None:
    """The current row is visible in these themes; a theme of the user's choice stays."""
    assert (
        "paceline-ansi"
        == theme_for_terminal("paceline", "standard")
        == theme_for_terminal(HIGH_CONTRAST.name, "standard")
    )
    assert "ansi-light" == theme_for_terminal("paceline-light", "standard")
    assert "nord" == theme_for_terminal("nord", "standard")
    assert (
        "paceline"
        == theme_for_terminal("paceline", "truecolor")
        == theme_for_terminal("paceline", None)
    )
    (look, _) = colours(ANSI)
    grounds = {look.cursor_style.bgcolor, Color.parse(ANSI.background or "").rich_color}
    assert not grounds & {style.color for style in look.styles.values() if not style.dim} - {
        Color.parse("ansi_default").rich_color
    }


def test_our_themes_are_a_dark_a_light_and_one_of_high_contrast() -> None:
    """There is also one in the terminal's colours; all have the names used in settings."""
    assert PACELINE_THEMES == tuple(theme.name for theme in THEMES)
    assert (True, False) == (DARK.dark, LIGHT.dark)
    assert "7.0" == HIGH_CONTRAST.variables[MIN_CONTRAST_VARIABLE]


@pytest.mark.parametrize("name", [name for name in BUILTIN_THEMES if "ansi" not in name])
def test_other_themes_are_dimmed_no_further_than_can_be_read(name: str) -> None:
    """What a theme's own text does not reach, nobody can; what it does, its muted text keeps."""
    look, grounds = colours(BUILTIN_THEMES[name])
    text, muted = (look.styles[role].color for role in (Role.TEXT, Role.MUTED))
    assert text is not None
    assert muted is not None
    for ground in grounds.values():
        reached = min(
            contrast_ratio(Color.from_rich_color(text), each) for each in grounds.values()
        )
        assert contrast_ratio(Color.from_rich_color(muted), ground) >= min(4.5, reached) - 0.1


def test_a_text_that_nobody_can_read_is_not_made_dimmer() -> None:
    """A text whose contrast is too low keeps its colour."""
    grey, ground = Color.parse("#808080"), Color.parse("#707070")

    assert grey == dimmed_color(grey, [ground], 4.5)
