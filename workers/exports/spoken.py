"""When each written word was spoken.

The transcript is what people read, the server's word times say when. They usually match one to one;
where formatting joined or split words ("twenty five" and "25"), times are read off by how far into
the turn a word stands, counted in letters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, zip_longest

import numpy as np

from workers.exports.foreign import words_of
from workers.jobs.transcript import TranscriptLine
from workers.protocol.messages import Word

LETTER_DURATION_MS = 80.0
"""A letter's time in speech: about 150 words of five letters a minute."""

MAX_TIME_MS = 90 * 3_600_000
"""A word said to be later has no believable time. SRT's clock ends before 100 hours, and cues that
come at once need room to follow each other."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as written, its times in ms on the recording's clock."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class _TurnWords:
    texts: list[str]
    words: tuple[Word, ...]

    @property
    def letters(self) -> int:
        return sum(map(len, self.texts))


def timed_words(lines: Iterable[TranscriptLine], until_ms: int) -> list[list[TimedWord]]:
    """The words of every turn that has any, in order.

    Turns without believable times share the silence between their neighbours, from the
    recording's start or up to its end at ``until_ms``; they take no longer than speech does.
    """
    said = [_TurnWords(words_of(line.text), _plausible_words(line.words)) for line in lines]
    groups = [list(group) for _, group in groupby(filter(_has_text, said), lambda s: bool(s.words))]
    turns: list[list[TimedWord]] = []
    clock = 0
    for group, following in zip_longest(groups, groups[1:]):
        if group[0].words:
            turns += [_align_words(each) for each in group]
            clock = max(clock, *(each.words[-1].end for each in group))
        else:
            turns += _spread_evenly(
                group, clock, following[0].words[0].start if following else None, until_ms
            )
    return turns


def _has_text(said: _TurnWords) -> bool:
    return bool(said.texts)


def _plausible_words(words: tuple[Word, ...]) -> tuple[Word, ...]:
    return words if all(0 <= word.start <= word.end <= MAX_TIME_MS for word in words) else ()


def _align_words(said: _TurnWords) -> list[TimedWord]:
    if len(said.texts) == len(said.words):
        return [
            TimedWord(text, word.start, word.end)
            for text, word in zip(said.texts, said.words, strict=True)
        ]
    return _interpolate_times(
        said.texts,
        [len(word.text) or 1 for word in said.words],
        [word.start for word in said.words],
        [word.end for word in said.words],
    )


def _spread_evenly(
    group: list[_TurnWords], begin: int, end: float | None, until_ms: int
) -> list[list[TimedWord]]:
    """Turns without times between ``begin`` and ``end``, each with room after its length.

    Without a neighbour behind them, the recording's end bounds them, but not so as to press them.
    """
    letters = [said.letters for said in group]
    spoken_ms = sum(letters) * LETTER_DURATION_MS
    if end is None:
        end = min(max(until_ms, begin + spoken_ms), MAX_TIME_MS)
    room = max(0, end - begin)
    pace = min(LETTER_DURATION_MS, room / sum(letters))
    starts = [begin + room * share for share in _cumulative_shares(letters)]
    return [
        _interpolate_times(said.texts, [1], [start], [start + said.letters * pace])
        for said, start in zip(group, starts[:-1], strict=True)
    ]


def _interpolate_times(
    texts: list[str], letters: Sequence[int], starts: Sequence[float], ends: Sequence[float]
) -> list[TimedWord]:
    """Times for ``texts`` from timed stretches of speech that have so many letters."""
    edges = _cumulative_shares(letters)
    places = _cumulative_shares([len(text) for text in texts])
    begun = np.interp(places[:-1], edges, [*starts, ends[-1]]).round().astype(int).tolist()
    ended = np.interp(places[1:], edges, [starts[0], *ends]).round().astype(int).tolist()
    return [
        TimedWord(text, start, max(start, end))
        for text, start, end in zip(texts, begun, ended, strict=True)
    ]


def _cumulative_shares(letters: Sequence[int]) -> list[float]:
    """How far into the whole each part begins, from 0; then 1, where the last one ends."""
    *before, whole = accumulate(letters, initial=0)
    return [*(letter / whole for letter in before), 1.0]
