"""Finds the recording of a job of a run, and checks that it is still the one that was streamed."""

import hashlib
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from workers.audio.recording import Recording
from workers.errors import Malformed, Unreadable
from workers.jobs.job import JobId, StreamSettings
from workers.playback.messages import Passage
from workers.traces.files import trace_files
from workers.traces.format import TraceHead
from workers.traces.reader import read_head

_HASH_BLOCK_BYTES = 1 << 20


def find_recording(passage: Passage) -> tuple[Recording, StreamSettings]:
    """The recording of a passage, and how it is streamed. Raises `Unreadable` if it is gone, or is
    not the one that was streamed."""
    head, recording = _newest_head(Path(passage.run_folder), passage.job)
    if passage.sent is None:  # otherwise its session has just hashed it, and is still reading it
        _check_unchanged(recording, passage.sha256, head.wall)
    if passage.all_channels:
        recording = replace(recording, options=replace(recording.options, channel=None))
    return recording, head.settings


def _newest_head(run_folder: Path, job: JobId) -> tuple[TraceHead, Recording]:
    """The head of the job's newest trace with a recording, and that recording."""
    for _, path in reversed(trace_files(run_folder, job)):
        try:
            head = read_head(path)
        except (Malformed, OSError):
            continue
        if head is not None and head.recording is not None:
            return head, head.recording
    raise Unreadable("its traces do not say which recording was streamed")


def _check_unchanged(recording: Recording, sha256: str, streamed_at: str) -> None:
    """Raises `Unreadable` if the recording is gone, or is not the one that was streamed.

    Hashing takes seconds for hours of audio, so a file of the same size is only hashed if it was
    written after it was streamed. ``streamed_at``: as in `TraceHead.wall`.
    """
    try:
        stat = os.stat(recording.path)
        changed = stat.st_size != recording.size
        if sha256 and (changed or not _is_older(stat.st_mtime, streamed_at)):
            changed = sha256 not in _hashes(recording.path, recording.size)
    except FileNotFoundError as error:
        raise Unreadable("the file is no longer there", "Was it moved or deleted?") from error
    except OSError as error:
        raise Unreadable(f"the file cannot be read ({error.strerror})") from error
    if changed and not recording.options.follow:  # only a part of that one was hashed
        raise Unreadable("the file has changed since it was streamed", "Its words may not match.")


def _is_older(written_at: float, streamed_at: str) -> bool:
    """Whether a file was last written before it was streamed; False if that is not known."""
    try:
        return written_at < datetime.fromisoformat(streamed_at).timestamp()
    except (ValueError, OverflowError):
        return False


def _hashes(path: str, size: int) -> tuple[str, str]:
    """The SHA-256 of a file's first ``size`` bytes, and of all of it. The file may have been longer
    or shorter when it was probed, if it was still being written."""
    first = whole = hashlib.sha256()
    left = size
    with open(path, "rb") as file:
        while block := file.read(min(_HASH_BLOCK_BYTES, left) or _HASH_BLOCK_BYTES):
            whole.update(block)
            left -= min(len(block), left)
            if not left and first is whole:
                first = whole.copy()
    return first.hexdigest(), whole.hexdigest()
