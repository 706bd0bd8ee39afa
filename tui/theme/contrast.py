"""Contrast between colours, as the Web Content Accessibility Guidelines define it."""

from collections.abc import Sequence

from textual.color import Color

BLEND_STEPS = 50


def contrast_ratio(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2, from 1 (none) to 21 (black on white)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def dimmed_color(text: Color, backgrounds: Sequence[Color], min_contrast: float) -> Color:
    """Blends the text's colour into the first background as far as the contrast to all allows.

    A text whose own contrast is too low keeps its colour.
    """
    for step in range(1, BLEND_STEPS):
        color = backgrounds[0].blend(text, step / BLEND_STEPS)
        if all(contrast_ratio(color, ground) >= min_contrast for ground in backgrounds):
            return color
    return text


def _luminance(color: Color) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
