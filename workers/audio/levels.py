"""How loud audio is that is sent: so that one sees whether there is speech in it."""

import math

import numpy as np

FLOOR_DB = -99
"""Stands for silence, which has no level."""

_FULL_SCALE = 32768.0


def rms_dbfs(pcm: bytes) -> int:
    """The level of 16-bit samples: their root mean square in dB of full scale, 0 at the most."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    # Not np.dot: for a long chunk its library would start threads, in each session its own.
    power = float(np.einsum("i,i->", samples, samples)) / max(len(samples), 1)
    if power <= 0.0:
        return FLOOR_DB
    return max(FLOOR_DB, min(0, round(20 * math.log10(math.sqrt(power) / _FULL_SCALE))))
