"""What so many sessions at once cost the embedded engine beside its clients, and where it stops.

``python -m tests.benchmarks.capacity [FOLDER] [--sessions 1 4 8 12 16] [--seconds 40]``

For each number of sessions a new engine is started that admits so many, whatever capacity it
measures for this machine. Paceline's own session processes stream real speech to it at the speed of
speech, on this same machine. FOLDER holds a ``manifest.tsv``; without one it uses the samples and
the recording that comes with the engine's package. Each session hears the recordings one after the
other with 1.5 s of silence between, beginning with another one, and the starts are 0.7 s apart, so
that their sentences do not coincide. Only what is said while all sessions are live is counted.

final
    From the end of speech to the first final reading of its turn, in seconds. The end is found in
    the recording by loudness (see `speech_segments`); the engine's word times only choose which
    pause a final belongs to (see `latency`). It includes the silence that the engine waits for.
own
    The same from the end that the engine itself gives the last word: the difference to ``final``
    shows what its word times are worth.
partial
    From the end of its last word, as the engine gives it, to a partial that has a new last word.
every
    Seconds between two partials of the same turn, the median.
pacing
    The largest p99 of the sessions' certificates, in ms: whether the clients kept their pace.
CPU
    In % of one core, all of a kind together, while all sessions are live; clients are the session
    processes. Memory is private (USS), in MB, at the end of that: the largest recogniser, the
    median client.
refused
    Sessions that got no Begin; an engine that falls behind still refuses. ``broken`` ones got it
    and did not end as they should.
control
    Round trips in ms of a further client that sends no audio while all sessions are live: ping to
    pong, dialling to Begin, a frame that is no JSON to Error; ``refused`` are calls that got no
    Begin. See `control_probe`.

By the release convention ``start`` a delay is up to one chunk shorter than at a microphone.
Percentiles are by nearest rank. It keeps up where no session was refused or broken and the p95 of
its finals is at most 1.2 s. Where it stops between these numbers, ``paceline find-limit`` searches
at the end.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks import ROOT, speech_segments, system_metrics
from tests.benchmarks.control_probe import ControlProbe
from tests.benchmarks.latency import SETTLING, format_value, percentile
from tests.benchmarks.load_levels import (
    IN_TIME,
    PROMPT,
    Cost,
    LoadResult,
    MeasurementWindow,
    cpu_time_between,
    summarise_load,
)
from tests.benchmarks.report_collector import RunCollector
from tests.benchmarks.speech_segments import SpeechAudio
from tui.cli.run_setup import SERVER_START_TIMEOUT_S
from tui.text.tables import table
from workers.jobs.job import StreamSettings
from workers.localserver.child import LocalServer
from workers.protocol import endpoint
from workers.runs import run_folder
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.secrecy import Secret

STAGGER = 0.7
"""Seconds between two starts."""

PATIENCE = 120.0
"""Seconds that an overloaded engine may take to begin sessions, and to end them."""


def main() -> None:
    """Measures as asked and prints its tables."""
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    parts = [speech_segments.load_speech(path) for path in speech_segments.recordings(args.folder)]
    settings = StreamSettings(speech_model=args.speech_model)
    levels = []
    for sessions in args.sessions:
        recordings = [
            speech_segments.concatenate(parts, first, args.seconds) for first in range(sessions)
        ]
        with tempfile.TemporaryDirectory() as scratch:
            levels.append(measure_level(recordings, settings, Path(scratch)))
        print(f"{sessions} at once: measured", flush=True)
    print(f"\n{_delays(levels)}\n\n{_costs(levels)}\n\n{_control(levels)}\n", flush=True)
    find_limit(args.folder or ROOT / "samples" / "recordings", args.speech_model)


def find_limit(folder: Path, model: str) -> None:
    """Searches the largest number that keeps up, as users do: by the engine's own word times."""
    objectives = [f"final.p95<{IN_TIME:g}s", "pacing.p99<10ms"]
    subprocess.run(
        [sys.executable, "-m", "tui", "find-limit", str(folder), "--local"]
        + ["--speech-model", model]
        + [part for objective in objectives for part in ("--slo", objective)],
        check=False,  # it also says when not even one session keeps up
        cwd=ROOT,
    )


def measure_level(
    recordings: Sequence[SpeechAudio], settings: StreamSettings, folder: Path
) -> LoadResult:
    """One engine, one session for each programme, and a probe beside them."""
    files = [spoken.write(folder / f"{number:03d}.wav") for number, spoken in enumerate(recordings)]
    room = len(files) + 1  # for the probe too; the engine's own limit would refuse the last ones
    with LocalServer(folder / "engine.log", max_sessions=room) as server:
        url, key = server.wait_for_address(SERVER_START_TIMEOUT_S), Secret(server.api_key)
        access = SessionTarget(endpoint.embedded_endpoint(url), key, len(files))
        run = run_folder.create(folder / "run")
        with Supervisor(lambda: access, run, settings, max_sessions=len(files)) as supervisor:
            audience = RunCollector(supervisor.reports)
            for file in files:
                supervisor.add([str(file)])
                audience.collect(STAGGER)
            audience.collect(PATIENCE, lambda: audience.answered(len(files)))
            window = _measurement_window(
                audience, min(len(spoken.samples) for spoken in recordings)
            )
            with ControlProbe(url, server.api_key) as probe:
                cost = _cost(audience, window.until - window.since)
                answers = probe.round_trips()
            audience.collect(PATIENCE, lambda: audience.over(len(files)))
    listeners = [audience.listeners[str(file)] for file in files]
    return summarise_load(list(zip(listeners, recordings, strict=True)), window, cost, answers)


def _measurement_window(audience: RunCollector, samples: int) -> MeasurementWindow:
    """The time from now until the first session ends."""
    begun = [at for each in audience.listeners.values() if (at := each.began_at) is not None]
    if not begun:
        raise RuntimeError("the engine began no session")
    window = MeasurementWindow(
        time.monotonic(), min(begun) + samples / speech_segments.RATE - SETTLING
    )
    if window.until <= window.since:
        raise RuntimeError("the sessions were never all live at once: ask for more --seconds")
    return window


def _cost(audience: RunCollector, seconds: float) -> Cost:
    """CPU and memory of all processes over this many seconds, while reports are read."""
    server, recognisers = system_metrics.engine_processes()
    groups = ([server], recognisers, system_metrics.session_processes())
    before = [system_metrics.cpu_seconds(group) for group in groups]
    began = time.monotonic()
    audience.collect(seconds)
    passed = time.monotonic() - began
    shares = [
        100 * cpu_time_between(was, system_metrics.cpu_seconds(was)) / passed for was in before
    ]
    memory = [system_metrics.private_mb(group) or [0.0] for group in groups]
    return Cost(
        server=shares[0],
        recognisers=shares[1],
        sessions=shares[2],
        server_mb=memory[0][0],
        recogniser_mb=max(memory[1]),
        session_mb=median(memory[2]),
    )


# --- words ----------------------------------------------------------------------------------------


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How many sessions the embedded engine serves.")
    parser.add_argument("folder", type=Path, nargs="?", help="with a manifest.tsv")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 4, 8, 12, 16])
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each session")
    parser.add_argument("--speech-model", default=StreamSettings().speech_model)
    return parser.parse_args()


def _delays(levels: Iterable[LoadResult]) -> str:
    head = ("sessions", "refused", "broken", "finals", "final p50 s", "p95", "own p50 s", "p95")
    rows = [
        (
            *map(str, (each.sessions, each.refused, each.broken, len(each.final))),
            *_percentiles(each.final, (50, 95), 2),
            *_percentiles(each.own, (50, 95), 2),
            *_percentiles(each.partial, (50, 95), 2),
            *_percentiles(each.every, (50,), 2),
            *_percentiles(each.pacing, (100,), 1),
            _answer(each.keeps_up),
        )
        for each in levels
    ]
    more = ("partial p50 s", "p95", "every s", "pacing p99 ms", f"final p95 <= {IN_TIME} s")
    return table((*head, *more), rows)


def _costs(levels: Iterable[LoadResult]) -> str:
    head = ("sessions", "CPU % server", "recognisers", "clients", "MB server", "a recogniser")
    rows = [
        (
            str(each.sessions),
            *(f"{share:.1f}" for share in each.cost.shares),
            *(f"{megabytes:.1f}" for megabytes in each.cost.memory),
        )
        for each in levels
    ]
    return table((*head, "a client"), rows)


def _control(levels: Iterable[LoadResult]) -> str:
    head = ("sessions", "pings", "p50 ms", "p99", "to Begin p50", "p99", "to Error p50", "p99")
    rows = [
        (
            str(each.sessions),
            str(len(each.answers.ping)),
            *_percentiles(each.answers.ping, (50, 99), 1),
            *_percentiles(each.answers.begin, (50, 99), 1),
            *_percentiles(each.answers.error, (50, 99), 1),
            str(len(each.answers.refused)),
            _answer(each.is_responsive),
        )
        for each in levels
    ]
    return table((*head, "refused", f"all p99 < {PROMPT:g} ms"), rows)


def _answer(so: bool | None) -> str:
    return {True: "yes", False: "no", None: "-"}[so]


def _percentiles(values: Sequence[float], ranks: Sequence[float], digits: int) -> list[str]:
    return [format_value(percentile(values, rank), digits) for rank in ranks]


if __name__ == "__main__":
    main()
