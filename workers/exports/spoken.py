"""Gives each written word of a transcript its time; scripts without spaces have pieces for words.

Words of the transcript and the server's timed words usually match one to one. Where formatting
joined or split words ("twenty five" and "25"), times are interpolated by a word's position in the
turn, counted in characters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, zip_longest

import numpy as np

from workers.exports.line_breaks import breakable_pieces, line_rules
from workers.exports.sanitise import words_of
from workers.jobs.transcript import TranscriptLine
from workers.protocol.messages import Word

LETTER_DURATION_MS = 80.0
"""Duration of a character in ms: speech has about 150 words of five letters per minute."""

MAX_TIME_MS = 90 * 3_600_000
"""Later times count as implausible. SRT's clock ends before 100 hours, and cues with the same time
need room after it."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as written, with times in ms on the recording's clock."""

    text: str
    start_ms: int
    end_ms: int
    is_joined: bool = False
    """Whether no space stands before it: it is a further piece of a word, between two of which a
    line may end."""


@dataclass(frozen=True, slots=True)
class _TurnWords:
    pieces_by_word: list[list[str]]
    words: tuple[Word, ...]
    letters: int
    """Its length, with characters of full width as two: they take longer to speak, too."""

    @property
    def texts(self) -> list[str]:
        return [piece for pieces in self.pieces_by_word for piece in pieces]


def timed_words(lines: Iterable[TranscriptLine], until_ms: int) -> list[list[TimedWord]]:
    """The words of each turn that has any, in order.

    Turns without plausible times share the silence around them, up to the end of the recording at
    ``until_ms``, but take no longer than speech does.
    """
    written = []
    for line in lines:
        plausible = all(0 <= word.start <= word.end <= MAX_TIME_MS for word in line.words)
        if texts := words_of(line.text):
            rules = line_rules(line.text)
            pieces = [breakable_pieces(text, rules) for text in texts]
            letters = max(1, sum(map(rules.width, texts)))
            written.append(_TurnWords(pieces, line.words if plausible else (), letters))
    groups = [list(group) for _, group in groupby(written, lambda turn: bool(turn.words))]
    turns: list[list[TimedWord]] = []
    clock = 0
    for group, following in zip_longest(groups, groups[1:]):
        if group[0].words:
            turns += [_mark_joined(turn, _align_words(turn)) for turn in group]
            clock = max(clock, *(turn.words[-1].end for turn in group))
        else:
            next_start = following[0].words[0].start if following else None
            spread = _spread_evenly(group, clock, next_start, until_ms)
            turns += [_mark_joined(*each) for each in zip(group, spread, strict=True)]
    return turns


def _align_words(turn: _TurnWords) -> list[TimedWord]:
    words = turn.words
    if len(turn.pieces_by_word) == len(words):
        pairs = zip(turn.pieces_by_word, words, strict=True)
        return [timed for pieces, word in pairs for timed in _divide_word(pieces, word)]
    letters = [len(word.text) or 1 for word in words]
    starts, ends = [word.start for word in words], [word.end for word in words]
    return _interpolate_times(turn.texts, letters, starts, ends)


def _divide_word(pieces: list[str], word: Word) -> list[TimedWord]:
    if len(pieces) == 1:
        return [TimedWord(pieces[0], word.start, word.end)]
    return _interpolate_times(pieces, [1], [word.start], [word.end])


def _mark_joined(turn: _TurnWords, timed: list[TimedWord]) -> list[TimedWord]:
    joined = [place > 0 for pieces in turn.pieces_by_word for place in range(len(pieces))]
    if not any(joined):
        return timed
    pairs = zip(timed, joined, strict=True)
    return [replace(word, is_joined=True) if join else word for word, join in pairs]


def _spread_evenly(
    group: list[_TurnWords], begin: int, end: float | None, until_ms: int
) -> list[list[TimedWord]]:
    """Spreads turns without times between ``begin`` and ``end``, by their length in characters. If
    no turn follows (``end`` is None), they may extend to the end of the recording, or beyond."""
    letters = [turn.letters for turn in group]
    spoken_ms = sum(letters) * LETTER_DURATION_MS
    if end is None:
        end = min(max(until_ms, begin + spoken_ms), MAX_TIME_MS)
    room = max(0, end - begin)
    pace = min(LETTER_DURATION_MS, room / sum(letters))
    starts = [begin + room * share for share in _cumulative_shares(letters)]
    return [
        _interpolate_times(turn.texts, [1], [start], [start + turn.letters * pace])
        for turn, start in zip(group, starts[:-1], strict=True)
    ]


def _interpolate_times(
    texts: list[str], letters: Sequence[int], starts: Sequence[float], ends: Sequence[float]
) -> list[TimedWord]:
    """Times of ``texts``, given the times and lengths of the speech that they cover."""
    edges = _cumulative_shares(letters)
    places = _cumulative_shares([len(text) for text in texts])
    start_ms = np.interp(places[:-1], edges, [*starts, ends[-1]]).round().astype(int).tolist()
    end_ms = np.interp(places[1:], edges, [starts[0], *ends]).round().astype(int).tolist()
    timed = zip(texts, start_ms, end_ms, strict=True)
    return [TimedWord(text, start, max(start, end)) for text, start, end in timed]


def _cumulative_shares(letters: Sequence[int]) -> list[float]:
    """The start of each part as a share of the whole, followed by 1, the end of the last part."""
    *before, whole = accumulate(letters, initial=0)
    return [*(letter / whole for letter in before), 1.0]
