"""The files of an attempt in a run folder: ``0001-interview.1.trace.jsonl`` and its log.

The name consists of the job's number, the recording's name, the attempt's number, and the suffix.
The files of a refused attempt are renamed to ``0001-interview.2.refused-1.…``. Files of many jobs
are divided among folders, see `workers.jobs.job_folders`; earlier programs kept them all in the run
folder itself.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from workers import files
from workers.jobs.job_folders import folder_of_job, is_job_folder

TRACE_SUFFIX = ".trace.jsonl"
_LOG_SUFFIX = ".log"
COMPRESSED_SUFFIX = ".zst"
"""What follows the suffix of a trace that was compressed after its attempt had ended."""
_TRACE_NAME = re.compile(rf"(\d{{4,}})-[^.]*\.(\d+){re.escape(TRACE_SUFFIX)}(\.zst)?")
_ATTEMPT_FILE = re.compile(r"(\d{4,})-[^.]*\.\d+\.(?:refused-\d+\.)?(?:trace\.jsonl|log)[.\w]*")

_UNUSED_IN_NAMES = re.compile(r"[^\w-]")
MAX_STEM_BYTES = 120
"""Bytes of a recording's name that are used in a file name; file systems allow 255 in all."""


def attempt_files(folder: Path, job: int, attempt: int, file: str) -> tuple[Path, Path]:
    """The paths of the trace and the log of an attempt; ``file`` is the recording."""
    path = path_of_attempt(folder, job, attempt, file)
    return Path(path + TRACE_SUFFIX), Path(path + _LOG_SUFFIX)


def path_of_attempt(folder: Path, job: int, attempt: int, file: str) -> str:
    """What the paths of an attempt's files begin with, up to their suffixes. Text, because a `Path`
    takes as long as all the rest, and a large run asks for it often."""
    stem = _UNUSED_IN_NAMES.sub("_", _stem_of_recording(file))
    stem = stem.encode("utf-8", "replace")[:MAX_STEM_BYTES].decode("utf-8", "ignore")
    return f"{folder}/{folder_of_job(job)}/{job:04d}-{stem}.{attempt}"


def _stem_of_recording(file: str) -> str:
    """Like `Path.stem`, which takes several times as long; a large run asks for it often."""
    name = file.rpartition("/")[2]
    if name in ("", ".", "..") or os.sep != "/":
        return Path(file).stem
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def trace_files(folder: Path, job: int) -> list[tuple[int, Path]]:
    """The attempts of a job and their traces, in order; without refused attempts."""
    prefix = f"{job:04d}-"
    return _in_order(
        attempt
        for place in _places_of(folder, job)
        for attempt in _attempts(place, (n for n in _names_in(place) if n.startswith(prefix)))
    )


def trace_files_by_job(folder: Path) -> Mapping[int, list[tuple[int, Path]]]:
    """What `trace_files` returns for every job that has traces. Lists each folder once, since there
    may be the files of many thousands of jobs."""
    found: dict[int, list[tuple[int, Path]]] = {}
    names = _names_in(folder)
    places = [folder, *(folder / name for name in names if is_job_folder(name))]
    for place in places:
        for name in names if place is folder else _names_in(place):
            if match := _TRACE_NAME.fullmatch(name):
                found.setdefault(int(match[1]), []).append((int(match[2]), place / name))
    return {job: _in_order(attempts) for job, attempts in found.items()}


def has_plain_traces(folder: Path) -> bool:
    """Whether the first jobs of a run have traces that are not compressed."""
    return any(name.endswith(TRACE_SUFFIX) for name in _names_in(folder))


def files_by_job(folder: Path) -> Mapping[int, list[Path]]:
    """The traces and logs of every job, those of refused attempts included."""
    found: dict[int, list[Path]] = {}
    names = _names_in(folder)
    for place in (folder, *(folder / name for name in names if is_job_folder(name))):
        for name in names if place is folder else _names_in(place):
            if match := _ATTEMPT_FILE.fullmatch(name):
                found.setdefault(int(match[1]), []).append(place / name)
    return found


def next_trace(trace: Path) -> Path | None:
    """The trace of the attempt after that of ``trace``; None if there is none yet."""
    stem, attempt = _stem_of(trace).rsplit(".", 1)
    name = f"{stem}.{int(attempt) + 1}{TRACE_SUFFIX}"
    names = (name, name + COMPRESSED_SUFFIX)
    places = [trace.parent]
    if not is_job_folder(trace.parent.name):  # an earlier program began the job
        places.append(trace.parent / folder_of_job(int(stem.split("-", 1)[0])))
    paths = (place / name for place in places for name in names)
    return next((path for path in paths if os.path.lexists(path)), None)


def _places_of(folder: Path, job: int) -> Iterator[Path]:
    """The folders in which traces of a job may lie."""
    yield folder
    if name := folder_of_job(job):
        yield folder / name


def _names_in(folder: Path) -> list[str]:
    """The names in a folder; none if it is missing, or a link in a run folder."""
    if is_job_folder(folder.name) and folder.is_symlink():
        return []
    with suppress(FileNotFoundError, NotADirectoryError):
        return os.listdir(folder)
    return []


def _attempts(folder: Path, names: Iterable[str]) -> list[tuple[int, Path]]:
    matches = (_TRACE_NAME.fullmatch(name) for name in names)
    return [(int(match[2]), folder / match[0]) for match in matches if match]


def _in_order(attempts: Iterable[tuple[int, Path]]) -> list[tuple[int, Path]]:
    """Attempts in order. If compressing one was interrupted, only its trace counts."""
    first = dict(sorted(attempts, reverse=True))
    return sorted(first.items())


def log_of(trace: Path) -> Path:
    """The log of the same attempt."""
    return trace.with_name(_stem_of(trace) + _LOG_SUFFIX)


def open_trace(path: Path) -> BinaryIO:
    """Opens a trace to read it, also if it is compressed, or was since its folder was listed.
    Raises `OSError`."""
    if path.suffix != COMPRESSED_SUFFIX:
        try:
            return files.open_to_read(path)
        except FileNotFoundError:
            path = path.with_name(path.name + COMPRESSED_SUFFIX)
            if not os.path.lexists(path):
                raise
    from workers.traces.compressed import open_compressed  # no session needs it

    return open_compressed(path)


def _stem_of(trace: Path) -> str:
    return trace.name.removesuffix(COMPRESSED_SUFFIX).removesuffix(TRACE_SUFFIX)


def set_aside(folder: Path, job: int, attempt: int, file: str) -> None:
    """Renames the files of a refused attempt, so that its number can be used again."""
    for path in attempt_files(folder, job, attempt, file):
        stem, _, suffix = path.name.split(".", 2)
        names = (
            path.with_name(f"{stem}.{attempt}.refused-{number}.{suffix}") for number in count(1)
        )
        with suppress(OSError):  # it was never created
            path.rename(next(name for name in names if not os.path.lexists(name)))
