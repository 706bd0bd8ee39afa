"""Reads the messages of an attempt from its trace, and when each word was in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf

from rapidfuzz.distance import Levenshtein

from workers.evaluation.normalisation import normalise_basic
from workers.jobs.events import Began, Ended, MessageSent, TurnReceived
from workers.pacing.certificate import Certificate
from workers.pacing.schedule import Release
from workers.protocol.messages import Turn
from workers.traces.reader import PartialText, TraceReader


@dataclass(slots=True)
class TurnMessages:
    """The messages about one turn of one attempt, in order."""

    times_s: list[float] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    """The normalised words of each message."""
    final: Turn | None = None
    final_at_s: float = inf


@dataclass(slots=True)
class AttemptLog:
    """What the trace of an attempt says, as far as delays need it."""

    number: int
    began_s: float | None = None
    turns: dict[int, TurnMessages] = field(default_factory=dict)
    forced_s: list[float] = field(default_factory=list)
    terminate_s: float = inf
    certificate: Certificate | None = None
    release: Release = Release.START
    speed: float = 1.0
    last_s: float = 0.0
    """When the last event happened."""
    starts_job: bool = True
    """Whether it streamed the beginning; else another attempt had sent its first audio before."""


def read_attempt(number: int, trace: TraceReader) -> AttemptLog:
    attempt = AttemptLog(number)
    if (head := trace.head) is not None:
        attempt.release, attempt.speed = head.settings.release, head.settings.speed
        start_s = head.recording.options.start_s if head.recording else 0.0
        attempt.starts_job = head.seam.at_ms <= round(start_s * 1000)
    for t, event in trace.with_partial_texts():
        attempt.last_s = t
        match event:
            case Began():
                attempt.began_s = t
            case PartialText(turn_order=order, words=words):
                messages = attempt.turns.setdefault(order, TurnMessages())
                if messages.final is None:
                    messages.times_s.append(t)
                    messages.texts.append([normalise_word(word) for word in words])
            case TurnReceived(turn=turn):
                messages = attempt.turns.setdefault(turn.turn_order, TurnMessages())
                if messages.final is not None:
                    continue  # the formatted version of a final text is not another delay
                messages.times_s.append(t)
                messages.texts.append(_words_of(turn))
                if turn.end_of_turn:
                    messages.final, messages.final_at_s = turn, t
            case MessageSent(message=message):
                if message.get("type") == "ForceEndpoint":
                    attempt.forced_s.append(t)
                elif message.get("type") == "Terminate":
                    attempt.terminate_s = min(attempt.terminate_s, t)
            case Ended(certificate=certificate):
                attempt.certificate = certificate
    return attempt


def _words_of(turn: Turn) -> list[str]:
    """The normalised words of a message, one for each of ``turn.words`` if it has any."""
    texts = [word.text for word in turn.words] or turn.transcript.split()
    return [normalise_word(text) for text in texts]


@lru_cache(maxsize=1 << 16)
def normalise_word(text: str) -> str:
    return " ".join(normalise_basic(text).split())


def first_appearances(turn: TurnMessages) -> list[float]:
    """When each word of the final text was first in a message, at its place in an alignment."""
    final = turn.texts[-1]
    times = [turn.final_at_s] * len(final)
    for t, words in zip(reversed(turn.times_s), reversed(turn.texts), strict=True):
        for code in Levenshtein.opcodes(words, final):
            if code.tag == "equal":
                for index in range(code.dest_start, code.dest_end):
                    times[index] = t
    return times


def stable_appearances(turn: TurnMessages) -> list[float]:
    """When each word was first in a message after which the text up to it never changed."""
    final = turn.texts[-1]
    times = [turn.final_at_s] * len(final)
    stable_words = len(final)
    for t, words in zip(reversed(turn.times_s), reversed(turn.texts), strict=True):
        stable_words = min(stable_words, common_prefix(words, final))
        for index in range(stable_words):
            times[index] = t
    return times


def shown_words(turns: Iterable[TurnMessages]) -> list[tuple[str, float]]:
    """The words of final turns in order, and when each was there to stay."""
    return [
        (word, t)
        for turn in turns
        for word, t in zip(turn.texts[-1], stable_appearances(turn), strict=True)
        if word
    ]


def common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    length = min(len(one), len(other))
    return next((index for index in range(length) if one[index] != other[index]), length)
