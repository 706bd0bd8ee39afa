"""Divides a transcript into readable subtitle cues, with line breaks and times.

The limits of two lines and 7 seconds are those of Netflix's Timed Text Style Guide (general
requirements); `line_breaks` has those that depend on the language. The guide's minimum of 5/6 of a
second is rounded up to one. Cues never cross turns and never overlap, and while somebody speaks
there is one; only a single word of more than 7 seconds outlasts its cue.

Each way to cut a turn has a cost, the sum of the weights below. The cheapest way is found as a
shortest path, as TeX breaks paragraphs into lines. Only the proportions of the weights matter.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise, zip_longest
from typing import TypeAlias

from workers.exports.line_breaks import LineRules, line_rules
from workers.exports.sanitise import words_of
from workers.exports.spoken import MAX_TIME_MS, TimedWord, timed_words
from workers.exports.text import speaker_label
from workers.jobs.job_state import JobState

MAX_CUE_LINES = 2
MAX_CUE_MS = 7000
PREFERRED_MIN_CUE_MS = 1000
"""Preferred duration of a cue; it may be shorter if the next one starts."""
MIN_CUE_MS = 500
"""Shortest duration of a cue; if necessary, the next cue starts late."""
SPLIT_PAUSE_MS = 600
"""A longer silence between two words is a good place to cut."""

_SENTENCE_END = tuple(".!?…。！？｡؟។៕။")
_CLAUSE_END = tuple(",;:—–،、，；：､၊")
_CLOSERS = "\"'”’»)]」』）】》〉"

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
    parts: list[CuePart] = []
    speakers = []
    for line, turn in zip(lines, timed_words(lines, until_ms), strict=True):
        if label_turns and line.speaker:  # one word, so that no line ends after the name
            turn[0] = replace(turn[0], text=speaker_label(line) + turn[0].text)
        rules = line_rules(line.text)
        parts += (cut := [(part, rules) for part in _TurnSplitter(turn, rules).cue_parts()])
        speakers += [line.speaker] * len(cut)
    timed = zip(_time_cues(parts), speakers, strict=True)
    return [replace(cue, speaker=speaker) if speaker else cue for cue, speaker in timed]


CuePart: TypeAlias = tuple[list[TimedWord], LineRules]
"""The words of a cue, and the rules of its turn's script."""


class _TurnSplitter:
    """The words of a turn, with running sums that measure any part of it in constant time."""

    def __init__(self, words: list[TimedWord], rules: LineRules) -> None:
        self._words = words
        self._max_cells = rules.max_cells
        widths = [rules.width(word.text) for word in words]
        spaced = (width + (not word.is_joined) for word, width in zip(words, widths, strict=True))
        self._ends = list(accumulate(spaced))  # in cells, of all words on one line
        self._starts = [end - width for end, width in zip(self._ends, widths, strict=True)]
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
        line = begin
        for _ in range(MAX_CUE_LINES):  # fill each line with as many words as fit
            line = bisect_right(self._ends, self._starts[line] + self._max_cells)
            if line >= end:
                return True
        return False

    def _cost(self, begin: int, end: int) -> float:
        cells = self._ends[end - 1] - self._starts[begin]
        empty = 1 - min(1.0, cells / (MAX_CUE_LINES * self._max_cells))
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
    first, *rest = part
    return first.text + "".join(f"{'' if word.is_joined else ' '}{word.text}" for word in rest)


def _cue_lines(part: Sequence[TimedWord], rules: LineRules) -> tuple[str, ...]:
    """One line if that is enough, else two of similar length, preferably cut at punctuation."""
    whole = _text_of(part)
    if rules.width(whole) <= rules.max_cells or len(part) == 1:
        return (whole,)
    ways = []
    for at in range(1, len(part)):
        lines = _text_of(part[:at]), _text_of(part[at:])
        top, bottom = map(rules.width, lines)
        if top <= rules.max_cells and bottom <= rules.max_cells:
            break_cost = _LINE_BREAK_WEIGHT * _break_cost(part[at - 1], part[at])
            ways.append((abs(top - bottom) + break_cost, *lines))
    return min(ways)[1:]


def _time_cues(parts: list[CuePart]) -> list[Cue]:
    """Shows each cue from its first word until viewers have read it or the next cue starts."""
    timed, free = [], 0
    for (part, rules), following in zip_longest(parts, parts[1:]):
        start = max(free, part[0].start_ms)
        reading_ms = len(_text_of(part)) * 1000 // rules.chars_per_s
        end = max(start + max(PREFERRED_MIN_CUE_MS, reading_ms), *(word.end_ms for word in part))
        next_start = following[0][0].start_ms if following else end
        end = min(end, start + MAX_CUE_MS, next_start)
        free = max(end, start + MIN_CUE_MS)
        timed.append(Cue(start, free, _cue_lines(part, rules)))
    return timed
