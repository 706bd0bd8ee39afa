"""Sound whose every part can be told from the others, and what is left of it in PCM.

A recording of tones has another tone in each half second, so a loss, a shift or a repetition shows
wherever it is. Tones pass every codec for telephones.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

Samples = np.ndarray[Any, np.dtype[Any]]

TONE_S = 0.5
MAX_TONES = 12
_FREQUENCIES_HZ = 400 * 1.17 ** np.arange(MAX_TONES)
_LEVEL = 0.3
_WINDOW_S, _HOP_S = 0.025, 0.01
_MIN_SHARE = 0.4
"""The least share of a window's energy that makes its tone count."""
_MIN_LEVEL = 0.01
_MAX_CRACKLE_S = 0.08
"""Two pieces of a tone that are closer than this are one, because codecs for speech distort it."""


@dataclass(frozen=True, slots=True)
class HeardTone:
    """A tone that was found in PCM."""

    index: int
    start_s: float
    end_s: float


def tones(count: int, rate: int) -> Samples:
    """The first ``count`` tones, one after the other, as floats at ``rate`` Hz."""
    frames = round(TONE_S * rate)
    # One phase runs through all tones: a jump would be a click, which codecs smear.
    steps = np.repeat(_FREQUENCIES_HZ[:count], frames) / rate
    return _LEVEL * np.sin(2 * np.pi * np.cumsum(steps))


def heard_tones(pcm: bytes, rate: int) -> list[HeardTone]:
    """The tones in mono PCM16, in order; silence and noise between them are left out."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    size, hop = round(_WINDOW_S * rate), round(_HOP_S * rate)
    if len(samples) < size:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop] * np.hanning(size)
    energies = np.einsum("ij,ij->i", windows, windows)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(size) / rate, _FREQUENCIES_HZ))
    tone_energies = np.abs(windows @ waves) ** 2 / (size / 2)
    best = tone_energies.argmax(axis=1)
    # A tone that fills a window gives about 0.67 of its energy here, because of the window's shape.
    shares = tone_energies[np.arange(len(best)), best] / np.maximum(energies, 1e-12)
    is_tone = (shares > _MIN_SHARE) & (energies > _MIN_LEVEL**2 * size / 4)
    labels = np.where(is_tone, best, -1)
    heard: list[HeardTone] = []
    position = 0
    for label, group in groupby(labels.tolist()):
        count = len(list(group))
        if label >= 0 and count > 2:  # shorter ones are the passage between two tones
            middle = size / rate / 2
            start = position * _HOP_S + middle if position else 0.0
            end = (position + count) * _HOP_S + middle
            if heard and heard[-1].index == label and start - heard[-1].end_s < _MAX_CRACKLE_S:
                start = heard.pop().start_s
            heard.append(HeardTone(label, start, end))
        position += count
    return heard
