"""Every metric by name: what it measures, from which event to which, and in which unit.

One table serves ``score``, its JSON, its gate and the documentation.
"""

from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """The unit in which a metric is shown and compared."""

    PERCENT = "%"
    MS = "ms"
    RATIO = ""


class Clock(Enum):
    """From which time a delay counts that starts at a position of the audio."""

    DUE = "due"
    """When the chunk with that position was due: our own lateness counts against the result, so it
    never flatters the server."""
    SENT = "sent"
    """When that chunk was written to the socket."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric and its definition in words."""

    name: str
    unit: Unit
    start: str
    """The event at which it starts; for a rate, what is counted."""
    stop: str
    """The event at which it stops; for a rate, what it is divided by."""

    @property
    def is_latency(self) -> bool:
        return self.unit is Unit.MS


_WORD_END = "the chunk with the end of a word"
_STABLE = "the first message after which the text up to the word no longer changes"
_EVEN_PLACE = "the place of a word if all were spread evenly over the audio; mean of a recording"
_SPEAKER_ERRORS = "word errors, normalised, of each speaker against the one that fits best"

METRICS = {
    metric.name: metric
    for metric in (
        Metric("wer", Unit.PERCENT, "word errors, normalised", "words of the reference"),
        Metric("cer", Unit.PERCENT, "character errors, normalised", "characters of the reference"),
        Metric("fwer", Unit.PERCENT, "word errors as written", "words of the reference"),
        Metric("cpwer", Unit.PERCENT, _SPEAKER_ERRORS, "words of the reference"),
        Metric("missed", Unit.PERCENT, "marked entities not recognised as a whole", "marked"),
        Metric("recall", Unit.PERCENT, "key terms recognised in their place", "key terms said"),
        Metric("precision", Unit.PERCENT, "key terms recognised in their place", "recognised"),
        Metric("ttft", Unit.MS, "the first chunk", "the first message with text"),
        Metric("onset", Unit.MS, "the chunk in which speech begins", "the first message with text"),
        Metric(
            "first_word",
            Unit.MS,
            "the chunk in which speech begins",
            "the first message with the first word of the final text",
        ),
        Metric("emission", Unit.MS, _WORD_END, "the first message with the word in its place"),
        Metric("stable", Unit.MS, _WORD_END, _STABLE),
        Metric("final", Unit.MS, _WORD_END, "the final message of its turn"),
        Metric(
            "eot",
            Unit.MS,
            "the chunk with the end of a turn's last word",
            "the final message of the turn; only turns that neither Terminate nor ForceEndpoint "
            "ended",
        ),
        Metric("ttfs", Unit.MS, "the end of the audio", "the last final message"),
        Metric("forced", Unit.MS, "ForceEndpoint", "the next final message"),
        Metric("laal", Unit.MS, _EVEN_PLACE, f"{_STABLE}: LAAL (Papi et al., 2022)"),
        Metric(
            "yaal",
            Unit.MS,
            _EVEN_PLACE,
            f"{_STABLE}; without words after the end of the audio: YAAL (Polák et al., 2025)",
        ),
        Metric(
            "interval",
            Unit.MS,
            "a message about a turn",
            "the next one with other text; a fixed cadence quantises every delay of a word",
        ),
        Metric(
            "corrections",
            Unit.RATIO,
            "words of a partial that the next message changed or removed",
            "words of the final texts",
        ),
        Metric(
            "upwr",
            Unit.RATIO,
            "words of a partial from its first change on",
            "words of the final texts; the unstable partial word ratio of Shangguan et al., 2020",
        ),
        Metric("pacing", Unit.MS, "when a chunk was due", "when it was written to the socket"),
    )
}
"""In the order in which results show them."""
