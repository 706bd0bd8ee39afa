"""Recordings as they sound after a telephone line."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy import signal

RATE_HZ = 8_000
BAND_HZ = (300, 3_400)
"""What a telephone transmits, as in ITU-T G.712."""

Waveform = npt.NDArray[np.float64]
"""Mono samples from -1 to 1."""


def telephone_line(
    samples: npt.NDArray[Any],
    rate: int,
    *,
    lead_s: float = 0.0,
    tail_s: float = 0.0,
    noise_db: float | None = None,
) -> Waveform:
    """Speech as it leaves a line at `RATE_HZ`, with so much silence before and after it.

    ``noise_db``: white noise on all of the line, so many dB below the speech; None: no noise.
    """
    speech = np.asarray(soxr.resample(samples.astype(np.float64), rate, RATE_HZ, "VHQ"))
    line = np.pad(speech, (round(lead_s * RATE_HZ), round(tail_s * RATE_HZ)))
    if noise_db is not None:
        level = np.sqrt(np.mean(speech**2)) * 10 ** (-noise_db / 20)
        line += np.random.default_rng(seed=1).normal(0.0, level, len(line))
    band_pass = signal.butter(4, BAND_HZ, "bandpass", fs=RATE_HZ, output="sos")
    return np.clip(signal.sosfilt(band_pass, line), -1.0, 1.0)


def encode_samples(line: Waveform, subtype: str) -> bytes:
    """Samples in a format of libsndfile: ``PCM_16``, or G.711 as ``ULAW`` or ``ALAW``."""
    file = io.BytesIO()
    soundfile.write(file, line, RATE_HZ, format="RAW", subtype=subtype, endian="LITTLE")
    return file.getvalue()
