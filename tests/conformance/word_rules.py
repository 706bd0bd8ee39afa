"""Rules on words: their times, how sure they are, and whether anything was said at all."""

from collections.abc import Iterator
from itertools import pairwise

from tests.conformance.rule_context import Case, Role
from tests.conformance.session_log import Kind, Violation
from workers.protocol.messages import SpeechStarted, Turn


def times(case: Case) -> Iterator[Violation]:
    """Not negative, no end before its start, no start before that of the word before."""
    for reading in case.readings:
        words = reading.message.words
        for word in words:
            if not 0 <= word.start <= word.end:
                fault = f"{word.text!r} from {word.start} to {word.end} ms"
                yield Violation(Kind.TIMES, reading.at, fault)
        for one, next_one in pairwise(words):
            if next_one.start < one.start:
                fault = f"{next_one.text!r} at {next_one.start}, {one.text!r} at {one.start} ms"
                yield Violation(Kind.TIMES, reading.at, fault)


def ahead(case: Case) -> Iterator[Violation]:
    """No word lies in audio that was not sent yet."""
    for reading in case.readings:
        for word in reading.message.words:
            if word.end > reading.audio + case.slack:
                fault = f"{word.text!r} ends at {word.end} ms, {reading.audio:g} ms were sent"
                yield Violation(Kind.AHEAD, reading.at, fault)


def overlaps(case: Case) -> Iterator[Violation]:
    """A turn starts after the last one ended."""
    ended = None
    for reading in case.readings:
        words = reading.message.words
        if reading.role not in (Role.PARTIAL, Role.FINAL) or not words:
            continue
        if ended is not None and words[0].start < ended:
            fault = f"{words[0].text!r} at {words[0].start}, the last turn ended at {ended} ms"
            yield Violation(Kind.OVERLAP, reading.at, fault)
        if reading.role is Role.FINAL:
            ended = max(word.end for word in words)


def confidences(case: Case) -> Iterator[Violation]:
    """Between 0 and 1."""
    for reading in case.readings:
        wrong = [
            f"{word.text!r} {word.confidence}"
            for word in reading.message.words
            if word.confidence is None or not 0 <= word.confidence <= 1
        ]
        if wrong:
            yield Violation(Kind.CONFIDENCE, reading.at, ", ".join(wrong))
    for said in case.of(SpeechStarted):
        confidence = said.message.confidence
        if confidence is not None and not 0 <= confidence <= 1:
            yield Violation(Kind.CONFIDENCE, said.at, f"SpeechStarted {confidence}")


def imagined(case: Case) -> Iterator[Violation]:
    """Silence brings no speech and no words."""
    for said in case.said:
        words = said.message.words if isinstance(said.message, Turn) else ()
        speech = isinstance(said.message, SpeechStarted) or words
        if speech and said.at < case.sound_at:
            text = " ".join(word.text for word in words)
            yield Violation(Kind.IMAGINED, said.at, f"{said.message.type} {text!r} in silence")
