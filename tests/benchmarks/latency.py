"""How far an engine's words are behind the speech: arithmetic, without any clock of its own.

The clock is the recording's: a message that arrives at 7.3 does so 7.3 s after the first chunk was
due. By the release convention ``start``, the default, a chunk leaves when its first sample is due;
so every delay is up to one chunk shorter than it would be at a microphone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.benchmarks.speech_segments import SpeechSegment
from workers.protocol.messages import Turn

SETTLING = 1.5
"""Seconds before the end of the audio from which on a turn may have been ended by `Terminate` and
not by silence; speech that ends there is not counted."""

LONGEST_MISTAKE = 1.0
"""Seconds by which a word time may be wrong for its stretch of speech to be still recognised."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A message about a turn, and when it arrived."""

    arrival: float
    """In seconds of the recording."""
    turn: Turn


@dataclass(frozen=True, slots=True)
class Latency:
    """``seconds`` after what happened ``at`` that second of the recording."""

    occurred_at: float
    seconds: float


def finals(readings: Iterable[Reading]) -> list[Reading]:
    """The first final reading of each turn that has words: a formatted twin comes later."""
    found: dict[int, Reading] = {}
    for reading in readings:
        if reading.turn.end_of_turn and reading.turn.words:
            found.setdefault(reading.turn.turn_order, reading)
    return list(found.values())


def final_latency_after_speech(
    readings: Iterable[Reading], stretches: Sequence[SpeechSegment], seconds: float
) -> list[Latency]:
    """From the true ends of speech to the finals, in a recording of so many ``seconds``.

    A final belongs to the stretch that ends nearest to the end the engine gives its last word, of
    those that were over when it arrived. So the engine's word times only choose the pause, and have
    no part in the delay. A final without a stretch near it, or too near to the end, is left out.
    """
    delays = []
    for final in finals(readings):
        over = [stretch.end for stretch in stretches if stretch.end < final.arrival]
        claimed = final.turn.words[-1].end / 1000
        end = min(over, key=lambda each: abs(each - claimed), default=None)
        if end is not None and abs(end - claimed) <= LONGEST_MISTAKE and end <= seconds - SETTLING:
            delays.append(Latency(end, final.arrival - end))
    return delays


def final_latency_after_last_word(readings: Iterable[Reading]) -> list[Latency]:
    """From the end that the engine gives the last word of a turn to the final."""
    ends = [(final, final.turn.words[-1].end / 1000) for final in finals(readings)]
    return [Latency(end, final.arrival - end) for final, end in ends]


def first_word_latency(
    readings: Iterable[Reading], stretches: Sequence[SpeechSegment]
) -> Latency | None:
    """From the true onset of speech to the first reading with words."""
    first = next((reading for reading in readings if reading.turn.words), None)
    if first is None or not stretches:
        return None
    return Latency(stretches[0].onset, first.arrival - stretches[0].onset)


def partial_latency(readings: Iterable[Reading]) -> list[Latency]:
    """From the end of a partial's last word, as the engine gives it, to the partial.

    Only partials with more words than any before them of their turn: others repeat or revise what
    was said a while ago.
    """
    most: dict[int, int] = {}
    delays = []
    for reading in readings:
        turn = reading.turn
        if not turn.end_of_turn and len(turn.words) > most.get(turn.turn_order, 0):
            most[turn.turn_order] = len(turn.words)
            end = turn.words[-1].end / 1000
            delays.append(Latency(end, reading.arrival - end))
    return delays


def partial_intervals(readings: Iterable[Reading]) -> list[Latency]:
    """From each partial to the next of the same turn: while somebody speaks, not across pauses."""
    partials = [reading for reading in readings if not reading.turn.end_of_turn]
    return [
        Latency(earlier.arrival, later.arrival - earlier.arrival)
        for earlier, later in pairwise(partials)
        if earlier.turn.turn_order == later.turn.turn_order
    ]


def percentile(values: Sequence[float], rank: float) -> float | None:
    """By nearest rank: always a value that was measured. None of nothing."""
    if not values:
        return None
    return float(np.percentile(values, rank, method="inverted_cdf"))


def format_value(value: float | None, digits: int = 2) -> str:
    """For a table; a dash for what there is not."""
    return "-" if value is None else f"{value:.{digits}f}"
