"""How well a colour is told from its ground, as the guidelines for accessible content count it."""

from collections.abc import Sequence

from textual.color import Color

STEPS = 50


def contrast(one: Color, other: Color) -> float:
    """From 1, none, to 21, black on white: WCAG 2, the ratio of relative luminances."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def dimmed(text: Color, grounds: Sequence[Color], least: float) -> Color:
    """The text's colour as near to the first ground as is still told so well from all of them.

    Where even the text itself is not, it stays what it is.
    """
    for step in range(1, STEPS):
        color = grounds[0].blend(text, step / STEPS)
        if all(contrast(color, ground) >= least for ground in grounds):
            return color
    return text


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part) for part in color.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
