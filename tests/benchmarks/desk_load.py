"""A desk without sessions: somebody reports of as many as are asked for, at the speed of speech.

``python -m tests.benchmarks.desk_load ROWS``: the program that `desk` measures, in a terminal of
its own. With ``--finished N`` as many more rows are over; with ``--blind`` it takes in as much
without a screen; with ``--hour FILE`` an hour of it as fast as possible, and a line in the file
after each quarter.
"""

import argparse
import itertools
import pickle
import queue
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from tests.support.fake_supervisor import FakeSupervisor
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    JobReport,
    Outcome,
    Progressed,
    Queued,
    TurnReceived,
)
from workers.pacing.certificate import LagSummary
from workers.protocol.messages import Turn, Word

RATE = 5
"""Times a second that every row changes."""

TOTAL = 3 * 3600.0
"""Seconds of every recording."""

WORDS = tuple(f"word{number}" for number in range(97))

OF_A_TURN = 12
"""Words until it ends."""

MOST_WAITING = 20_000
"""Reports that wait to be taken in."""

SPOKEN = 2 / RATE
"""Seconds of a word: every other change of a row is one of its words."""


def startup_events() -> list[Event]:
    """All that is reported until a session streams."""
    return [
        Queued(TOTAL, 16000, 1, "WAV PCM_16"),
        Connecting("ws://127.0.0.1:1/v3/ws", "ab" * 32),
        Began("5f3a9c1e", "u3-rt-pro", 16000, 0, 12.0, 30.0),
    ]


def progressed(seconds: float, job: int) -> Progressed:
    """How far a session is; lags differ, so that numbers do."""
    lag = 0.2 + (seconds * 7.3 + job) % 1.0
    levels = tuple(-50 + round(seconds * 10 + step + job) % 40 for step in range(2))
    return Progressed(seconds, TOTAL, LagSummary(lag, 0.3, 1.1, 3.0), levels)


def reading(spoken: int, job: int) -> TurnReceived:
    """What has been heard after so many words: the last turn as far as it goes."""
    order, of_it = divmod(spoken, OF_A_TURN)
    first = order * OF_A_TURN
    words = tuple(
        Word(WORDS[(word + job) % len(WORDS)], *_times(word), 0.9, word < spoken)
        for word in range(first, first + of_it + 1)
    )
    text = " ".join(word.text for word in words)
    return TurnReceived(Turn(order, of_it + 1 == OF_A_TURN, text, words=words))


def _times(word: int) -> tuple[int, int]:
    return round(word * SPOKEN * 1000), round((word + 0.9) * SPOKEN * 1000)


class ReportGenerator(FakeSupervisor):
    """Reports of many sessions, as evenly as they would come, from a thread of its own."""

    def __init__(self, rows: int, finished: int = 0) -> None:
        """``finished``: rows above them whose sessions are over."""
        super().__init__(sessions=rows)
        for job in self.add(f"/recordings/meeting {row:04d}.wav" for row in range(finished)):
            last = TurnReceived(Turn(0, True, "This was all."))
            self.report(job, *startup_events(), progressed(60.0, job), last, _done())
        self.jobs = self.add(f"/recordings/live {row:04d}.wav" for row in range(rows))
        for job in self.jobs:
            self.report(job, *startup_events())

    def feed(self) -> None:
        """For ever, every row so many times a second."""
        start = time.monotonic()
        slices = 10  # of a period: reports do not all come at once
        for step in itertools.count():
            due = start + step / (RATE * slices)
            time.sleep(max(due - time.monotonic(), 0.0))
            period = step // slices
            for job in self.jobs[step % slices :: slices]:
                self.report(job, progressed(period / RATE, job))
                if (period + job) % 2:
                    self.report(job, reading((period + job) // 2, job))

    def hour(self, told: Path, seconds: int = 3600) -> None:
        """An hour of all sessions as fast as it is taken in; says when a quarter of it was."""
        for second in range(seconds):
            for job in self.jobs:
                self.report(job, progressed(float(second), job))
                for spoken in range(int(second / SPOKEN), int((second + 1) / SPOKEN)):
                    self.report(job, _sent(reading(spoken, job)))
            while self.reports.qsize() > MOST_WAITING:
                time.sleep(0.005)
            if (second + 1) % (seconds // 4) == 0:
                while not self.reports.empty():
                    time.sleep(0.05)
                with told.open("a") as file:
                    file.write("a quarter\n")


def _done() -> Ended:
    return Ended(Outcome.DONE, "all was sent", sent_seconds=60.0, open_seconds=61.0)


def _sent(heard: TurnReceived) -> TurnReceived:
    """As it comes out of a session's process: no text in it is shared with another."""
    fresh: TurnReceived = pickle.loads(pickle.dumps(heard))
    return fresh


def drain_only(reports: "queue.SimpleQueue[JobReport]") -> None:
    """Drains as a desk does, and looks at nothing."""
    while True:
        time.sleep(0.2)
        while not reports.empty():
            reports.get()


def main() -> None:
    """Until it is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--finished", type=int, default=0)
    parser.add_argument("--hour", type=Path)
    args = parser.parse_args()
    feeder = ReportGenerator(args.rows, args.finished)
    feed = feeder.feed if args.hour is None else partial(feeder.hour, args.hour)
    threading.Thread(target=feed, daemon=True).start()
    if args.blind:
        drain_only(feeder.reports)
    from tui.app.desk import Desk
    from tui.terminal import gc_tuning

    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(feeder, "a benchmark", Path(folder))
        gc_tuning.tune_gc()
        desk.run()


if __name__ == "__main__":
    main()
