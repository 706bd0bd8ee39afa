"""Measures the level of audio, which shows the user whether it contains speech."""

import math

import numpy as np

FLOOR_DB = -99
"""The level reported for silence, whose true level is minus infinity."""


def rms_dbfs(pcm: bytes) -> int:
    """The root mean square of 16-bit samples in dB of full scale, from `FLOOR_DB` to 0."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    # Not np.dot, whose library would start threads in every session for a long chunk.
    power = float(np.einsum("i,i->", samples, samples)) / max(len(samples), 1)
    if power <= 0.0:
        return FLOOR_DB
    return max(FLOOR_DB, min(0, round(20 * math.log10(math.sqrt(power) / 32768))))
