"""What a report queue costs a session process: ours beside the two of multiprocessing.

``python -m tests.benchmarks.queues [--sessions 50] [--seconds 15]``

For each kind of queue, as many processes as there are sessions come from one fork server that has
loaded what a session needs, all of them at once. Each masks a 100 ms chunk of audio when it is due,
and puts reports as a session does: three readings of an open turn a second, progress once a second,
a final turn every three seconds. The parent reads each queue in a thread, as the supervisor does.

memory
    Private memory (USS) of a process in mid-run; the median over the processes.
CPU
    User and system time of a process, in % of one core, from then to the end; the mean.
lateness
    From when a chunk was due to when it was masked and its reports were put, over all chunks; so
    what `put` costs the pacer is in it.
semaphores
    POSIX semaphores that a process has mapped, which need a writable /dev/shm.
"""

import argparse
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from multiprocessing.context import BaseContext
from typing import Any

from tui.text.tables import table
from workers import processes
from workers.audio.levels import rms_dbfs
from workers.jobs.events import JobReport, Progressed, TurnReceived
from workers.jobs.job import JobId
from workers.pacing.certificate import LagSummary
from workers.protocol.connection import audio_frame
from workers.protocol.messages import Turn, Word
from workers.session.session_queue import Closed, SessionQueue

CHUNK_S = 0.1
CHUNK = bytes(3200)

KINDS: dict[str, Callable[[BaseContext], Any]] = {
    "ours": lambda context: SessionQueue(*context.Pipe(duplex=False)),
    "multiprocessing.Queue": lambda context: context.Queue(),
    "SimpleQueue": lambda context: context.SimpleQueue(),
}


def main() -> None:
    """Measures all kinds of queue in one run and prints a table."""
    parser = argparse.ArgumentParser(description="What a report queue costs a session process.")
    parser.add_argument("--sessions", type=int, default=50, help="of each kind, all at once")
    parser.add_argument("--seconds", type=int, default=15)
    arguments = parser.parse_args()
    from tests.benchmarks.system_metrics import describe_machine

    print(f"{describe_machine()}; {arguments.sessions} sessions of {arguments.seconds} s\n")
    head = ("queue", "memory MB", "CPU %", "late p50 ms", "p99", "max", "threads", "semaphores")
    print(table(head, measure(arguments.sessions, arguments.seconds)))


def measure(sessions: int, seconds: int) -> list[tuple[str, ...]]:
    """Runs so many sessions of each kind, all at once so that they meet the same noise.

    Returns a row of the table for each kind.
    """
    import numpy as np
    import psutil

    context = processes.mp_context()
    processes.warm_up(context)
    start = time.monotonic() + 2 + sessions * len(KINDS) * 0.03  # once all of them are there
    children: dict[str, list[psutil.Process]] = {name: [] for name in KINDS}
    lateness: dict[str, list[float]] = {name: [] for name in KINDS}
    readers = []
    for number, (name, make_queue) in product(range(sessions), KINDS.items()):
        queue = make_queue(context)
        child = processes.start_process(
            context, run_session, queue, number, start, seconds, name=f"session-{number}"
        )
        children[name].append(psutil.Process(child.pid))
        readers.append(
            threading.Thread(target=read_reports, args=(queue, lateness[name]), daemon=True)
        )
        readers[-1].start()
    time.sleep(max(0.0, start + seconds * 0.2 - time.monotonic()))
    memory = {
        name: [child.memory_full_info().uss / 1e6 for child in found]
        for name, found in children.items()
    }
    began, before = time.monotonic(), _cpu_seconds(children)
    time.sleep(max(0.0, start + seconds * 0.95 - time.monotonic()))
    elapsed, after = time.monotonic() - began, _cpu_seconds(children)
    rows = []
    for child, *_ in children.values():
        threads, mappings = child.num_threads(), child.memory_maps()
        rows.append((str(threads), str(sum("/sem." in mapping.path for mapping in mappings))))
    for reader in readers:
        reader.join()
    return [
        (
            name,
            f"{np.median(memory[name]):.2f}",
            f"{100 * (after[name] - before[name]) / elapsed / sessions:.2f}",
            *(
                f"{1000 * late:.2f}"
                for late in np.percentile(lateness[name], (50, 99, 100), method="inverted_cdf")
            ),
            *row,
        )
        for name, row in zip(KINDS, rows, strict=True)
    ]


def _cpu_seconds(children: dict[str, list[Any]]) -> dict[str, float]:
    return {
        name: sum(sum(child.cpu_times()[:2]) for child in found) for name, found in children.items()
    }


def run_session(queue: Any, number: int, start: float, seconds: int) -> None:
    """The child: paces chunks, puts reports, and puts how late it was at the end."""
    if isinstance(queue, SessionQueue):
        queue.close_reader()
    words = tuple(Word(f"word{k}", k * 100, k * 100 + 90, confidence=0.9) for k in range(8))
    late = []
    for index in range(round(seconds / CHUNK_S)):
        due = start + index * CHUNK_S + number * 0.0013  # sessions do not start at one moment
        time.sleep(max(0.0, due - time.monotonic()))
        audio_frame(CHUNK)
        level = rms_dbfs(CHUNK)
        t = time.monotonic() - start
        final = index % 30 == 29
        if index % 3 == 0 or final:
            turn = Turn(index // 30, final, "some words that were spoken", words=words)
            queue.put(JobReport(JobId(number), 1, f"{number}.wav", t, TurnReceived(turn)))
        if index % 10 == 9:
            progress = Progressed(t, seconds, LagSummary(0.1, 0.1, 0.2, 0.3), (level,) * 10)
            queue.put(JobReport(JobId(number), 1, f"{number}.wav", t, progress))
        late.append(time.monotonic() - due)
    queue.put(late)
    queue.close()


def read_reports(queue: Any, lateness: list[float]) -> None:
    """A thread of the parent: reads up to the last item."""
    if isinstance(queue, SessionQueue):
        queue.close_writer()
    with suppress(Closed):
        while not isinstance(item := queue.get(), list):
            pass
        lateness += item


if __name__ == "__main__":
    from tests.benchmarks import queues  # so that children find `run_session` by that name

    queues.main()
