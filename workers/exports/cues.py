"""Cues that a viewer can read: where a transcript is cut, how a cue breaks, how long it stays.

The limits of two lines, 42 characters and 7 seconds are those of Netflix's Timed Text Style Guide
(general requirements, and English template for the characters), as is the reading speed. One second
at least is ours: its 5/6 of a second, rounded up. Cues never cross turns and never overlap.

Where to cut is a shortest path, as TeX breaks paragraphs: every way to cut a turn has a cost, made
of the weights below, and the cheapest is taken. Only their proportions mean anything.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest

from workers.exports.spoken import LATEST_MS, Spoken, spoken
from workers.jobs.job_state import JobHistory

WIDTH = 42
"""Characters a line. A single longer word is not cut: it gets a cue of its own."""
LINES = 2
LONGEST_MS = 7000
SHORTEST_MS = 1000
"""Wanted; a cue gives way to the next one sooner."""
FLASH_MS = 500
"""The least that a cue stays, even where the next one has to wait for that."""
READING = 17
"""Characters a second that a viewer reads; a cue lingers in the silence behind it to allow that."""
PAUSE_MS = 600
"""A longer silence between two words is a place to cut."""

_SENTENCE_END = tuple(".!?…。！？؟")
_CLAUSE_END = tuple(",;:—–،、，；：")
_CLOSERS = "\"'”’»)]"

_A_CUE = 1.0
_AFTER_CLAUSE = 1.0
_IN_CLAUSE = 3.0
_TOO_SHORT = 2.0
_PAUSE_INSIDE = 3.0
_BROKEN_LINE = 8.0
"""What the costs of a cut count in a line break, in characters by which its lines differ."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What stands on the screen from one moment to another, in ms on the recording's clock."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(history: JobHistory) -> list[Cue]:
    """The whole transcript, finished or not, as cues."""
    until_ms = min(round(max(history.total_seconds, history.sent_seconds) * 1000), LATEST_MS)
    turns = spoken(history.transcript.lines, until_ms)
    return _timed([part for turn in turns for part in _Turn(turn).parts()])


class _Turn:
    """The words of a turn, with running sums, so that any part of it is measured at once."""

    def __init__(self, words: list[Spoken]) -> None:
        self._words = words
        self._ahead = list(accumulate((len(word.text) + 1 for word in words), initial=0))
        self._paused = list(accumulate((_paused(*each) for each in pairwise(words)), initial=0))
        self._break_costs = [_break_cost(*each) for each in pairwise(words)]

    def parts(self) -> list[list[Spoken]]:
        """The turn in parts of a cue each, at the least cost."""
        best = [(0.0, 0)]  # of the first n words: what their cues cost, where the last one begins
        for end in range(1, len(self._words) + 1):
            ways = []
            for begin in reversed(range(end)):
                if not self._fits(begin, end):
                    break
                ways.append((best[begin][0] + self._cost(begin, end), begin))
            best.append(min(ways))
        parts = []
        end = len(self._words)
        while end:
            begin = best[end][1]
            parts.append(self._words[begin:end])
            end = begin
        return parts[::-1]

    def _fits(self, begin: int, end: int) -> bool:
        """Whether a cue can hold these words; one always fits, however long."""
        if end - begin == 1:
            return True
        if self._words[end - 1].end_ms - self._words[begin].start_ms > LONGEST_MS:
            return False
        line = begin
        for _ in range(LINES):  # as many words to a line as go in
            line = bisect_right(self._ahead, self._ahead[line] + WIDTH + 1) - 1
        return line >= end

    def _cost(self, begin: int, end: int) -> float:
        """How bad a cue of these words would be."""
        empty = 1 - min(1.0, (self._ahead[end] - self._ahead[begin] - 1) / (LINES * WIDTH))
        cost = _A_CUE + empty**2  # the square makes neighbours alike in length
        cost += _PAUSE_INSIDE * (self._paused[end - 1] - self._paused[begin])
        until = self._words[end - 1].end_ms
        if end < len(self._words):
            cost += self._break_costs[end - 1]
            until = self._words[end].start_ms
        if until - self._words[begin].start_ms < SHORTEST_MS:
            cost += _TOO_SHORT
        return cost


def _break_cost(word: Spoken, following: Spoken) -> float:
    if _ends(word.text, _SENTENCE_END) or _paused(word, following):
        return 0.0
    return _AFTER_CLAUSE if _ends(word.text, _CLAUSE_END) else _IN_CLAUSE


def _paused(word: Spoken, following: Spoken) -> bool:
    return following.start_ms - word.end_ms > PAUSE_MS


def _ends(text: str, marks: tuple[str, ...]) -> bool:
    return text.rstrip(_CLOSERS).endswith(marks)


def _joined(part: Sequence[Spoken]) -> str:
    return " ".join(word.text for word in part)


def _broken(part: Sequence[Spoken]) -> tuple[str, ...]:
    """One line where that is enough, else two alike in length, rather after punctuation."""
    whole = _joined(part)
    if len(whole) <= WIDTH or len(part) == 1:
        return (whole,)
    ways = []
    for at in range(1, len(part)):
        top, bottom = _joined(part[:at]), _joined(part[at:])
        if len(top) <= WIDTH and len(bottom) <= WIDTH:
            uneven = abs(len(top) - len(bottom))
            ways.append((uneven + _BROKEN_LINE * _break_cost(part[at - 1], part[at]), top, bottom))
    return min(ways)[1:]


def _timed(parts: list[list[Spoken]]) -> list[Cue]:
    """A cue appears with its first word and lingers to be read, as far as the next one lets it."""
    timed = []
    free = 0
    for part, following in zip_longest(parts, parts[1:]):
        start = max(free, part[0].start_ms)
        to_read = max(SHORTEST_MS, len(_joined(part)) * 1000 // READING)
        end = max(start + to_read, *(word.end_ms for word in part))
        end = min(end, start + LONGEST_MS, following[0].start_ms if following else end)
        free = max(end, start + FLASH_MS)
        timed.append(Cue(start, free, _broken(part)))
    return timed
