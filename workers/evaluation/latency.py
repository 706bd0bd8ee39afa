"""Measures delays in the traces of a job. All times come from the trace; there is no other clock.

A delay that starts at a position of the audio is given for both clocks of `Clock`. With the release
convention ``start`` a chunk leaves before a microphone could have recorded it, so such delays are
up to one chunk longer than with ``end``; results therefore state the convention.
"""

from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, inf
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from workers.evaluation.accuracy import Edit, align
from workers.evaluation.attempt_log import (
    AttemptLog,
    TurnMessages,
    common_prefix,
    first_appearances,
    normalise_word,
    read_attempt,
    shown_words,
    stable_appearances,
)
from workers.evaluation.lagging import average_lagging
from workers.evaluation.metrics import Clock
from workers.evaluation.reference_formats import Reference
from workers.jobs.attempt_spans import attempt_spans, span_of_turn
from workers.jobs.job_state import JobState
from workers.pacing.certificate import Certificate, Verdict
from workers.pacing.schedule import Release
from workers.traces.chunk_times import ChunkTime, ChunkTimes
from workers.traces.files import trace_files
from workers.traces.reader import TraceReader

MAX_REFERENCE_DISTANCE_MS = 1500
"""A word of the reference gives its end to an equal word of the result only if the two ends are
this close; otherwise the alignment has matched two different utterances of the same word."""


class Delays:
    """The delays of one metric, in arrays, as a large run has millions."""

    def __init__(self) -> None:
        self.at_s = array("f")
        """Where in the recording each was measured, to about a millisecond."""
        self._due_ms, self._sent_ms = array("d"), array("d")
        self.ms = {Clock.DUE: self._due_ms, Clock.SENT: self._sent_ms}

    def __len__(self) -> int:
        return len(self.at_s)

    def add_equal(self, at_s: Iterable[float], ms: Iterable[float]) -> None:
        """Adds delays that are the same by both clocks, and kept once."""
        self._sent_ms = self.ms[Clock.SENT] = self._due_ms
        self.at_s.extend(at_s)
        self._due_ms.extend(ms)

    def add(self, at_s: float, due_ms: float, sent_ms: float) -> None:
        self.at_s.append(at_s)
        self._due_ms.append(due_ms)
        self._sent_ms.append(sent_ms)


@dataclass(slots=True)
class JobLatency:
    """The delays of one job by metric, and its counts of unstable words."""

    delays: dict[str, Delays] = field(default_factory=dict)
    corrections: int = 0
    unstable_words: int = 0
    final_words: int = 0
    invalid: list[str] = field(default_factory=list)
    """Why attempts do not count; empty if the whole job is valid for latency."""
    has_reference_times: bool = False
    """Whether the ends of words come from the reference; else they come from the server."""
    certificates: list[Certificate] = field(default_factory=list)
    open_spans: list[tuple[float, float]] = field(default_factory=list)
    """When its sessions began and ended, in Unix time."""

    def add(self, metric: str, at_s: float, due_ms: float, sent_ms: float) -> None:
        if (delays := self.delays.get(metric)) is None:
            delays = self.delays[metric] = Delays()
        delays.add(at_s, due_ms, sent_ms)

    def add_since(self, metric: str, at_s: float, chunk: ChunkTime, until_s: float) -> None:
        """Adds the delay from a chunk to a time of the attempt."""
        due_s, sent_s = until_s - chunk.due_s, until_s - chunk.sent_s
        self.add(metric, at_s, due_s * 1000, sent_s * 1000)


def measure_latency(
    result: JobLatency,
    folder: Path,
    state: JobState,
    reference: Reference | None,
    *,
    allow_invalid: bool = False,
) -> None:
    """Adds the delays of a job, or of half of a pair, from its traces in the run folder ``folder``.

    Skips attempts whose pacing did not hold, unless ``allow_invalid``. Also skips the first turn
    after a resume point, because its audio was sent before. Raises `Malformed` or `OSError` for
    traces that cannot be read.
    """
    spans = attempt_spans(state)
    used = {span.attempt for span in spans}
    for number, path in trace_files(folder, state.job):
        if number not in used:
            continue
        trace = TraceReader(path)
        attempt = read_attempt(number, trace)
        if attempt.began_s is not None and trace.head is not None:
            with suppress(ValueError):  # damaged
                opened = datetime.fromisoformat(trace.head.wall).timestamp()
                result.open_spans.append((opened + attempt.began_s, opened + attempt.last_s))
        if attempt.began_s is None or not len(trace.chunk_times):
            continue
        _add_lags(result, trace.chunk_times)
        certificate = attempt.certificate
        if certificate is None and (timing := trace.chunk_times.timing(number)) is not None:
            certificate = timing.certificate
        if certificate is not None:
            result.certificates.append(certificate)
            if certificate.verdict is not Verdict.HELD:
                result.invalid.append(_invalid_reason(number, certificate))
                if not allow_invalid:
                    continue
        kept = {
            order: turn
            for order, turn in sorted(attempt.turns.items())
            if turn.final is not None and span_of_turn(spans, order).attempt == number
        }
        if not attempt.starts_job and kept:
            del kept[min(kept)]  # its audio was sent before, by the attempt that broke
        reference_onset_s = None
        if reference is not None and reference.timed and state.half is None:
            reference_onset_s = reference.timed[0].start / 1000  # of a call: the first speaker
        clock = AudioClock(trace.chunk_times)
        word_ends = _reference_ends(reference, kept.values())
        result.has_reference_times |= word_ends is not None
        if attempt.starts_job:
            _measure_start(result, clock, attempt, kept, reference_onset_s)
        for turn in kept.values():
            _measure_turn(result, clock, attempt, turn, word_ends)
        if number == spans[-1].attempt:  # others end before the audio does
            _measure_end(result, clock, attempt, kept)
        if attempt.starts_job and len(spans) == 1 and attempt.speed == 1:
            words = None if reference is None or state.half else len(reference.said.split())
            _measure_lagging(result, clock, kept, words)


def _invalid_reason(number: int, certificate: Certificate) -> str:
    if certificate.slips:
        return f"attempt {number}: the schedule slipped by {certificate.slipped_ms:.0f} ms"
    lag, tolerance = certificate.lag_ms.p99, certificate.tolerance_ms
    return f"attempt {number}: p99 lag {lag:.1f} ms, more than {tolerance:g} ms"


class AudioClock:
    """When the audio at a position of the recording was due and sent, in one attempt."""

    def __init__(self, times: ChunkTimes) -> None:
        self._times = times
        self._known: dict[int, ChunkTime] = {}
        self.first, self.last = times[0], times[len(times) - 1]

    def chunk_at(self, position_s: float) -> ChunkTime:
        """The chunk whose audio ends at or after a position; the first or last one outside."""
        # A position on the edge of two chunks is the end of the first; times are rounded to 1 ms.
        index = ceil((position_s - self.first.start_s) / self.first.seconds - 0.001) - 1
        index = min(max(index, 0), len(self._times) - 1)
        if (chunk := self._known.get(index)) is None:
            chunk = self._known[index] = self._times[index]
        return chunk


def _measure_turn(
    result: JobLatency,
    clock: AudioClock,
    attempt: AttemptLog,
    turn: TurnMessages,
    word_ends: dict[tuple[int, int], int] | None,
) -> None:
    assert turn.final is not None
    ends_ms = [word.end for word in turn.final.words]
    known: list[int | None] = list(ends_ms)
    if word_ends is not None:
        known = [word_ends.get((turn.final.turn_order, index)) for index in range(len(ends_ms))]
    _measure_words(result, clock, turn, known)
    _measure_stability(result, turn)
    forced = [t for t in attempt.forced_s if turn.times_s[0] <= t <= turn.final_at_s]
    if forced:
        delay = (turn.final_at_s - forced[-1]) * 1000
        at_s = ends_ms[-1] / 1000 if ends_ms else 0.0
        result.add("forced", at_s, delay, delay)
    elif known and known[-1] is not None and turn.final_at_s < attempt.terminate_s:
        at_s = known[-1] / 1000
        result.add_since("eot", at_s, clock.chunk_at(at_s), turn.final_at_s)


def _measure_end(
    result: JobLatency, clock: AudioClock, attempt: AttemptLog, kept: dict[int, TurnMessages]
) -> None:
    """Measures the last final message of a recording."""
    if not kept or attempt.terminate_s == inf:
        return
    last, until_s = clock.last, max(turn.final_at_s for turn in kept.values())
    interval_s = last.seconds / attempt.speed if attempt.release is Release.START else 0.0
    due_ms = (until_s - last.due_s - interval_s) * 1000
    result.add("ttfs", last.start_s + last.seconds, due_ms, (until_s - attempt.terminate_s) * 1000)


def _measure_lagging(
    result: JobLatency,
    clock: AudioClock,
    kept: dict[int, TurnMessages],
    reference_words: int | None,
) -> None:
    """Measures a recording that one attempt streamed whole as simultaneous translation is."""
    shown_s = [t for _, t in shown_words(kept.values())]
    source_ms = (clock.last.start_s + clock.last.seconds - clock.first.start_s) * 1000
    for name, is_cut in (("laal", False), ("yaal", True)):
        due_ms, sent_ms = (
            average_lagging(
                [(t - start_s) * 1000 for t in shown_s],
                source_ms,
                reference_words,
                without_tail=is_cut,
            )
            for start_s in (clock.first.due_s, clock.first.sent_s)
        )
        if due_ms is not None and sent_ms is not None:
            result.add(name, clock.first.start_s, due_ms, sent_ms)


def _add_lags(result: JobLatency, times: ChunkTimes) -> None:
    """Adds the lag of every chunk, also of an attempt whose delays are invalid."""
    start_s, chunk_s = times[0].start_s, times.settings.chunk_ms / 1000
    if (delays := result.delays.get("pacing")) is None:
        delays = result.delays["pacing"] = Delays()
    delays.add_equal(
        [start_s + chunk * chunk_s for chunk in range(len(times))],
        [lag_us / 1000 for lag_us in times.lags_us],
    )


def _measure_start(
    result: JobLatency,
    clock: AudioClock,
    attempt: AttemptLog,
    kept: dict[int, TurnMessages],
    reference_onset_s: float | None,
) -> None:
    """Measures the first message and the first word of a recording."""
    with_text = [
        t
        for turn in attempt.turns.values()
        for t, words in zip(turn.times_s, turn.texts, strict=True)
        if any(words)
    ]
    if not with_text:
        return
    first_s = min(with_text)
    result.add_since("ttft", clock.first.start_s, clock.first, first_s)
    first_turn = next((turn for turn in kept.values() if turn.texts and turn.texts[-1]), None)
    if first_turn is None:
        return
    assert first_turn.final is not None
    if reference_onset_s is not None:
        onset_s = reference_onset_s
    elif first_turn.final.words:
        onset_s = first_turn.final.words[0].start / 1000
    else:
        return
    onset = clock.chunk_at(onset_s)
    result.add_since("onset", onset_s, onset, first_s)
    result.add_since("first_word", onset_s, onset, first_appearances(first_turn)[0])


def _measure_words(
    result: JobLatency, clock: AudioClock, turn: TurnMessages, ends_ms: Sequence[int | None]
) -> None:
    """Measures each word of a final turn whose end is known."""
    if not any(end is not None for end in ends_ms):
        return
    first, stable = first_appearances(turn), stable_appearances(turn)
    for index, end_ms in enumerate(ends_ms):
        if end_ms is not None:
            end_s = end_ms / 1000
            chunk = clock.chunk_at(end_s)
            result.add_since("emission", end_s, chunk, first[index])
            result.add_since("stable", end_s, chunk, stable[index])
            result.add_since("final", end_s, chunk, turn.final_at_s)


def _measure_stability(result: JobLatency, turn: TurnMessages) -> None:
    """Counts words that changed after they were shown, and intervals between messages."""
    result.final_words += len(turn.texts[-1])
    changed_s = turn.times_s[0]
    for index in range(1, len(turn.texts)):
        before, after = turn.texts[index - 1], turn.texts[index]
        if before == after:
            continue
        ms = (turn.times_s[index] - changed_s) * 1000
        result.add("interval", 0.0, ms, ms)
        changed_s = turn.times_s[index]
        edits = Levenshtein.editops(before, after).as_list()
        result.corrections += sum(tag != "insert" for tag, *_ in edits)
        result.unstable_words += len(before) - common_prefix(before, after)


def _reference_ends(
    reference: Reference | None, turns: Iterable[TurnMessages]
) -> dict[tuple[int, int], int] | None:
    """The ends of words that the reference has too, by turn and index; None without word times.

    Only equal words count; each other word has no known end.
    """
    if reference is None or not reference.has_word_times:
        return None
    said = [normalise_word(part.said) for part in reference.timed]
    places = [
        (turn.final.turn_order, index, word.end)
        for turn in turns
        if turn.final is not None
        for index, word in enumerate(turn.final.words)
    ]
    words = [
        word
        for turn in turns
        if turn.final is not None and turn.final.words
        for word in turn.texts[-1]
    ]
    ends: dict[tuple[int, int], int] = {}
    for step in align(said, words).steps:
        if step.edit is Edit.HIT and step.reference is not None and step.hypothesis is not None:
            order, index, end_ms = places[step.hypothesis]
            reference_ms = reference.timed[step.reference].end
            if abs(reference_ms - end_ms) <= MAX_REFERENCE_DISTANCE_MS:
                ends[order, index] = reference_ms
    return ends
