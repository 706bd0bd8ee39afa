"""Runs with recordings that can be played, and a wait for what a player reports."""

import time
from pathlib import Path
from typing import TypeVar

from tests.support.audio_files import Samples, write_recording
from workers.audio.probe import probe
from workers.audio.source import DEFAULT_OPTIONS, ReadOptions
from workers.jobs.job import JobId
from workers.playback.messages import Passage, Report
from workers.playback.player import Player
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

R = TypeVar("R", bound=Report)


def write_played_run(
    folder: Path,
    samples: Samples,
    rate: int = 16000,
    options: ReadOptions = DEFAULT_OPTIONS,
    suffix: str = ".wav",
) -> Path:
    """Writes a run of one job and its recording; returns the recording's path."""
    folder.mkdir(exist_ok=True)
    path = str(folder / f"a{suffix}")
    if options.raw is not None:
        Path(path).write_bytes(samples.tobytes())
    else:
        write_recording(Path(path), samples, rate)
    recording = probe(path, options)
    head = TraceHead(job=1, attempt=1, file=path, recording=recording)
    with TraceWriter(folder / "0001-a.1.trace.jsonl", head):
        return Path(path)


def passage(folder: Path, start_s: float = 0.0, sha256: str = "") -> Passage:
    """A part of that job's recording."""
    return Passage(str(folder), JobId(1), sha256, start_s)


def wait_for_report(player: Player, kind: type[R]) -> R:
    """The next report of that kind."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for report in player.take_reports():
            if isinstance(report, kind):
                return report
        time.sleep(0.01)
    raise AssertionError(f"no {kind.__name__} came")
