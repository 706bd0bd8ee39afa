"""Measures the tool's own error: what it measures, compared with what a scripted server did.

The script says when each word appears, is corrected and becomes final. The server follows it as
well as its timers allow, and notes when it received each chunk and sent each turn. So each delay is
known, apart from the way over loopback. The error of a family of delays is what was measured minus
what the server noted.
"""

import json
import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from workers.errors import PacelineError, UsageProblem
from workers.evaluation.attempt_log import normalise_word
from workers.evaluation.latency import JobLatency, measure_latency
from workers.evaluation.metrics import Clock
from workers.jobs.events import Began
from workers.localserver.recogniser_protocol import RecognisedWord
from workers.localserver.scripts.script import PartialWord, ReportDelays, ScriptedTurn
from workers.localserver.scripts.session_times import SessionTimes, read_times
from workers.runs.reader import read_job_states
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


def true_delays(script: CalibrationScript, times: SessionTimes) -> dict[str, list[float]]:
    """The delays of a session as the server noted them, by metric, in ms.

    They have the order in which `measure_latency` measures them.
    """
    turns = list(_true_turns(script, times))
    onset_s = _received_s(times, script.turns[0].words[0].start_ms)
    first_s = min(turn.at_s for turn in times.turns)
    ended_s = times.messages_at_s["Terminate"]
    delays: dict[str, list[float]] = {
        "ttft": [first_s - times.chunks_at_s[0]],
        "onset": [first_s - onset_s],
        "first_word": [turns[0].shown_s[0] - onset_s],
        "ttfs": [max(turn.final_s for turn in turns) - ended_s],
        **{name: [] for name in ("emission", "stable", "final", "eot", "forced")},
    }
    for turn in turns:
        stable_s = 0.0
        for word, shown_s in zip(turn.words, turn.shown_s, strict=True):
            stable_s, received_s = max(stable_s, shown_s), _received_s(times, word.end_ms)
            delays["emission"].append(shown_s - received_s)
            delays["stable"].append(stable_s - received_s)
            delays["final"].append(turn.final_s - received_s)
        if turn.is_forced:
            delays["forced"].append(turn.final_s - times.messages_at_s["ForceEndpoint"])
        else:
            delays["eot"].append(turn.final_s - _received_s(times, turn.words[-1].end_ms))
    return {name: [1000 * delay for delay in found] for name, found in delays.items()}


@dataclass(frozen=True, slots=True)
class _TrueTurn:
    words: tuple[RecognisedWord, ...]
    shown_s: list[float]
    """When a message with the right text of each word was first sent."""
    final_s: float
    is_forced: bool


def _true_turns(script: CalibrationScript, times: SessionTimes) -> Iterator[_TrueTurn]:
    turns: list[tuple[tuple[RecognisedWord, ...], bool]] = []
    for turn in script.turns:
        if turn.delays is _FORCED_DELAYS:  # its last word becomes a turn of its own
            turns += [(turn.words[:-1], True), (turn.words[-1:], False)]
        else:
            turns.append((turn.words, False))
    for order, (words, is_forced) in enumerate(turns):
        sent = [message for message in times.turns if message.turn_order == order]
        finals = [message for message in sent if message.end_of_turn]
        if not finals or len(finals[0].words) != len(words):
            raise PacelineError("a session did not stream the whole script", "Try fewer sessions.")
        shown_s = [
            next(
                message.at_s
                for message in sent
                if len(message.words) > index and normalise_word(message.words[index]) == word.text
            )
            for index, word in enumerate(words)
        ]
        yield _TrueTurn(words, shown_s, finals[0].at_s, is_forced)


def _received_s(times: SessionTimes, position_ms: int) -> float:
    """When the server received the chunk that ends at or after a position of the audio."""
    index = bisect_left(times.chunk_ends_s, position_ms / 1000 - 0.001)
    return times.chunks_at_s[min(index, len(times.chunks_at_s) - 1)]


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


def measure_errors(
    run: Path, script: CalibrationScript, times_path: Path
) -> dict[str, list[MeasuredError]]:
    """The errors of every job of a run that streamed the script, by metric.

    ``times_path``: what the server noted (`append_times`). Raises `PacelineError` if a session did
    not stream all of the script.
    """
    errors: dict[str, list[MeasuredError]] = {}
    sessions = read_times(times_path)
    for state in read_job_states(run):
        latency = JobLatency()
        measure_latency(latency, run, state, None, allow_invalid=True)
        (path,) = (path for _, path in trace_files(run, state.job))
        began = next(timed.event for timed in TraceReader(path) if isinstance(timed.event, Began))
        times = sessions[began.session_id]
        if not {"ForceEndpoint", "Terminate"} <= times.messages_at_s.keys():
            raise PacelineError("a session did not stream the whole script", "Try fewer sessions.")
        for name, delays in true_delays(script, times).items():
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
