"""Combines the halves of a pair into one job: its state, and one transcript of both speakers.

The desk, summaries and exports all use this fold, so they agree. Turns are ordered by the time of
their first word. A final turn of one speaker that lies wholly within one of the other (an "mm-hm")
divides it between two words; turns that only overlap at an end stay whole.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from operator import attrgetter

from workers.jobs.events import Ended, Retrying
from workers.jobs.job_state import METER_CHUNKS, Attempt, JobState, JobStatus
from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import Transcript, TranscriptLine, transcript_line
from workers.pacing.certificate import LagSummary, Skew
from workers.protocol.messages import Turn

STATUSES_WORST_FIRST = (
    JobStatus.RETRYING,
    JobStatus.QUEUED,
    JobStatus.CONNECTING,
    JobStatus.STREAMING,
    JobStatus.FINISHING,
    JobStatus.FAILED,
    JobStatus.INTERRUPTED,
    JobStatus.CANCELLED,
    JobStatus.DONE,
)
"""A pair has the first status that one of its halves has, so it is done when both are."""


@dataclass(slots=True)
class PairState(JobState):
    """A pair as one job. It never changes: `pair_state` makes a new one when a half does."""

    halves: tuple[JobState, ...] = ()
    """The two halves, left first."""
    skew: Skew | None = None
    """How far apart they sent their chunks; None unless it was read from their traces."""

    @property
    def resume_point(self) -> ResumePoint:
        """Where the half that would start first would continue."""
        unsettled = [half for half in self.halves if not half.is_settled] or self.halves
        return min((half.resume_point for half in unsettled), key=attrgetter("at_ms"))

    @property
    def is_live(self) -> bool:
        """Whether one of its halves has a session."""
        return any(half.status.is_live for half in self.halves)

    @property
    def open_seconds(self) -> float:
        """Total time of both sockets."""
        return sum(half.open_seconds for half in self.halves)

    def copy(self) -> "PairState":
        one, other = (half.copy() for half in self.halves)
        return replace(pair_state(one, other), skew=self.skew)


def combine_pairs(job_states: Iterable[JobState]) -> list[JobState]:
    """The jobs as the user sees them: the halves of each pair become one, in their place."""
    halves: dict[int, JobState] = {}
    combined = []
    for state in job_states:
        if state.half is None:
            combined.append(state)
        elif (other := halves.pop(state.half.pair, None)) is None:
            halves[state.half.pair] = state
        else:
            combined.append(pair_state(other, state))
    return sorted([*combined, *halves.values()], key=lambda state: state.job)


def session_states(job_state: JobState) -> Sequence[JobState]:
    """The states of a job's sessions: its own, or those of the halves of a pair."""
    return job_state.halves if isinstance(job_state, PairState) else (job_state,)


def pair_state(one: JobState, other: JobState, transcript: Transcript | None = None) -> PairState:
    """The state of a pair. ``transcript``: that of an earlier call with the same halves, which is
    updated faster than a new one."""
    halves = tuple(sorted((one, other), key=lambda state: state.job))
    first = halves[0]
    assert first.half is not None
    status = min((half.status for half in halves), key=STATUSES_WORST_FIRST.index)
    unfinished = [half for half in halves if not half.status.is_finished]
    live = [half for half in halves if half.status.is_live] or list(halves)
    lags = [half.lag for half in live if half.lag is not None]
    waiting = [half for half in halves if half.retrying is not None or half.refusal is not None]
    return PairState(
        job=first.half.pair_id,
        file=first.file,
        halves=halves,
        status=status,
        attempt=max(half.attempt for half in halves),
        start_seconds=first.start_seconds,
        total_seconds=max(half.total_seconds for half in halves),
        counted_seconds=first.counted_seconds,
        sent_seconds=min(half.sent_seconds for half in unfinished or halves),
        format=first.format,
        rate=first.rate,
        speed=first.speed,
        channels=first.channels,
        sha256=first.sha256 or halves[1].sha256,
        has_exact_length=any(half.has_exact_length for half in halves),
        missing_seconds=first.missing_seconds,
        recording_warnings=first.recording_warnings,
        is_waiting=all(half.is_waiting for half in live),
        began=next((half.began for half in halves if half.began is not None), None),
        lag=_worst_lag(lags) if lags else None,
        levels_db=_louder_levels([half.levels_db for half in live]),
        slips=sum(half.slips for half in halves),
        damage=list(dict.fromkeys(warned for half in halves for warned in half.damage)),
        session_warnings=_named_warnings(halves),
        transcript=PairTranscript(halves) if transcript is None else transcript,
        ended=None if unfinished else _worst_ending(halves),
        retrying=_named_retry(waiting[0]) if waiting else None,
        refusal=waiting[0].refusal if waiting else None,
        earlier_attempts=[
            Attempt(attempt.number, attempt.started_from, _named_ending(half, attempt.ended))
            for half in halves
            for attempt in half.earlier_attempts
        ],
        started_from=min((half.started_from for half in halves), key=attrgetter("at_ms")),
        has_started=any(half.has_started for half in halves),
        fetched=first.fetched,
        is_part=first.is_part,
        metadata=first.metadata,
        conditions=first.conditions,
    )


def current_skew_ms(pair: PairState) -> float | None:
    """How far apart the halves sent the chunks that they reported last; None unless both stream."""
    left, right = pair.halves
    if left.lag is None or right.lag is None or left.sent_seconds != right.sent_seconds:
        return None
    both_live = left.status.is_live and right.status.is_live
    return abs(left.lag.now - right.lag.now) if both_live else None


def speaker_of(half: JobState) -> str:
    """The name of the speaker whose channel a half streams."""
    return half.half.speaker if half.half is not None else ""


def _worst_lag(lags: Sequence[LagSummary]) -> LagSummary:
    return LagSummary(*(max(map(attrgetter(name), lags)) for name in ("now", "p50", "p99", "max")))


def _louder_levels(levels: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The louder of the latest levels, so that a meter moves while either speaker talks."""
    count = max(map(len, levels))
    padded = [(-99,) * (count - len(level)) + level for level in levels]
    return tuple(map(max, zip(*padded, strict=True)))[-METER_CHUNKS:]


def _named_warnings(halves: Sequence[JobState]) -> list[str]:
    """What the sessions survived; a warning of only one of them begins with its speaker."""
    one, other = (half.session_warnings for half in halves)
    shared = [text for text in one if text in other]
    return shared + [
        f"{speaker_of(half)}: {text}"
        for half in halves
        for text in half.session_warnings
        if text not in shared
    ]


def _named_ending(half: JobState, ended: Ended) -> Ended:
    return replace(ended, reason=f"{speaker_of(half)}: {ended.reason}")


def _named_retry(half: JobState) -> Retrying | None:
    retrying = half.retrying
    if retrying is None:
        return None
    return replace(retrying, reason=f"{speaker_of(half)}: {retrying.reason}")


def _worst_ending(halves: Sequence[JobState]) -> Ended:
    """How a pair ended: as its worse half did, with the sockets' time of both."""
    worst = min(halves, key=lambda half: STATUSES_WORST_FIRST.index(half.status))
    assert worst.ended is not None
    reasons = {half.ended.reason for half in halves if half.ended is not None}
    ended = worst.ended if len(reasons) == 1 else _named_ending(worst, worst.ended)
    certificates = [h.ended.certificate for h in halves if h.ended and h.ended.certificate]
    return replace(
        ended,
        sent_seconds=min(half.sent_seconds for half in halves),
        open_seconds=sum(half.ended.open_seconds for half in halves if half.ended is not None),
        certificate=max(certificates, key=lambda c: c.lag_ms.p99, default=None),
    )


MAX_RECENT_TURNS = 4
"""How many turns of each speaker are compared to find the latest one."""


class PairTranscript(Transcript):
    """The turns of both halves in the order in which they were spoken, numbered from 0.

    `speaker_label` of each turn is the name of its speaker. Reads the transcripts of the halves, so
    it is always up to date.
    """

    def __init__(self, halves: Sequence[JobState]) -> None:
        super().__init__()
        self._halves = halves
        self._sources: list[list[Turn]] = []
        self._pieces: list[_Piece] = []
        self._merged: list[Turn] = []
        """The pieces as turns; an object stays the same while its turn does."""

    @property
    def turns(self) -> list[Turn]:
        self._update()
        return list(self._merged)

    def last_turns(self, count: int) -> list[Turn]:
        return self.turns[-count:] if count else []

    @property
    def lines(self) -> list[TranscriptLine]:
        self._update()
        pairs = zip(self._pieces, self._merged, strict=True)
        return [
            replace(transcript_line(turn), speaker=self._names[piece.half]) for piece, turn in pairs
        ]

    @property
    def latest_line(self) -> TranscriptLine | None:
        # Read for each drawing of a row, so only the last turns are put in order.
        recent = [half.transcript.last_turns(MAX_RECENT_TURNS) for half in self._halves]
        if not (pieces := interleave(recent)):
            return None
        turn = pieces[-1].turn(0, *self._names)
        return replace(transcript_line(turn), speaker=self._names[pieces[-1].half])

    @property
    def latest_text(self) -> str:
        latest = self.latest_line
        return latest.text if latest else ""

    @property
    def is_complete(self) -> bool:
        return all(half.transcript.is_complete for half in self._halves)

    @property
    def turns_in_memory(self) -> int:
        return sum(half.transcript.turns_in_memory for half in self._halves)

    def evict(self, keep_turns: int) -> list[Turn]:
        """Evicts turns of the halves, except the last one of each, which `latest_line` needs. They
        are none of this transcript, so none is returned."""
        for half in self._halves:
            half.transcript.evict(max(1, keep_turns))
        return []

    def __len__(self) -> int:
        return sum(len(half.transcript) for half in self._halves)

    def index_of(self, half: int, point: ResumePoint) -> int:
        """The number here of the first turn of a half after a point at which it was resumed; until
        there is one, that of the first turn of the other half after that time."""
        self._update()
        later = len(self._pieces)
        for index, piece in enumerate(self._pieces):
            if piece.half == half and piece.source.turn_order >= point.turn:
                return index
            if piece.half != half and (piece.start_ms or 0) >= point.at_ms:
                later = min(later, index)
        return later

    @property
    def _names(self) -> list[str]:
        return [speaker_of(half) for half in self._halves]

    def _update(self) -> None:
        sources = [half.transcript.turns for half in self._halves]
        if sources == self._sources:
            return
        before, known = self._pieces, self._merged
        self._sources, self._pieces, self._merged = sources, interleave(sources), []
        for order, piece in enumerate(self._pieces):
            if order < len(before) and before[order].is_same(piece):
                self._merged.append(known[order])
            else:
                self._merged.append(piece.turn(order, *self._names))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some words of a turn, or all of them."""

    half: int
    source: Turn
    first: int
    end: int  # the number of the word after its last one

    @property
    def start_ms(self) -> int | None:
        words = self.source.words[self.first : self.end]
        return words[0].start if words else None

    def is_same(self, other: "_Piece") -> bool:
        """Whether both are the same words of the same version of a turn."""
        same_turn = self.source is other.source and self.half == other.half
        return same_turn and (self.first, self.end) == (other.first, other.end)

    def turn(self, order: int, *speakers: str) -> Turn:
        """The piece as a turn of its own, with the speaker's name."""
        turn, label = self.source, speakers[self.half]
        if turn.speaker_label:
            label = f"{label} {turn.speaker_label}"
        whole = self.end - self.first == len(turn.words)
        if whole:
            return replace(turn, turn_order=order, speaker_label=label)
        words, texts = turn.words, turn.transcript.split()
        begin, end = (_text_index(turn, texts, at) for at in (self.first, self.end))
        return replace(
            turn,
            turn_order=order,
            speaker_label=label,
            transcript=" ".join(texts[begin:end]),
            utterance="",
            words=words[self.first : self.end],
        )


def _text_index(turn: Turn, texts: Sequence[str], word: int) -> int:
    """Which written word stands for a timed word. If formatting joined some ("25"), the one at the
    same share of the turn's characters."""
    if len(texts) == len(turn.words):
        return word
    ends = list(accumulate((len(timed.text) for timed in turn.words), initial=0))
    written = list(accumulate((len(text) for text in texts), initial=0))
    if word == len(turn.words) or not ends[-1]:
        return len(texts) if word else 0
    return bisect_right(written, ends[word] / ends[-1] * written[-1]) - 1


def interleave(halves: Sequence[Sequence[Turn]]) -> list[_Piece]:
    """The turns of both halves in the order of their first words, divided where the other speaker
    said something in between."""
    timed: list[tuple[int, int, _Piece]] = []
    for index, turns in enumerate(halves):
        others = [turn for turn in halves[1 - index] if turn.words] if len(halves) == 2 else []
        others.sort(key=_start_ms)
        starts = [_start_ms(turn) for turn in others]
        reached = 0  # the turns of one speaker stay in their order
        for turn in turns:
            for piece in _divide(index, turn, others, starts):
                reached = max(reached, piece.start_ms or 0)
                timed.append((reached, index, piece))
    return [piece for _, _, piece in sorted(timed, key=lambda item: item[:2])]


def _start_ms(turn: Turn) -> int:
    return turn.words[0].start


def _divide(
    index: int, turn: Turn, others: Sequence[Turn], starts: Sequence[int]
) -> Iterator[_Piece]:
    """Divides a final turn where a turn of the other speaker begins that ends within it."""
    words = turn.words
    cuts = {0, len(words)}
    if turn.end_of_turn and words:
        ends_ms = words[-1].end
        for other in others[bisect_right(starts, words[0].start) :]:
            if other.words[0].start >= ends_ms:
                break
            if other.words[-1].end < ends_ms:
                cuts.add(_words_until(words, other.words[0].start))
    if len(cuts) == 1:
        yield _Piece(index, turn, 0, 0)
    for first, end in pairwise(sorted(cuts)):
        yield _Piece(index, turn, first, end)


def _words_until(words: Sequence[object], at_ms: int) -> int:
    """How many words begin at or before a time."""
    start: Callable[[object], int] = attrgetter("start")
    return bisect_right(words, at_ms, key=start)
