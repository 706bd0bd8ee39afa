"""Rules for words: times, confidence, and words where there was only silence."""

from collections.abc import Iterator
from itertools import pairwise

from tests.conformance.rule_context import RuleContext, TurnRole
from tests.conformance.session_log import Violation, ViolationKind
from workers.protocol.messages import SpeechStarted, Turn


def check_word_times(case: RuleContext) -> Iterator[Violation]:
    """Times are not negative, ends follow starts, and words are in order of their starts."""
    for reading in case.turns:
        words = reading.message.words
        for word in words:
            if not 0 <= word.start <= word.end:
                fault = f"{word.text!r} from {word.start} to {word.end} ms"
                yield Violation(ViolationKind.TIMES, reading.index, fault)
        for one, next_one in pairwise(words):
            if next_one.start < one.start:
                fault = f"{next_one.text!r} at {next_one.start}, {one.text!r} at {one.start} ms"
                yield Violation(ViolationKind.TIMES, reading.index, fault)


def check_within_audio(case: RuleContext) -> Iterator[Violation]:
    """No word lies beyond the audio sent so far."""
    for reading in case.turns:
        for word in reading.message.words:
            if word.end > reading.audio_sent_ms + case.slack:
                fault = (
                    f"{word.text!r} ends at {word.end} ms, {reading.audio_sent_ms:g} ms were sent"
                )
                yield Violation(ViolationKind.BEYOND_AUDIO, reading.index, fault)


def check_turn_overlaps(case: RuleContext) -> Iterator[Violation]:
    """A turn starts after the last one ended."""
    ended = None
    for reading in case.turns:
        words = reading.message.words
        if reading.role not in (TurnRole.PARTIAL, TurnRole.FINAL) or not words:
            continue
        if ended is not None and words[0].start < ended:
            fault = f"{words[0].text!r} at {words[0].start}, the last turn ended at {ended} ms"
            yield Violation(ViolationKind.OVERLAP, reading.index, fault)
        if reading.role is TurnRole.FINAL:
            ended = max(word.end for word in words)


def check_confidences(case: RuleContext) -> Iterator[Violation]:
    """Confidence is between 0 and 1."""
    for reading in case.turns:
        wrong = [
            f"{word.text!r} {word.confidence}"
            for word in reading.message.words
            if word.confidence is None or not 0 <= word.confidence <= 1
        ]
        if wrong:
            yield Violation(ViolationKind.CONFIDENCE, reading.index, ", ".join(wrong))
    for said in case.messages_of(SpeechStarted):
        confidence = said.message.confidence
        if confidence is not None and not 0 <= confidence <= 1:
            yield Violation(ViolationKind.CONFIDENCE, said.index, f"SpeechStarted {confidence}")


def check_hallucinations(case: RuleContext) -> Iterator[Violation]:
    """Silence alone produces no SpeechStarted and no words."""
    for said in case.server_messages:
        words = said.message.words if isinstance(said.message, Turn) else ()
        speech = isinstance(said.message, SpeechStarted) or words
        if speech and said.index < case.first_sound_at:
            text = " ".join(word.text for word in words)
            yield Violation(
                ViolationKind.HALLUCINATED, said.index, f"{said.message.type} {text!r} in silence"
            )
