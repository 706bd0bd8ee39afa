"""How many sessions hold their pacing at a higher speed than that of speech.

``python -m tests.benchmarks.speed [--speed 20] [--sessions 1,10,20] [--wall-seconds 30]``

Runs the real command against a sink on loopback (see `sink`), which answers and recognises nothing.
The figures are those of the certificates: the lag of every chunk from when it was due until its
write had finished. Percentiles in the table are the worst of any session.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.benchmarks import ROOT
from tests.benchmarks.pacing import write_recordings
from tests.benchmarks.sink import Sink
from tui.text.tables import table


def main() -> None:
    parser = argparse.ArgumentParser(description="How many sessions hold a higher speed.")
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument(
        "--sessions", default="1,5,10,20,40", metavar="N,…", help="how many at once"
    )
    parser.add_argument("--wall-seconds", type=int, default=30, help="how long each run sends")
    args = parser.parse_args()
    rows = [
        measure(args.speed, int(sessions), args.wall_seconds)
        for sessions in args.sessions.split(",")
    ]
    due_ms = 100 / args.speed
    print(f"{args.speed:g} times the speed of speech: a chunk of 100 ms every {due_ms:g} ms\n")
    print(table(("sessions", "verdicts", "lag p50 ms", "p99", "p99.9", "max", "late s"), rows))


def measure(speed: float, sessions: int, wall_seconds: int) -> tuple[str, ...]:
    """A row of the table: one run of so many sessions at once."""
    with tempfile.TemporaryDirectory() as folder, Sink() as sink:
        files = write_recordings(Path(folder), sessions, round(wall_seconds * speed))
        command = [sys.executable, "-m", "tui", "run", "--json", "--endpoint", sink.url]
        command += ["--speed", str(speed), "--sessions", str(sessions)]
        result = subprocess.run(
            [*command, "--out", f"{folder}/run", *map(str, files)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    events = [json.loads(line) for line in result.stdout.splitlines()]
    certificates = [event["certificate"] for event in events if event["type"] == "ended"]
    verdicts = Counter(certificate["verdict"] for certificate in certificates)
    lags = [certificate["lag_ms"] for certificate in certificates]
    open_s = max(event["open_seconds"] for event in events if event["type"] == "ended")
    return (
        str(sessions),
        ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()),
        *(f"{max(lag[rank] for lag in lags):.2f}" for rank in ("p50", "p99", "p99_9", "max")),
        f"{open_s - wall_seconds:.1f}",
    )


if __name__ == "__main__":
    main()
