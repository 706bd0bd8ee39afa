"""What is said in scripted sessions and when, how long that takes to be told, what goes wrong.

The values only. `script_file` reads them, `scripted` performs them.
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise

from workers.localserver.recogniser_protocol import HeardWord
from workers.localserver.scripts.faults import Fault


@dataclass(frozen=True, slots=True)
class Pace:
    """Delays in seconds, from the moment a word's last sample was received."""

    partial_after: float = 0.2
    """Until a partial tells the word."""
    final_after: float = 0.5
    """From the last word of the turn, until its final."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn as it is spoken."""

    words: tuple[HeardWord, ...]
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True)
class Scene:
    """One session."""

    turns: tuple[Spoken, ...] = ()
    faults: tuple[Fault, ...] = ()
    begin_after: float = 0.0
    """Seconds until the Begin."""
    termination_after: float = 0.0
    """Seconds from the last final until the Termination."""


@dataclass(frozen=True, slots=True)
class Script:
    """A service whose every answer is known beforehand."""

    scenes: tuple[Scene, ...]

    def scene(self, number: int) -> Scene:
        """That of the ``number``-th session, from 0; the last one serves all further sessions."""
        return self.scenes[min(number, len(self.scenes) - 1)]


def spread(text: str, start: int, end: int) -> tuple[HeardWord, ...]:
    """The words of a text from ``start`` to ``end`` in ms, each as long as it is written.

    In too short a time some of them have no length at all.
    """
    words = text.split()
    letters = list(accumulate(map(len, words), initial=0))
    bounds = [start + (end - start) * before // max(letters[-1], 1) for before in letters]
    return tuple(
        HeardWord(word, *times, confidence=1.0)
        for word, times in zip(words, pairwise(bounds), strict=True)
    )
