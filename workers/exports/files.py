"""Writes exports as files, each completely or not at all. By default, keeps existing files."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from itertools import count
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
    """Raised when an export would overwrite files; nothing was written."""

    code = "files_exist"

    def __init__(self, paths: tuple[Path, ...]) -> None:
        names = ", ".join(single_line(path.name) for path in paths)
        hint = "Nothing was written. Choose another folder, or allow overwriting"
        super().__init__(f"{names} already exist{'s' if len(paths) == 1 else ''}", hint)
        self.paths = paths


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
    `FilesExist`, or a `PacelineError` that says why the files could not be written.
    """
    wanted = _check_formats(formats)
    folder /= folder_of_job(state.job)
    stem = export_name(state.file) if name is None else safe_file_name(name)
    stem = _free_stem(stem, wanted, folder, existing)
    texts = {format_name: FORMATS[format_name](state) for format_name in wanted}
    return _write_files(_named_texts(stem, texts, csv_bom=csv_bom), folder, in_run=in_run)


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
    wanted = [suffix for suffix in _check_formats(formats) if suffix in COMBINED_FORMATS]
    stem = _free_stem("transcripts", wanted, folder, existing)
    texts = {name: COMBINED_FORMATS[name](states) for name in wanted}
    return _write_files(_named_texts(stem, texts, csv_bom=csv_bom), folder, in_run=in_run)


def _named_texts(stem: str, texts: Mapping[str, str], *, csv_bom: bool) -> dict[str, str]:
    """The texts of formats by the names of their files."""
    mark = {"csv": BYTE_ORDER_MARK} if csv_bom else {}
    return {_file_name(stem, name): mark.get(name, "") + text for name, text in texts.items()}


def _file_name(stem: str, format_name: str) -> str:
    return f"{stem}.{_SUFFIXES.get(format_name, format_name)}"


def _check_formats(formats: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(formats))
    for suffix in wanted:
        if suffix not in FORMATS:
            reason = f"unknown export format “{single_line(suffix)}”"
            raise UsageProblem(reason, f"Formats: {', '.join(FORMATS)}")
    return wanted


def _free_stem(stem: str, formats: Sequence[str], folder: Path, existing: OverwritePolicy) -> str:
    """The file name to use: one that is free, unless files may be replaced."""

    def existing_files(name: str) -> tuple[Path, ...]:
        paths = (folder / _file_name(name, format_name) for format_name in formats)
        return tuple(path for path in paths if os.path.lexists(path))

    taken = existing_files(stem)
    if not taken or existing is OverwritePolicy.REPLACE:
        return stem
    if existing is OverwritePolicy.REFUSE:
        raise FilesExist(taken)
    return next(name for number in count(2) if not existing_files(name := f"{stem}-{number}"))


def _write_files(texts: Mapping[str, str], folder: Path, *, in_run: bool) -> list[Path]:
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
    return [folder / name for name in texts]


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
