"""Moonshine tiny, the default engine: its English weights are part of its package."""

import os

import numpy as np

from workers.localserver.recognition.engines import EngineWord, EngineWords
from workers.localserver.recognition.sound import MODEL_RATE_HZ, Samples

MIN_INPUT_SAMPLES = MODEL_RATE_HZ // 4
"""The model's first layers fail with fewer samples, so shorter audio is padded."""

HALLUCINATED_WORD = "You"
MAX_HALLUCINATION_SAMPLES = 3 * MODEL_RATE_HZ // 2
"""The model writes this word for a noise. It is dropped as the only word of so short a segment."""

OPTIONS = {
    # Its own voice detector would cut our segments and keep state between streams.
    "vad_threshold": "0",
    "vad_max_segment_duration": "60",
    "return_audio_data": "false",
    "identify_speakers": "false",
}


class Moonshine:
    """Yields punctuated text without times or confidences, about 20 words a second on one core."""

    def __init__(self) -> None:
        # Otherwise its runtime starts a thread pool, which doubles the CPU time and gains nothing.
        os.environ["MOONSHINE_ORT_SINGLE_THREAD"] = "1"
        from moonshine_voice import ModelArch, Transcriber, get_model_path

        path = str(get_model_path("tiny-en"))
        self._model = Transcriber(path, ModelArch.TINY, options=OPTIONS)

    def transcribe(self, samples: Samples) -> EngineWords:
        padded = np.pad(samples, (0, max(0, MIN_INPUT_SAMPLES - len(samples))))
        lines = self._model.transcribe_without_streaming(padded.tolist(), MODEL_RATE_HZ).lines
        words = tuple(EngineWord(word) for line in lines for word in line.text.split())
        texts = [word.text.strip(".,!?") for word in words]
        is_short = len(samples) < MAX_HALLUCINATION_SAMPLES
        return () if is_short and texts == [HALLUCINATED_WORD] else words
