"""The engine of the extra `whisper`; skipped if it is not installed."""

from pathlib import Path

import pytest
import soundfile
import soxr

from workers.localserver.engine_registry import engine_name_for, is_engine_installed

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not is_engine_installed("whisper"), reason="the extra whisper is not installed"
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of its packages
]

RECORDING = Path(__file__).parents[3] / "samples" / "recordings" / "station.aiff"


def test_its_model_is_served_by_it():
    """Other models are not."""
    assert "whisper" == engine_name_for("whisper-rt")
    assert "whisper" != engine_name_for("universal-streaming-english")


def test_it_tells_words_with_times_and_confidences():
    """Times rise within the recording, and confidences differ."""
    from workers.localserver.recognition.whisper import Whisper

    audio, rate = soundfile.read(RECORDING, dtype="float32")
    words = Whisper().transcribe(soxr.resample(audio, rate, 16_000))
    text = " ".join(word.text for word in words).lower()
    times = [time for word in words for time in (word.start_s, word.end_s)]

    assert "train to the coast" in text
    assert times == sorted(times, key=lambda time: time or 0.0)
    assert 0.0 <= (times[0] or 0.0) < (times[-1] or 0.0) <= len(audio) / rate
    assert 1 < len({word.confidence for word in words})
