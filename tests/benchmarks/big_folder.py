"""Opens a run folder of many jobs with every command that reads one.

``python -m tests.benchmarks.big_folder [--jobs 20000] [--gigabytes 10] [--keep PATH]``

Each job has the trace of a session of about a minute: partial turns that grow by a word, their
final turns, lags and levels. All of it together is as large as asked for; the folder is written
by this program below the system's folder for temporary files (``TMPDIR``) and removed at the end,
unless ``--keep`` names where to leave it.

start
    From starting the command to its first useful output: the run's line of ``runs``, the first
    row of the desk of ``view``, the first file of ``export``, the first line of ``resume`` that
    says what is left, the first line of ``score``.
of it processor
    Its processor time until then, as a measure that other work on the machine disturbs less.
memory
    The most that the program had in memory (resident) up to then.
"""

import argparse
import json
import os
import random
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.benchmarks import ROOT, system_metrics
from tests.benchmarks.desk import COMMAND, SIZES
from tests.benchmarks.terminal_recorder import TerminalRecorder
from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    progressed,
    queued,
    turn_heard,
)
from tests.support.run_builders import save
from tui.text.tables import table
from workers.audio.source import Source
from workers.jobs.events import TRACE_ONLY, ChunksSent, Event, JobReport, TraceEvent
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.runs import run_folder
from workers.runs.index import INDEX_NAME, index_lines
from workers.traces.files import attempt_files
from workers.traces.format import TraceHead, event_line, head_line

TEMPLATES = 8
"""Different sessions; traces differ in their heads too."""

WORDS = ROOT / "docs" / "architecture.md"
"""Where the words come from that are spoken."""

CHUNK_MS, PARTIALS_PER_S, WORDS_PER_TURN = 100, 3, 14

FIRST_START_S, SESSIONS_AT_ONCE = 1.79e9, 100
"""When the run was, in seconds since the epoch."""

OUTPUT_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Start:
    """How one command began."""

    seconds: float
    cpu_seconds: float
    memory_mb: float


def session_events(seconds: float, chance: random.Random) -> Iterator[tuple[float, TraceEvent]]:
    """A session as its process traces it, with times."""
    words = re.findall(r"[A-Za-z]+", WORDS.read_text())
    yield 0.0, connecting()
    yield 0.1, began()
    turn, spoken, first_ms = 0, list[str](), 0
    for tenth in range(round(seconds * 10)):
        t = 0.2 + tenth / 10
        if tenth % 10 == 9:
            lags = tuple(chance.randrange(80, 900) for _ in range(10))
            yield t, ChunksSent(tenth - 9, lags)
            yield t, progressed((tenth + 1) / 10, seconds)
        if tenth % round(10 / PARTIALS_PER_S) == 0:
            first_ms = first_ms if spoken else tenth * CHUNK_MS
            spoken.append(chance.choice(words))
            final = len(spoken) == WORDS_PER_TURN
            if final:
                yield t, progressed((tenth + 1) / 10, seconds)
            text = " ".join(spoken)
            yield t, turn_heard(turn, text, final=final, settled=len(spoken) - 1, at=first_ms)
            if final:
                turn, spoken = turn + 1, []
    if spoken:
        yield seconds + 0.3, turn_heard(turn, " ".join(spoken), final=True, at=first_ms)
    yield seconds + 0.5, ended_done(seconds)


def seconds_for(size: float) -> float:
    """How long a session must be for its trace to have so many bytes."""
    probe = 60.0
    lines = [event_line(t, event) for t, event in session_events(probe, random.Random(1))]
    return probe * size / sum(map(len, lines))


def template_record(run: Path, events: Sequence[tuple[float, TraceEvent]], seconds: float) -> str:
    """What the index says of a job with these events, as the program writes it."""
    job = JobId(1)
    with closing(run_folder.create(run)) as folder:
        folder.add_job(job, Source("recordings/1.wav"))
        state = JobState(job, "recordings/1.wav")
        reported: list[tuple[float, Event]] = [(0.0, queued(seconds))]
        reported += [(t, event) for t, event in events if not isinstance(event, TRACE_ONLY)]
        for t, event in reported:
            report = JobReport(job, 1, "recordings/1.wav", t, event)
            state.apply(report)
            state.transcript.evict(0)
            folder.record(state, report)
        folder.set_header(None, StreamSettings())
        save(folder, final=True)
    return (run / INDEX_NAME).read_text()


def write_run(run: Path, jobs: int, size: int) -> int:
    """Writes a run of so many jobs with traces of ``size`` bytes in all, of which the last job was
    interrupted. Returns their size."""
    run.mkdir(parents=True)
    seconds, chance = seconds_for(size / jobs), random.Random(7)
    bodies, records = [], []
    for number in range(TEMPLATES):
        events = list(session_events(seconds, chance))
        bodies.append(b"".join(event_line(t, event) for t, event in events))
        index = json.loads(template_record(run / f"template-{number}", events, seconds))
        records.append(index.pop("jobs")[0])
        shutil.rmtree(run / f"template-{number}")
    lines, written = [], 0
    for number in range(1, jobs + 1):
        template, file = number % TEMPLATES, f"recordings/{number}.wav"
        started = FIRST_START_S + number * seconds / SESSIONS_AT_ONCE
        wall = datetime.fromtimestamp(started, UTC).isoformat()
        head = head_line(TraceHead(wall=wall, job=number, attempt=1, file=file))
        trace, log = attempt_files(run, number, 1, file)
        trace.parent.mkdir(exist_ok=True)
        trace.write_bytes(head + bodies[template])
        log.touch()
        traced = records[template]["traced"]["1"]
        bytes_ = len(head) + len(bodies[template])
        traced = {**traced, "started": started, "bytes": bytes_}
        record = {**records[template], "id": number, "file": file, "path": f"/{file}"}
        record["traced"] = {"1": traced}
        if number == jobs:
            record |= {"status": "queued", "attempt": 0, "ended": None, "attempts": {}}
            record |= {"traced": {}, "summary": None}
            trace.unlink()
        lines.append(json.dumps(record))
        written += bytes_
    (run / INDEX_NAME).write_text("".join(index_lines({**index, "format": 3}, lines)))
    return written


@contextmanager
def folder_of_runs(keep: Path | None) -> Iterator[Path]:
    """Where the state of the program is kept; removed at the end without ``keep``."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory() as parent:
        yield Path(parent)


def start_of(command: Sequence[str], state: Path, pattern: str) -> Start:
    """Starts a command and waits for output that matches."""
    began_at = time.monotonic()
    process = subprocess.Popen(
        [str(COMMAND), *command],
        env={**os.environ, "XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
    )
    assert process.stdout is not None
    seen = b""
    try:
        while not re.search(pattern, seen.decode(errors="replace")):
            if not select.select([process.stdout], [], [], OUTPUT_PATIENCE_S)[0]:
                raise TimeoutError(f"{command[0]} printed nothing")
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                raise RuntimeError(f"{command[0]} ended: {seen.decode(errors='replace')}")
            seen += data
        return Start(time.monotonic() - began_at, cpu_seconds(process.pid), peak_mb(process.pid))
    finally:
        process.kill()
        process.communicate()


def cpu_seconds(pid: int) -> float:
    """The processor time of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def peak_mb(pid: int) -> float:
    """The most memory that a process has had, resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else float("nan")


def start_of_view(run: Path, state: Path) -> Start:
    """Opens the desk on the run in a terminal."""
    environment = {"XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(state)}
    with TerminalRecorder([str(COMMAND), "view", str(run)], SIZES[0], environment) as terminal:
        seconds = terminal.seen(rb"recordings/1\.wav|1\.wav") - terminal.began
        used = cpu_seconds(terminal.program.pid)
        return Start(seconds, used, peak_mb(terminal.program.pid))


def measure(run: Path, state: Path) -> list[tuple[str, Start]]:
    """Starts each command once on a run."""
    exports = ["export", str(run), "--to", "txt", "--overwrite"]
    resume = ["resume", str(run), "--no-desk", "--endpoint", "ws://127.0.0.1:1/v3/ws"]
    return [
        ("runs", start_of(["runs"], state, run.name)),
        ("view", start_of_view(run, state)),
        ("export", start_of(exports, state, "✓")),
        ("score", start_of(["score", str(run)], state, "Scored 0")),
        ("resume", start_of(resume, state, "Streaming")),
    ]


def main() -> None:
    """Writes the folder, measures as asked and prints a table."""
    parser = argparse.ArgumentParser(description="Commands on a run folder of many jobs.")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--gigabytes", type=float, default=10.0, help="of traces in all")
    parser.add_argument("--keep", type=Path, help="write the folder below this one, and leave it")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    print(system_metrics.describe_machine(), flush=True)
    with folder_of_runs(args.keep) as state:
        run = state / "paceline" / "runs" / "big"
        if not run.exists():
            began_at = time.monotonic()
            written = write_run(run, args.jobs, round(args.gigabytes * 1e9))
            index_mb = (run / INDEX_NAME).stat().st_size / 1e6
            took_s = time.monotonic() - began_at
            print(
                f"wrote {written / 1e9:.1f} GB and an index of {index_mb:.0f} MB in {took_s:.0f} s"
            )
        rows = []
        for _ in range(args.repeat):
            rows += measure(run, state)
    names = dict.fromkeys(name for name, _ in rows)
    head = ("", "start", "of it processor", "memory")
    print(table(head, [_row(name, rows) for name in names]), flush=True)


def _row(name: str, rows: Sequence[tuple[str, Start]]) -> tuple[str, str, str, str]:
    starts = sorted(start.seconds for one, start in rows if one == name)
    used = sorted(start.cpu_seconds for one, start in rows if one == name)
    memory = max(start.memory_mb for one, start in rows if one == name)
    start, processor = (", ".join(f"{s:.2f}" for s in times) + " s" for times in (starts, used))
    return name, start, processor, f"{memory:.0f} MB"


if __name__ == "__main__":
    main()
