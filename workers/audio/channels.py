"""How the channels of a recording are added up, so that speech in any of them survives.

The mean of all channels is right for most recordings. It silences two channels that are each
other's inverse, and it makes one voice quiet among silent channels. A few seconds from all over the
recording show this. What they show is kept with the recording, so every attempt sends the same
samples. No weight is 0, because a channel may hold speech in places that were not looked at.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

from workers.audio.reader import MAX_BLOCK_SAMPLES, SampleBlock, open_reader
from workers.audio.recording import ChannelMix, Recording
from workers.errors import Unreadable

Channel: TypeAlias = "np.ndarray[Any, np.dtype[np.floating[Any]]]"
"""The samples of one channel."""

_WINDOWS, _WINDOW_S = 8, 0.25

# Levels are root mean squares; 1 is full scale.
_MIN_AUDIBLE_LEVEL = 10 ** (-60 / 20)
_MIN_VOICE_LEVEL = 10 ** (-80 / 20)
_MIN_VOICE_SWING = 4.0
"""How many times louder than its pauses a voice is, in level; steady noise is not."""
_FRAME_S = 0.02
_SILENT_SHARE = 10 ** (-26 / 20)
"""A channel whose level is a smaller share of the loudest one's is silent, or must be amplified."""
_MAX_GAIN = 10.0
_MIN_CONSTANT = 0.005
"""The least constant of a silent channel that is taken out, because it would shift the mix."""

_ANALYSIS_RATE_HZ = 12000
_MAX_DELAY_S = 0.005
"""Channels are compared with delays up to this, which sound takes between distant microphones."""
_MIN_LIKENESS = 0.4
"""Correlation from which on two channels hold one sound, or a sound and its inverse."""
_INVERSE_LIKENESS = -0.8
"""Correlation up to which they hold nothing else."""
_CLEAR_INVERSE_LIKENESS = -0.7
"""Correlation up to which a piece is inverse although others are not; echoes reach less."""
_MIN_INVERSE_SHARE = 0.1
"""The share of the sound that must be inverse; less is an echo."""
_MIN_SPEECH_SHARE = 0.35
"""A piece whose level is a smaller share of the recording's is a pause."""

_SURROUND_WEIGHTS = {
    6: (1.0, 1.0, 1.414, 0.707, 0.707, 0.707),
    8: (1.0, 1.0, 1.414, 0.707, 0.707, 0.707, 0.707, 0.707),
}
"""By the number of channels, in the order of WAV files: the centre holds speech, so it counts most
(ITU-R BS.775-4, annex 4). The fourth is for effects, but some recorders put a microphone there."""


class _Relation(Enum):
    """What a channel is to the loudest one."""

    NORMAL = "normal"
    SILENT = "silent"
    QUIET = "a voice that is much quieter"
    INVERSE = "the inverse"
    MOSTLY_INVERSE = "the inverse and something else"
    PARTLY_INVERSE = "the inverse in some places"


_FACTORS = {
    _Relation.NORMAL: 1.0,
    _Relation.SILENT: 1.0,
    _Relation.QUIET: 1.0,
    _Relation.INVERSE: -1.0,
    # With unequal weights, nothing cancels: neither what is alike in both nor what is inverse.
    _Relation.MOSTLY_INVERSE: -0.5,
    _Relation.PARTLY_INVERSE: 0.25,  # nearly the same level in both kinds of places
}


def with_mix(recording: Recording) -> Recording:
    """Looks at the channels of a recording; returns it with its mix and warnings about them."""
    options = recording.options
    if recording.channels == 1 or options.channel is not None or options.speakers:
        return recording
    # What thinning out folds is alike in all channels, so their relations stay.
    step = max(1, recording.rate // _ANALYSIS_RATE_HZ)
    windows = []
    with suppress(Unreadable):  # a place is damaged; the others tell enough
        for window in _windows(recording):
            windows.append(window[::step].copy())  # frees the rest
    mix, warnings = choose_mix(windows, recording.rate // step)
    return replace(recording, mix=mix, warnings=(*recording.warnings, *warnings))


def choose_mix(
    windows: Sequence[SampleBlock], rate: int
) -> tuple[ChannelMix | None, tuple[str, ...]]:
    """Chooses how to add up channels; None is the plain mean. Also returns what to warn of.

    ``windows``: pieces of a recording, samples × channels as floats; ``rate`` in Hz.
    """
    windows = [
        np.clip(np.nan_to_num(window), -1.0, 1.0)
        for window in windows
        if len(window) > rate * _MAX_DELAY_S
    ]
    if not windows:
        return None, ()
    means = np.concatenate(windows).mean(axis=0, dtype=np.float64)
    windows = [window - means for window in windows]
    levels = _level(np.concatenate(windows))
    # The first of those that are about as loud, so that a stereo file's is nearly always the left.
    loudest, count = int((levels > 0.7 * levels.max()).argmax()), len(levels)
    if levels[loudest] < _MIN_AUDIBLE_LEVEL:
        return None, ()
    relations = [
        _Relation.NORMAL
        if channel == loudest
        else _relation([window[:, [loudest, channel]] for window in windows], rate)
        for channel in range(count)
    ]
    is_silent = np.array([relation is _Relation.SILENT for relation in relations])
    weights = np.array([_FACTORS[relation] for relation in relations])
    weights *= _SURROUND_WEIGHTS.get(count, (1.0,) * count)
    weights /= np.abs(weights[~is_silent]).sum()
    for channel, relation in enumerate(relations):
        if relation is _Relation.QUIET:
            weights[channel] *= min(_MAX_GAIN, levels[loudest] / levels[channel])
    if np.allclose(weights, 1 / count):
        return None, ()
    constant = (weights * means)[is_silent & (np.abs(means) > _MIN_CONSTANT)].sum()
    mix = ChannelMix(tuple(weights.round(4).tolist()), round(float(constant), 6))
    return mix, tuple(_warnings(relations, loudest, levels))


def _windows(recording: Recording) -> Iterator[SampleBlock]:
    """Yields pieces from all over what is streamed of a recording."""
    size, first = round(_WINDOW_S * recording.rate), recording.start_seconds * recording.rate
    step = recording.part_seconds * recording.rate / _WINDOWS
    centres = [first + (number + 0.5) * step for number in range(_WINDOWS)]
    starts = [round(centre - min(size, step) / 2) for centre in centres]
    with open_reader(recording) as reader:
        yield from reader.iter_pieces(
            starts, max(1, min(size, MAX_BLOCK_SAMPLES // reader.channels))
        )


def _relation(pairs: Sequence[SampleBlock], rate: int) -> _Relation:
    """What the second of two channels is to the first."""
    both = np.concatenate(pairs)
    levels = _level(both)
    likeness = np.array([_likeness(pair, rate) for pair in pairs])
    # How much each piece counts: pauses, whose noise has relations of its own, do not.
    loudness = np.array([np.sqrt(np.prod(_level(pair))) for pair in pairs])
    loudness[loudness < _MIN_SPEECH_SHARE * np.sqrt(np.prod(levels))] = 0.0
    if levels[1] < _SILENT_SHARE * levels[0]:
        is_copy = np.average(np.abs(likeness), weights=loudness + 1e-12) >= _MIN_LIKENESS
        is_voice = not is_copy and _is_voice(both[:, 1], rate)
        return _Relation.QUIET if is_voice else _Relation.SILENT
    is_inverse = likeness <= -_MIN_LIKENESS
    least = _MIN_INVERSE_SHARE * loudness.sum()
    if loudness[is_inverse].sum() <= least:
        return _Relation.NORMAL
    if loudness[likeness >= _MIN_LIKENESS].sum() > least:
        is_clear = loudness[likeness <= _CLEAR_INVERSE_LIKENESS].sum() > least
        return _Relation.PARTLY_INVERSE if is_clear else _Relation.NORMAL
    mean = np.average(likeness[is_inverse], weights=loudness[is_inverse])
    return _Relation.INVERSE if mean <= _INVERSE_LIKENESS else _Relation.MOSTLY_INVERSE


def _likeness(pair: SampleBlock, rate: int) -> float:
    """The correlation of two channels at the delay where they are most alike; -1 for an inverse."""
    # High frequencies tell the delay, because those of a voice repeat themselves less.
    one, other = np.diff(pair, axis=0).T
    delay = round(_MAX_DELAY_S * rate)
    size = 1 << (len(one) + delay).bit_length()  # quick to transform, and long enough for a delay
    products = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    near = np.concatenate([products[-delay:], products[: delay + 1]])
    shift = int(np.abs(near).argmax()) - delay
    overlap = len(pair) - abs(shift)
    one, other = pair[max(0, shift) :][:overlap, 0], pair[max(0, -shift) :][:overlap, 1]
    energy = float(np.sqrt(np.sum(one * one) * np.sum(other * other)))
    return float(np.sum(one * other)) / max(energy, 1e-12)


def _is_voice(samples: Channel, rate: int) -> bool:
    """Whether a channel is loud at times and quiet at others."""
    frame = max(1, round(_FRAME_S * rate))
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    if not len(frames):
        return False
    quiet, loud = np.percentile(_level(frames.T), [20, 90])
    return bool(loud > max(_MIN_VOICE_LEVEL, _MIN_VOICE_SWING * quiet))


def _level(samples: Channel) -> Channel:
    """The RMS of each column, or of one channel."""
    level: Channel = np.sqrt(np.mean(np.square(samples, dtype=np.float64), axis=0))
    return level


def _warnings(relations: Sequence[_Relation], loudest: int, levels: Channel) -> Iterator[str]:
    """Yields a sentence for each channel that does not simply count. Silent channels are usual in
    surround sound."""
    names = ("left", "right") if len(relations) == 2 else ()
    for channel, relation in enumerate(relations):
        name, other = (
            f"the {names[n]} channel" if names else f"channel {n + 1}" for n in (channel, loudest)
        )
        match relation:
            case _Relation.SILENT if names:
                yield f"{name} seems silent, so {other} is sent at its full level"
            case _Relation.QUIET:
                quieter = 20 * np.log10(levels[loudest] / levels[channel])
                yield f"{name} is {quieter:.0f} dB quieter than {other}, so it is amplified"
            case _Relation.INVERSE | _Relation.MOSTLY_INVERSE:
                yield f"{name} is the inverse of {other}, so it is inverted before mixing"
            case _Relation.PARTLY_INVERSE:
                yield f"in places {name} is the inverse of {other}, so it counts little in the mix"
