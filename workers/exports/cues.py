"""Divides a transcript into readable subtitle cues, with line breaks and times.

The limits of two lines, 42 characters and 7 seconds, and the reading speed, are those of Netflix's
Timed Text Style Guide (general requirements, and the English template). Its minimum of 5/6 of a
second is rounded up to one. Cues never cross turns and never overlap.

Each way to cut a turn has a cost, the sum of the weights below. The cheapest way is found as a
shortest path, as TeX breaks paragraphs into lines. Only the proportions of the weights matter.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise, zip_longest

from workers.exports.sanitise import words_of
from workers.exports.spoken import MAX_TIME_MS, TimedWord, timed_words
from workers.exports.text import speaker_label
from workers.jobs.job_state import JobState

MAX_LINE_CHARS = 42
"""Longest line of a cue. A longer word is not cut but gets its own cue."""
MAX_CUE_LINES = 2
MAX_CUE_MS = 7000
PREFERRED_MIN_CUE_MS = 1000
"""Preferred duration of a cue; it may be shorter if the next one starts."""
MIN_CUE_MS = 500
"""Shortest duration of a cue; if necessary, the next cue starts late."""
READING_CHARS_PER_S = 17
"""Reading speed: a cue before a silence stays until viewers have had time to read it."""
SPLIT_PAUSE_MS = 600
"""A longer silence between two words is a good place to cut."""

_SENTENCE_END = tuple(".!?…。！？؟")
_CLAUSE_END = tuple(",;:—–،、，；：")
_CLOSERS = "\"'”’»)]"

_CUE_COST = 1.0
_CLAUSE_BREAK_COST = 1.0
_MID_CLAUSE_COST = 3.0
_SHORT_CUE_COST = 2.0
_INNER_PAUSE_COST = 3.0
_LINE_BREAK_WEIGHT = 8.0
"""Weight of a bad place for a line break, against one character of difference in line length."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines and when to show them, in ms on the recording's clock."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str = ""
    """The speaker's name in the transcript of a pair; otherwise empty."""


def cues(state: JobState, *, label_turns: bool = False) -> list[Cue]:
    """The cues of a transcript, finished or not. ``label_turns``: in the transcript of a pair, each
    turn begins with the name of its speaker."""
    until_ms = min(round(max(state.total_seconds, state.sent_seconds) * 1000), MAX_TIME_MS)
    lines = [line for line in state.transcript.lines if words_of(line.text)]
    parts, speakers = [], []
    for line, turn in zip(lines, timed_words(lines, until_ms), strict=True):
        if label_turns and line.speaker:  # one word, so that no line ends after the name
            turn[0] = replace(turn[0], text=speaker_label(line) + turn[0].text)
        parts += (cut := _TurnSplitter(turn).cue_parts())
        speakers += [line.speaker] * len(cut)
    timed = zip(_time_cues(parts), speakers, strict=True)
    return [replace(cue, speaker=speaker) if speaker else cue for cue, speaker in timed]


class _TurnSplitter:
    """The words of a turn, with running sums that measure any part of it in constant time."""

    def __init__(self, words: list[TimedWord]) -> None:
        self._words = words
        self._char_offsets = list(accumulate((len(word.text) + 1 for word in words), initial=0))
        pauses = [_is_pause(*pair) for pair in pairwise(words)]
        self._pause_counts = list(accumulate(pauses, initial=0))
        self._break_costs = [_break_cost(*pair) for pair in pairwise(words)]

    def cue_parts(self) -> list[list[TimedWord]]:
        """Divides the turn into cues at the least cost."""
        best = [(0.0, 0)]  # least cost for the first n words, and the start of their last cue
        for end in range(1, len(self._words) + 1):
            ways = []
            for begin in reversed(range(end)):
                if not self._fits(begin, end):
                    break
                ways.append((best[begin][0] + self._cost(begin, end), begin))
            best.append(min(ways))
        parts, end = [], len(self._words)
        while end:
            begin = best[end][1]
            parts.append(self._words[begin:end])
            end = begin
        return parts[::-1]

    def _fits(self, begin: int, end: int) -> bool:
        """True if these words fit into one cue; a single word always does."""
        if end - begin == 1:
            return True
        if self._words[end - 1].end_ms - self._words[begin].start_ms > MAX_CUE_MS:
            return False
        line, offsets = begin, self._char_offsets
        for _ in range(MAX_CUE_LINES):  # fill each line with as many words as fit
            line = bisect_right(offsets, offsets[line] + MAX_LINE_CHARS + 1) - 1
        return line >= end

    def _cost(self, begin: int, end: int) -> float:
        chars = self._char_offsets[end] - self._char_offsets[begin] - 1
        empty = 1 - min(1.0, chars / (MAX_CUE_LINES * MAX_LINE_CHARS))
        cost = _CUE_COST + empty**2  # the square makes neighbours similar in length
        cost += _INNER_PAUSE_COST * (self._pause_counts[end - 1] - self._pause_counts[begin])
        until = self._words[end - 1].end_ms
        if end < len(self._words):
            cost += self._break_costs[end - 1]
            until = self._words[end].start_ms
        if until - self._words[begin].start_ms < PREFERRED_MIN_CUE_MS:
            cost += _SHORT_CUE_COST
        return cost


def _break_cost(word: TimedWord, following: TimedWord) -> float:
    text = word.text.rstrip(_CLOSERS)
    if text.endswith(_SENTENCE_END) or _is_pause(word, following):
        return 0.0
    return _CLAUSE_BREAK_COST if text.endswith(_CLAUSE_END) else _MID_CLAUSE_COST


def _is_pause(word: TimedWord, following: TimedWord) -> bool:
    return following.start_ms - word.end_ms > SPLIT_PAUSE_MS


def _text_of(part: Sequence[TimedWord]) -> str:
    return " ".join(word.text for word in part)


def _cue_lines(part: Sequence[TimedWord]) -> tuple[str, ...]:
    """One line if that is enough, else two of similar length, preferably cut at punctuation."""
    whole = _text_of(part)
    if len(whole) <= MAX_LINE_CHARS or len(part) == 1:
        return (whole,)
    ways = []
    for at in range(1, len(part)):
        top, bottom = _text_of(part[:at]), _text_of(part[at:])
        if len(top) <= MAX_LINE_CHARS and len(bottom) <= MAX_LINE_CHARS:
            break_cost = _LINE_BREAK_WEIGHT * _break_cost(part[at - 1], part[at])
            ways.append((abs(len(top) - len(bottom)) + break_cost, top, bottom))
    return min(ways)[1:]


def _time_cues(parts: list[list[TimedWord]]) -> list[Cue]:
    """Shows each cue from its first word until viewers have read it or the next cue starts."""
    timed, free = [], 0
    for part, following in zip_longest(parts, parts[1:]):
        start = max(free, part[0].start_ms)
        to_read = max(PREFERRED_MIN_CUE_MS, len(_text_of(part)) * 1000 // READING_CHARS_PER_S)
        end = max(start + to_read, *(word.end_ms for word in part))
        end = min(end, start + MAX_CUE_MS, following[0].start_ms if following else end)
        free = max(end, start + MIN_CUE_MS)
        timed.append(Cue(start, free, _cue_lines(part)))
    return timed
