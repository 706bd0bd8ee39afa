"""What the report shows of a recording besides its scores: its sound, and its words over time."""

import base64
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workers.audio.recording import Recording
from workers.errors import Malformed, Unreadable
from workers.evaluation.job_score import JobScore
from workers.evaluation.score import MIN_PARALLEL_JOBS
from workers.jobs.events import Began, TurnReceived
from workers.processes import process_pool
from workers.traces.files import trace_files
from workers.traces.reader import TraceReader

WAVEFORM_BINS = 400
MAX_MESSAGES = 3000
"""Above this, a recording's page shows finals only, or the report would be too large."""

_WAVEFORM_RATE_HZ = 8000


@dataclass(frozen=True, slots=True)
class Message:
    """A message about a turn, and where in the recording the stream was when it arrived."""

    position_ms: int
    turn: int
    is_final: bool
    text: str
    speaker: int = 0


@dataclass(frozen=True, slots=True)
class FilePage:
    """What the report shows of one recording."""

    messages: tuple[Message, ...]
    waveform: str
    """Base64 of the peak of each part, from 0 to 255; empty if it cannot be read any more."""
    lags_ms: tuple[float, ...]
    """The largest lag of each part of the recording."""
    resumed_at_s: tuple[float, ...]


def read_file_pages(run: Path, jobs: Sequence[JobScore]) -> Iterator[FilePage]:
    """Yields the page of each scored recording, read in several processes if there are many."""
    tasks = [(run, job) for job in jobs]
    if len(tasks) < MIN_PARALLEL_JOBS or (os.cpu_count() or 1) == 1:
        yield from map(_read_file_page, tasks)
        return
    with process_pool(os.cpu_count() or 1) as pool:
        yield from pool.map(_read_file_page, tasks, chunksize=2)


def _read_file_page(task: tuple[Path, JobScore]) -> FilePage:
    run, job = task
    messages: list[Message] = []
    lags_ms = array("d", bytes(8 * WAVEFORM_BINS))
    resumed: list[float] = []
    recording: Recording | None = None
    for speaker, number in enumerate(job.halves):
        for _, path in trace_files(run, number):
            try:
                recording = _read_trace(path, speaker, messages, lags_ms, resumed) or recording
            except (Malformed, OSError):
                continue  # its scores are missing too, and say why
    if len(messages) > MAX_MESSAGES:
        messages = [message for message in messages if message.is_final]
    if recording is not None and len(job.halves) > 1:  # both channels of the call
        options = replace(recording.options, channel=None)
        recording = replace(recording, options=options)
    messages.sort(key=lambda message: message.position_ms)
    return FilePage(
        messages=tuple(messages),
        waveform=_read_waveform(recording) if recording is not None else "",
        lags_ms=tuple(round(lag, 2) for lag in lags_ms),
        resumed_at_s=tuple(resumed),
    )


def _read_trace(
    path: Path,
    speaker: int,
    messages: list[Message],
    lags_ms: "array[float]",
    resumed: list[float],
) -> Recording | None:
    """Adds what a trace says; returns its recording."""
    trace = TraceReader(path)
    if trace.head is None:
        return None
    start_ms, speed = trace.head.seam.at_ms, trace.head.settings.speed
    began_s: float | None = None
    for timed in trace:
        match timed.event:
            case Began():
                began_s = timed.t
                if trace.head.attempt > 1:
                    resumed.append(start_ms / 1000)
            case TurnReceived(turn=turn) if began_s is not None:
                position_ms = start_ms + round(1000 * speed * (timed.t - began_s))
                text = turn.transcript or " ".join(word.text for word in turn.words)
                messages.append(
                    Message(position_ms, turn.turn_order, turn.end_of_turn, text, speaker)
                )
    recording = trace.head.recording
    seconds = recording.seconds if recording else 0.0
    if seconds:
        chunk_s = trace.head.settings.chunk_ms / 1000
        for chunk, lag_us in enumerate(trace.chunk_times.lags_us):
            place = int((start_ms / 1000 + chunk * chunk_s) / seconds * WAVEFORM_BINS)
            place = min(max(place, 0), WAVEFORM_BINS - 1)
            lags_ms[place] = max(lags_ms[place], lag_us / 1000)
    return recording


def _read_waveform(recording: Recording) -> str:
    """The peaks of a recording that is still where it was; else an empty text."""
    import numpy as np

    from workers.audio.decode import pcm_blocks

    samples_per_bin = max(1, round(recording.seconds * _WAVEFORM_RATE_HZ / WAVEFORM_BINS))
    peaks = bytearray()
    try:
        if os.path.getsize(recording.path) != recording.size:
            return ""
        for block in pcm_blocks(recording, _WAVEFORM_RATE_HZ, samples_per_bin):
            loudest = np.abs(np.frombuffer(block, "<i2").astype(np.int32)).max()
            peaks.append(min(255, int(loudest) >> 7))
            if len(peaks) == WAVEFORM_BINS:
                break
    except (OSError, Unreadable):
        return ""
    return base64.b64encode(bytes(peaks)).decode()
