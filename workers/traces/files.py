"""The files of an attempt in a run folder: ``0001-interview.2.trace.jsonl`` and its log.

The name consists of the job's number, the recording's name, the attempt's number, and the suffix.
The files of a refused attempt are renamed to ``0001-interview.2.refused-1.…``.
"""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path

TRACE_SUFFIX = ".trace.jsonl"
_LOG_SUFFIX = ".log"
_TRACE_NAME = re.compile(rf"(\d{{4,}})-[^.]*\.(\d+){re.escape(TRACE_SUFFIX)}")

MAX_STEM_BYTES = 120
"""Bytes of a recording's name that are used in a file name; file systems allow 255 in all."""


def attempt_files(folder: Path, job: int, attempt: int, file: str) -> tuple[Path, Path]:
    """The paths of the trace and the log of an attempt; ``file`` is the recording."""
    stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(file).stem)
    stem = stem.encode("utf-8", "replace")[:MAX_STEM_BYTES].decode("utf-8", "ignore")
    name = f"{job:04d}-{stem}.{attempt}"
    return folder / f"{name}{TRACE_SUFFIX}", folder / f"{name}{_LOG_SUFFIX}"


def trace_files(folder: Path, job: int) -> list[tuple[int, Path]]:
    """The attempts of a job and their traces, in order; without refused attempts."""
    prefix = f"{job:04d}-"
    with suppress(FileNotFoundError):
        return _attempts(folder, (name for name in os.listdir(folder) if name.startswith(prefix)))
    return []


def trace_files_by_job(folder: Path) -> Mapping[int, list[tuple[int, Path]]]:
    """What `trace_files` returns for every job that has traces. Lists the folder once, which may
    hold the files of many thousands of jobs."""
    names: dict[int, list[str]] = {}
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if match := _TRACE_NAME.fullmatch(name):
                names.setdefault(int(match[1]), []).append(name)
    return {job: _attempts(folder, found) for job, found in names.items()}


def next_trace(trace: Path) -> Path | None:
    """The trace of the attempt after that of ``trace``; None if there is none yet."""
    stem, attempt = trace.name.removesuffix(TRACE_SUFFIX).rsplit(".", 1)
    following = trace.with_name(f"{stem}.{int(attempt) + 1}{TRACE_SUFFIX}")
    return following if os.path.lexists(following) else None


def _attempts(folder: Path, names: Iterable[str]) -> list[tuple[int, Path]]:
    matches = (_TRACE_NAME.fullmatch(name) for name in names)
    return sorted((int(match[2]), folder / match[0]) for match in matches if match)


def log_of(trace: Path) -> Path:
    """The log of the same attempt."""
    return trace.with_name(trace.name.removesuffix(TRACE_SUFFIX) + _LOG_SUFFIX)


def set_aside(folder: Path, job: int, attempt: int, file: str) -> None:
    """Renames the files of a refused attempt, so that its number can be used again."""
    for path in attempt_files(folder, job, attempt, file):
        stem, _, suffix = path.name.split(".", 2)
        names = (folder / f"{stem}.{attempt}.refused-{number}.{suffix}" for number in count(1))
        with suppress(OSError):  # it was never created
            path.rename(next(name for name in names if not os.path.lexists(name)))
