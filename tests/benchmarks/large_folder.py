"""Opens the desk on a folder of many recordings: first rows, memory, keys, and speed of probing.

``python -m tests.benchmarks.large_folder [--files 20000] [--sessions 10] [--keys 200]``

The folder has that many short recordings, all different; a sink accepts what is streamed.

first rows
    From the start of ``paceline`` to reading the first recording's row in the terminal.
probed
    Until the last recording is probed, and how many a second that is.
key to paint
    From writing ``j`` or ``k`` into the terminal to reading what draws the cursor in its new row,
    while files are probed and sessions stream.
memory
    Resident, of the program with the desk, and how much that is for each recording.
"""

import argparse
import array
import json
import tempfile
import time
import wave
from pathlib import Path

from tests.benchmarks import system_metrics
from tests.benchmarks.desk import COMMAND, SIZES, key_answers
from tests.benchmarks.latency import percentile
from tests.benchmarks.sink import Sink
from tests.benchmarks.terminal_recorder import TerminalRecorder
from tui.text.tables import table
from workers.runs.index import read_index

FOLDER_FILES = 1000
"""Recordings in each subfolder."""

SAMPLES = 1600
"""Length of a recording at 8000 Hz."""


def write_recordings(folder: Path, count: int, samples: int = SAMPLES) -> None:
    """Writes so many different recordings of that length."""
    for number in range(count):
        inner = folder / f"day-{number // FOLDER_FILES:03}"
        inner.mkdir(exist_ok=True)
        audio = array.array("h", [(number * 7 + at) % 251 for at in range(samples)])
        audio[0], audio[1] = number % 32768, number // 32768
        with wave.open(str(inner / f"call-{number:05}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, samples, "NONE", ""))
            file.writeframes(audio.tobytes())


def probed_count(run: Path) -> int:
    """How many jobs of a run were probed, by its index on disk."""
    return sum(job.queued is not None for job in read_index(run).jobs)


def measure(count: int, sessions: int, keys: int) -> list[tuple[str, str]]:
    """Measures one desk; returns rows for a table."""
    with (
        tempfile.TemporaryDirectory() as parent,
        Sink() as sink,
    ):
        folder, run = Path(parent) / "calls", Path(parent) / "run"
        folder.mkdir()
        write_recordings(folder, count)
        options = ["--endpoint", sink.url, "--sessions", str(sessions), "--out", str(run)]
        environment = {f"XDG_{kind}_HOME": parent for kind in ("STATE", "CONFIG")}
        command = [str(COMMAND), str(folder), *options]
        with TerminalRecorder(command, SIZES[0], environment) as terminal:
            first_s = terminal.seen(rb"call-00000") - terminal.began
            busy_ms = [answer.ms for answer in key_answers(terminal, keys)]
            while (probed := probed_count(run)) < count:
                time.sleep(0.5)
            probed_s = time.monotonic() - terminal.began
            idle_ms = [answer.ms for answer in key_answers(terminal, keys)]
            memory_mb = system_metrics.resident_mb(terminal.program)
        index_mb = sum(path.stat().st_size for path in run.glob("run.*")) / 1e6
    rows = [
        ("first rows", f"{first_s:.2f} s"),
        ("probed", f"{probed} in {probed_s:.1f} s, {probed / probed_s:.0f} a second"),
        ("resident", f"{memory_mb:.0f} MB"),
        ("index on disk", f"{index_mb:.1f} MB"),
    ]
    for name, answers in (
        ("key to paint while probing", busy_ms),
        ("key to paint afterwards", idle_ms),
    ):
        ranks = ", ".join(f"p{rank} {percentile(answers, rank):.0f}" for rank in (50, 99))
        rows.append((name, f"{ranks} ms, {len(answers)} keys"))
    return rows


def main() -> None:
    """Measures as asked and prints a table."""
    parser = argparse.ArgumentParser(description="The desk on a folder of many recordings.")
    parser.add_argument("--files", type=int, default=20_000, help="recordings in the folder")
    parser.add_argument("--sessions", type=int, default=10, help="sessions at once")
    parser.add_argument("--keys", type=int, default=200, help="keys pressed in each phase")
    args = parser.parse_args()
    print(system_metrics.describe_machine(), flush=True)
    print(json.dumps(vars(args)), flush=True)
    print(table(("", ""), measure(args.files, args.sessions, args.keys)), flush=True)


if __name__ == "__main__":
    main()
