"""Moonshine tiny, the engine that is always there: its English weights come inside its package."""

import os

import numpy as np

from workers.localserver.recognition.engines import EngineWord
from workers.localserver.recognition.sound import MODEL_RATE_HZ, Samples

MODEL = "tiny-en"

MIN_INPUT_SAMPLES = MODEL_RATE_HZ // 4
"""Samples below which the model's first layers fail; shorter audio is padded."""

HALLUCINATED_WORD = "You"
MAX_HALLUCINATION_SAMPLES = 3 * MODEL_RATE_HZ // 2
"""What the model makes of a cough or a chair, and samples below which it is not believed."""

OPTIONS = {
    # Its own voice detector would cut what we hand over, and remembers the last stream it heard.
    "vad_threshold": "0",
    "vad_max_segment_duration": "60",
    "return_audio_data": "false",
    "identify_speakers": "false",
}


class Moonshine:
    """No times, no confidences; punctuated text. About 20 words a second on one core."""

    def __init__(self) -> None:
        # Else its runtime starts a pool, which doubles the processor time and gains nothing.
        os.environ["MOONSHINE_ORT_SINGLE_THREAD"] = "1"
        from moonshine_voice import ModelArch, Transcriber, get_model_path

        path = str(get_model_path(MODEL))
        self._model = Transcriber(path, ModelArch.TINY, options=OPTIONS)

    def transcribe(self, samples: Samples) -> tuple[EngineWord, ...]:
        padded = np.pad(samples, (0, max(0, MIN_INPUT_SAMPLES - len(samples))))
        lines = self._model.transcribe_without_streaming(padded.tolist(), MODEL_RATE_HZ).lines
        words = tuple(EngineWord(word) for line in lines for word in line.text.split())
        if len(samples) < MAX_HALLUCINATION_SAMPLES and [
            word.text.strip(".,!?") for word in words
        ] == [HALLUCINATED_WORD]:
            return ()
        return words
