"""Writes exports as files, each completely or not at all. By default, keeps existing files."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import chain, count
from pathlib import Path

from workers import files
from workers.errors import PacelineError, UsageProblem
from workers.exports.document import json_of, json_of_all
from workers.exports.names import export_name, safe_file_name
from workers.exports.sanitise import single_line
from workers.exports.scoring import (
    ctm_of,
    ctm_of_all,
    seglst_of,
    seglst_of_all,
    stm_of,
    stm_of_all,
)
from workers.exports.subtitles import srt_of, vtt_of
from workers.exports.table import BYTE_ORDER_MARK, csv_of, csv_of_all
from workers.exports.text import txt_of, txt_of_all
from workers.jobs.job_folders import folder_of_job, is_job_folder
from workers.jobs.job_state import JobState

FORMATS: Mapping[str, Callable[[JobState], str]] = {
    "txt": txt_of,
    "srt": srt_of,
    "vtt": vtt_of,
    "json": json_of,
    "csv": csv_of,
    "stm": stm_of,
    "ctm": ctm_of,
    "seglst": seglst_of,
}
"""The function that writes each format. Files are UTF-8."""

_SUFFIXES = {"seglst": "seglst.json"}
"""The suffix of a file where it is not the name of the format: programs expect this one."""

COMBINED_FORMATS: Mapping[str, Callable[[Iterable[JobState]], str]] = {
    "txt": txt_of_all,
    "json": json_of_all,
    "csv": csv_of_all,
    "stm": stm_of_all,
    "ctm": ctm_of_all,
    "seglst": seglst_of_all,
}
"""Formats that can hold all recordings in one file; subtitles belong to one recording."""


class OverwritePolicy(Enum):
    """What to do if files already exist."""

    REFUSE = "refuse"
    REPLACE = "replace"
    NUMBER = "number"  # keep them, and add a number to the new name: x-2.txt


class FilesExist(PacelineError):
    """Raised when an export would overwrite ``paths``. The other formats were ``written``."""

    code = "files_exist"

    def __init__(self, paths: Sequence[Path], written: Mapping[str, Path]) -> None:
        names = ", ".join(single_line(path.name) for path in paths)
        hint = "Choose another folder, or allow overwriting"
        super().__init__(f"{names} already exist{'s' if len(paths) == 1 else ''}", hint)
        self.paths = paths
        self.written = written


def write_exports(
    state: JobState,
    formats: Iterable[str],
    folder: Path,
    *,
    existing: OverwritePolicy = OverwritePolicy.REFUSE,
    name: str | None = None,
    in_run: bool = False,
    csv_bom: bool = False,
) -> list[Path]:
    """Writes ``<name>.<format>`` into the folder for each format; returns the paths.

    Creates the folder if it is missing. Files of many jobs are divided among folders in it, see
    `workers.jobs.job_folders`. ``name`` is one of `export_names` when many jobs are
    exported; None uses the recording's name. ``in_run``: the folder belongs to a run, so it is
    private and may not be a link. ``csv_bom`` begins CSV files with a byte-order mark, for Excel.
    No file appears before all are on the disk. Raises `UsageProblem` for an unknown format,
    `FilesExist` once the formats without a file are written, or a `PacelineError` that says why the
    files could not be written.
    """
    folder /= folder_of_job(state.job)
    stem = export_name(state.file) if name is None else safe_file_name(name)
    texts = {format_name: partial(FORMATS[format_name], state) for format_name in _known(formats)}
    return _write_formats(stem, texts, folder, existing, in_run=in_run, csv_bom=csv_bom)


def write_combined_exports(
    states: Iterable[JobState],
    formats: Iterable[str],
    folder: Path,
    *,
    existing: OverwritePolicy = OverwritePolicy.REFUSE,
    in_run: bool = False,
    csv_bom: bool = False,
) -> list[Path]:
    """Writes all recordings into one file for each format, as `write_exports` does; skips
    subtitles. Iterates over the states once for each format."""
    wanted = [suffix for suffix in _known(formats) if suffix in COMBINED_FORMATS]
    texts = {name: partial(COMBINED_FORMATS[name], states) for name in wanted}
    return _write_formats("transcripts", texts, folder, existing, in_run=in_run, csv_bom=csv_bom)


def _write_formats(
    stem: str,
    texts: Mapping[str, Callable[[], str]],
    folder: Path,
    existing: OverwritePolicy,
    *,
    in_run: bool,
    csv_bom: bool,
) -> list[Path]:
    """Writes the text of each format, under a name that ``existing`` allows."""
    if existing is OverwritePolicy.NUMBER:
        stem = _free_stem(stem, list(texts), folder)
    kept = [] if existing is OverwritePolicy.REPLACE else _existing_files(stem, texts, folder)
    mark = {"csv": BYTE_ORDER_MARK} if csv_bom else {}
    paths = {name: folder / _file_name(stem, name) for name in texts}
    written = {name: path for name, path in paths.items() if path not in kept}
    if written:
        contents = {path.name: mark.get(name, "") + texts[name]() for name, path in written.items()}
        _write_files(contents, folder, in_run=in_run)
    if kept:
        raise FilesExist(kept, written)
    return list(written.values())


def _file_name(stem: str, format_name: str) -> str:
    return f"{stem}.{_SUFFIXES.get(format_name, format_name)}"


def _known(formats: Iterable[str]) -> list[str]:
    """The formats without repetitions. Raises `UsageProblem` for an unknown one."""
    wanted = list(dict.fromkeys(formats))
    for suffix in wanted:
        if suffix not in FORMATS:
            reason = f"unknown export format “{single_line(suffix)}”"
            raise UsageProblem(reason, f"Formats: {', '.join(FORMATS)}")
    return wanted


def _existing_files(stem: str, formats: Iterable[str], folder: Path) -> list[Path]:
    paths = (folder / _file_name(stem, format_name) for format_name in formats)
    return [path for path in paths if os.path.lexists(path)]


def _free_stem(stem: str, formats: Sequence[str], folder: Path) -> str:
    """The first numbered name that is free for all formats; the name itself if it is free."""
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(name for name in names if not _existing_files(name, formats, folder))


def _write_files(texts: Mapping[str, str], folder: Path, *, in_run: bool) -> None:
    """Writes all files under temporary names first, so that none appears if the disk is full."""
    try:
        with _open_folder(folder, in_run=in_run) as opened:
            mode = files.PRIVATE_FILE_MODE if in_run else files.SHARED_FILE_MODE
            opened.replace({name: [text.encode()] for name, text in texts.items()}, mode)
    except OSError as error:
        problem, place = error.strerror or error, single_line(str(folder))
        raise PacelineError(
            f"the export could not be written to {place} ({problem})",
            "Check that the folder is writable and that the disk has space.",
        ) from error


def _open_folder(folder: Path, *, in_run: bool) -> files.Folder:
    """Opens the folder and creates it if it is missing. One that the user named may be a link."""
    if in_run:
        if is_job_folder(folder.name):
            with _open_folder(folder.parent, in_run=True) as exports:
                return exports.subfolder(folder.name)
        with files.Folder.open(folder.parent) as run:
            return run.subfolder(folder.name)
    files.make_folders(folder, files.SHARED_FOLDER_MODE)
    return files.Folder.open(folder)
