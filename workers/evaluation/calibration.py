"""Measures the tool's own error: what it measures, compared with what a scripted server did.

The script says when each word appears, is corrected and becomes final, counted from the arrival of
the audio. So each delay is known, apart from the way over loopback. The error of a family of delays
is what was measured minus what the script says; the server's own lateness counts as our error.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from workers.errors import PacelineError, UsageProblem
from workers.evaluation.latency import JobLatency, measure_latency
from workers.evaluation.metrics import Clock
from workers.jobs.events import MessageSent
from workers.localserver.recogniser_protocol import RecognisedWord
from workers.localserver.scripts.script import PartialWord, ReportDelays, ScriptedTurn
from workers.runs.reader import read_job_states
from workers.traces.chunk_times import ChunkTimes
from workers.traces.files import trace_files
from workers.traces.reader import TraceReader

FORCE_AFTER_S = 0.3
"""When the open turn is forced to end, after the end of its last word."""

_FORCED_DELAYS = ReportDelays(partial_after=0.1, final_after=1.0)
"""Of the forced turn: its final is due 0.7 s after ForceEndpoint."""

_SYLLABLES = [first + last for first in "bdfghjklmn" for last in "aiou"]


@dataclass(frozen=True, slots=True)
class CalibrationScript:
    """What the server says in each session."""

    turns: tuple[ScriptedTurn, ...]
    seconds: float
    """Length of the audio."""
    force_at_s: float
    """Position of the audio at which ForceEndpoint must be sent."""

    def to_toml(self) -> str:
        """The script in the format of ``docs/scripts.md``."""
        lines = ["[[session]]"]
        for turn in self.turns:
            lines += ["[[session.turn]]", f"partial_after = {turn.delays.partial_after}"]
            lines += [f"final_after = {turn.delays.final_after}", "words = ["]
            for word, partial in zip(turn.words, turn.partial_words, strict=True):
                extra = ""
                if partial is not None:
                    extra = f", {{shown_before = {partial.shown_before}"
                    if partial.first_text:
                        extra += f', first_text = "{partial.first_text}"'
                        extra += f", corrected_after = {partial.corrected_after}"
                    extra += "}"
                lines.append(f'  ["{word.text}", {word.start_ms}, {word.end_ms}{extra}],')
            lines.append("]")
        return "\n".join(lines) + "\n"


def write_script(seconds: float, seed: int = 1) -> CalibrationScript:
    """A script of about ``seconds``, at least 15: turns with different delays, some words that are
    shown before their end, some that are corrected, and one turn that waits to be forced."""
    generator = random.Random(seed)
    turns: list[ScriptedTurn] = []
    at_ms, force_at_s = 400, 0.0
    while at_ms < seconds * 1000 - 4000:
        forced = not force_at_s and at_ms > 5000
        count = 3 if forced else generator.randint(3, 6)
        words, partials = [], []
        for _ in range(count):
            length = generator.randrange(180, 420, 7)
            text = "".join(generator.choices(_SYLLABLES, k=3))
            words.append(RecognisedWord(text, at_ms, at_ms + length, confidence=1.0))
            partials.append(None if forced else _surprise(generator, text))
            at_ms += length + generator.choice((0, 30, 90))
        delays = _FORCED_DELAYS
        if forced:
            # The turn has another word, far behind, so that silence does not end it.
            force_at_s = words[-1].end_ms / 1000 + FORCE_AFTER_S
            at_ms = words[-1].end_ms + 2500
            words.append(RecognisedWord("after", at_ms, at_ms + 300, confidence=1.0))
            partials.append(None)
            at_ms += 300
        else:
            partial_after = generator.randrange(40, 400, 10) / 1000
            final_after = partial_after + generator.randrange(250, 700, 10) / 1000
            delays = ReportDelays(partial_after, round(final_after, 3))
        turns.append(ScriptedTurn(tuple(words), delays, tuple(partials)))
        at_ms += 1800
    return CalibrationScript(tuple(turns), seconds, force_at_s)


def _surprise(generator: random.Random, text: str) -> PartialWord | None:
    chance = generator.random()
    if chance < 0.15:
        after = generator.randrange(50, 200, 10) / 1000
        return PartialWord(f"{text}x", corrected_after=after)
    return PartialWord(shown_before=0.5) if chance < 0.25 else None


@dataclass(slots=True)
class _Plan:
    """When the messages about one turn are due, on the attempt's clock."""

    ends_s: list[float] = field(default_factory=list)
    """The end of each word in the recording."""
    shown_s: list[float] = field(default_factory=list)
    """When the right text of each word is first in a message."""
    first_s: float = 0.0
    final_s: float = 0.0
    is_forced: bool = False


def expected_delays(
    script: CalibrationScript, times: ChunkTimes, forced_s: float, terminate_s: float
) -> dict[str, list[float]]:
    """The delays that the script causes, by the clock ``sent`` in ms, in the order in which
    `measure_latency` measures them.

    ``forced_s`` and ``terminate_s``: when these messages were sent, on the attempt's clock.
    """
    chunks = _Chunks(times)
    plans = list(_plan_turns(script, chunks, forced_s))
    first_s = min(plan.first_s for plan in plans)
    onset_s = script.turns[0].words[0].start_ms / 1000
    expected: dict[str, list[float]] = {
        "ttft": [first_s - times[0].sent_s],
        "onset": [first_s - chunks.sent_s(onset_s)],
        "first_word": [plans[0].shown_s[0] - chunks.sent_s(onset_s)],
        "ttfs": [max(plan.final_s for plan in plans) - terminate_s],
        **{name: [] for name in ("emission", "stable", "final", "eot", "forced")},
    }
    for plan in plans:
        stable_s = 0.0
        for end_s, shown_s in zip(plan.ends_s, plan.shown_s, strict=True):
            stable_s, sent_s = max(stable_s, shown_s), chunks.sent_s(end_s)
            expected["emission"].append(shown_s - sent_s)
            expected["stable"].append(stable_s - sent_s)
            expected["final"].append(plan.final_s - sent_s)
        if plan.is_forced:
            expected["forced"].append(plan.final_s - forced_s)
        else:
            expected["eot"].append(plan.final_s - chunks.sent_s(plan.ends_s[-1]))
    return {name: [1000 * delay for delay in delays] for name, delays in expected.items()}


class _Chunks:
    def __init__(self, times: ChunkTimes) -> None:
        self._times = times
        self._seconds = times.settings.chunk_ms / 1000

    def sent_s(self, position_s: float) -> float:
        """When the chunk that ends at or after a position was sent."""
        index = ceil(position_s / self._seconds - 0.001) - 1
        return self._times[min(max(index, 0), len(self._times) - 1)].sent_s


def _plan_turns(script: CalibrationScript, chunks: _Chunks, forced_s: float) -> Iterator[_Plan]:
    for turn in script.turns:
        words = list(zip(turn.words, turn.partial_words, strict=True))
        if turn.delays is _FORCED_DELAYS:
            yield _plan_turn(words[:-1], turn.delays, chunks, forced_s)
            yield _plan_turn(words[-1:], turn.delays, chunks, None)
        else:
            yield _plan_turn(words, turn.delays, chunks, None)


def _plan_turn(
    words: Sequence[tuple[RecognisedWord, PartialWord | None]],
    delays: ReportDelays,
    chunks: _Chunks,
    forced_s: float | None,
) -> _Plan:
    plan = _Plan(is_forced=forced_s is not None)
    received_s = 0.0
    received = []
    for word, partial in words:
        before = partial.shown_before if partial is not None else 0.0
        received_s = max(received_s, chunks.sent_s(word.end_ms / 1000 - before))
        received.append(received_s)
    plan.final_s = max(received_s + delays.final_after, forced_s or 0.0)
    for (word, partial), at_s in zip(words, received, strict=True):
        shown_s = at_s + delays.partial_after
        plan.first_s = min(plan.first_s or shown_s, shown_s)
        if partial is not None and partial.first_text:
            shown_s += partial.corrected_after
        plan.ends_s.append(word.end_ms / 1000)
        plan.shown_s.append(min(shown_s, plan.final_s))
    return plan


@dataclass(frozen=True, slots=True)
class MeasuredError:
    """The error of one delay, and when the delay was measured."""

    ms: float
    """Measured minus expected."""
    begin_s: float  # Unix time, to about a chunk
    end_s: float


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """The errors of one family of delays, in ms. Percentiles are of the absolute error, by nearest
    rank."""

    n: int
    mean: float
    """With its sign: positive if delays are measured too long."""
    p50: float
    p95: float
    max: float


def measure_errors(run: Path, script: CalibrationScript) -> dict[str, list[MeasuredError]]:
    """The errors of every job of a run that streamed the script, by metric.

    Raises `PacelineError` if a session did not stream all of it.
    """
    errors: dict[str, list[MeasuredError]] = {}
    for state in read_job_states(run):
        latency = JobLatency()
        measure_latency(latency, run, state, None, allow_invalid=True)
        (path,) = (path for _, path in trace_files(run, state.job))
        trace = TraceReader(path)
        sent = {
            timed.event.message.get("type"): timed.t
            for timed in trace
            if isinstance(timed.event, MessageSent)
        }
        if "ForceEndpoint" not in sent or "Terminate" not in sent:
            raise PacelineError("a session did not stream the whole script", "Try fewer sessions.")
        expected = expected_delays(
            script, trace.chunk_times, sent["ForceEndpoint"], sent["Terminate"]
        )
        for name, delays in expected.items():
            measured = latency.delays[name].ms[Clock.SENT]
            if len(measured) != len(delays):
                raise PacelineError(
                    f"{name} was measured {len(measured)} times instead of {len(delays)}",
                    "Did a session break, or was the machine too busy? Try again.",
                )
            ((began_s, _),) = latency.open_spans
            errors.setdefault(name, []).extend(
                MeasuredError(one - other, began_s + at_s, began_s + at_s + one / 1000)
                for at_s, one, other in zip(
                    latency.delays[name].at_s, measured, delays, strict=True
                )
            )
    return errors


def quote_calibration(path: Path) -> str:
    """One sentence about what ``calibrate --json`` printed into a file; raises `UsageProblem`."""
    try:
        levels = json.loads(path.read_text())["sessions"]
        quotes = [
            f"{sessions} at once: {max(family['p95'] for family in families.values()):.2f} ms"
            for sessions, families in levels.items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "Write it with: paceline calibrate --json > calibration.json"
        raise UsageProblem(f"{path} is no calibration ({error})", hint) from error
    return f"p95 of |error| in the worst family of delays, sessions {'; '.join(quotes)}"


def summarise_errors(errors: dict[str, list[MeasuredError]]) -> dict[str, ErrorSummary]:
    """Summarises errors by metric."""
    summaries = {}
    for name, values in errors.items():
        sizes = sorted(abs(error.ms) for error in values)
        n = len(sizes)
        mean = sum(error.ms for error in values) / n
        p50, p95 = (sizes[ceil(share * n) - 1] for share in (0.5, 0.95))
        summaries[name] = ErrorSummary(n, mean, p50, p95, sizes[-1])
    return summaries
