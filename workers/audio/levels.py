"""Measures the level of audio, which shows the user whether it contains speech."""

import math
from collections.abc import Sequence

import numpy as np

FLOOR_DB = -99
"""The level reported for silence, whose true level is minus infinity."""


def rms_dbfs(pcm: bytes) -> int:
    """The root mean square of 16-bit samples in dB of full scale, from `FLOOR_DB` to 0."""
    return levels_dbfs([pcm])[0]


def levels_dbfs(blocks: Sequence[bytes]) -> list[int]:
    """`rms_dbfs` of each block. They are measured together if they are equally long, as that takes
    hardly more time than one."""
    if len(set(map(len, blocks))) != 1:
        return [rms_dbfs(pcm) for pcm in blocks]
    length = len(blocks[0]) // 2
    if not length:
        return [FLOOR_DB] * len(blocks)
    samples = np.frombuffer(b"".join(blocks), "<i2").astype(np.float32).reshape(-1, length)
    # Not np.dot, whose library would start threads in every session for a long chunk.
    squares = np.einsum("ij,ij->i", samples, samples)
    return [_dbfs(total / length) for total in squares.tolist()]


def _dbfs(power: float) -> int:
    if power <= 0.0:
        return FLOOR_DB
    return max(FLOOR_DB, min(0, round(20 * math.log10(math.sqrt(power) / 32768))))
