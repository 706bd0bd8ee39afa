"""What is said in scripted sessions and when, how long that takes to be told, what goes wrong.

The values only. `script_file` reads them, `scripted` performs them.
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise

from workers.localserver.recogniser_protocol import RecognisedWord
from workers.localserver.scripts.faults import Fault


@dataclass(frozen=True, slots=True)
class ReportDelays:
    """Delays in seconds, from the moment a word's last sample was received."""

    partial_after: float = 0.2
    """Until a partial tells the word."""
    final_after: float = 0.5
    """From the last word of the turn, until its final."""


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """A turn as it is spoken."""

    words: tuple[RecognisedWord, ...]
    delays: ReportDelays = ReportDelays()


@dataclass(frozen=True, slots=True)
class SessionScript:
    """One session."""

    turns: tuple[ScriptedTurn, ...] = ()
    faults: tuple[Fault, ...] = ()
    begin_after: float = 0.0
    """Seconds until the Begin."""
    termination_after: float = 0.0
    """Seconds from the last final until the Termination."""


@dataclass(frozen=True, slots=True)
class Script:
    """A service whose every answer is known beforehand."""

    sessions: tuple[SessionScript, ...]

    def session(self, number: int) -> SessionScript:
        """That of the ``number``-th session, from 0; the last one serves all further sessions."""
        return self.sessions[min(number, len(self.sessions) - 1)]


def words_by_length(text: str, start_ms: int, end_ms: int) -> tuple[RecognisedWord, ...]:
    """The words of a text from ``start_ms`` to ``end_ms`` in ms, each as long as it is written.

    In too short a time some of them have no length at all.
    """
    words = text.split()
    letters = list(accumulate(map(len, words), initial=0))
    bounds = [start_ms + (end_ms - start_ms) * before // max(letters[-1], 1) for before in letters]
    return tuple(
        RecognisedWord(word, *times, confidence=1.0)
        for word, times in zip(words, pairwise(bounds), strict=True)
    )
