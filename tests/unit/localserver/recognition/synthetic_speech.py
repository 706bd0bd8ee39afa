"""Made-up speech, written as a text: a character is a frame of 32 ms.

``.`` is silence. A digit is a noise that is speech with a probability of so many tenths. A letter
is certainly speech and part of one word; a capital also ends the sentence. So a fake voice detector
and a fake engine can read their result from the samples.
"""

from itertools import groupby

import numpy as np

from workers.localserver.recognition.engines import EngineWord, EngineWords
from workers.localserver.recognition.sound import FRAME_SAMPLES, Samples
from workers.localserver.recognition.vad import VoiceDetector


def encode_speech(text: str) -> bytes:
    """16-bit samples at 16 kHz."""
    return b"".join(_frame(character) for character in text)


def _frame(character: str) -> bytes:
    """As loud as its probability, but for one sample of 0, whose place says which character it is:
    a gain leaves it where it is."""
    probability = {".": 0.0, **{str(n): n / 10 for n in range(10)}}.get(character, 1.0)
    samples = np.full(FRAME_SAMPLES, round(probability * 32767), "<i2")
    samples[ord(character)] = 0
    return samples.tobytes()


def decode_speech(samples: Samples) -> str:
    """The text that `encode_speech` made into samples; an incomplete frame is left out."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    zeros = np.abs(frames[:, :128]).argmin(axis=1)
    return "".join(chr(at) if loud else "." for at, loud in zip(zeros, frames[:, 0], strict=True))


class FakeVoiceDetector(VoiceDetector):
    """Reads the probability from the frame."""

    def __init__(self) -> None:
        pass

    def probability(self, frame: Samples) -> float:
        return round(float(frame[0]), 2)


def recognise_words(samples: Samples) -> EngineWords:
    """An engine without times: one word for each run of a letter."""
    return tuple(EngineWord(word) for word in _words(decode_speech(samples)))


def _words(letters: str) -> list[str]:
    runs = ["".join(run) for _, run in groupby(letters, key=str.lower)]
    return [run[0].lower() + "." * (run != run.lower()) for run in runs if run.isalpha()]


def recognise_timed_frames(samples: Samples) -> EngineWords:
    """An engine with times: every frame of speech is a word, and no two of a piece are alike."""
    seconds = FRAME_SAMPLES / 16_000
    return tuple(
        EngineWord(f"{letter}{at}", at * seconds, (at + 1) * seconds, 0.5)
        for at, letter in enumerate(decode_speech(samples))
        if letter.isalpha()
    )
