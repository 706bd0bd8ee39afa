"""Exports as files: whole ones, and nothing overwritten unasked."""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from enum import Enum
from itertools import count
from pathlib import Path

from workers.errors import PacelineError, UsageProblem
from workers.exports.document import json_of, json_of_all
from workers.exports.foreign import single_line
from workers.exports.names import export_name, safe_file_name
from workers.exports.subtitles import srt_of, vtt_of
from workers.exports.table import csv_of, csv_of_all
from workers.exports.text import txt_of, txt_of_all
from workers.jobs.job_state import JobState

FORMATS: Mapping[str, Callable[[JobState], str]] = {
    "txt": txt_of,
    "srt": srt_of,
    "vtt": vtt_of,
    "json": json_of,
    "csv": csv_of,
}
"""What writes each format. The key is also the file's ending; files are UTF-8."""

COMBINED_FORMATS: Mapping[str, Callable[[Sequence[JobState]], str]] = {
    "txt": txt_of_all,
    "json": json_of_all,
    "csv": csv_of_all,
}
"""What writes all recordings into one file. Subtitles are not there: they belong to one film."""

COMBINED_NAME = "transcripts"
"""The name of that file."""


class OverwritePolicy(Enum):
    """What is done about files that are already there."""

    REFUSE = "refuse"
    REPLACE = "replace"
    NUMBER = "number"
    """They stay, and what is written gets a number: x-2.txt."""


class FilesExist(PacelineError):
    """Files that an export would have overwritten; none of the export was written."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        listed = ", ".join(single_line(path.name) for path in paths)
        verb = "is" if len(paths) == 1 else "are"
        super().__init__(
            f"{listed} {verb} already there",
            "Nothing was written. Choose another folder, or ask for overwriting",
        )
        self.paths = paths


def write_exports(
    state: JobState,
    formats: Iterable[str],
    folder: Path,
    *,
    existing: OverwritePolicy = OverwritePolicy.REFUSE,
    name: str | None = None,
) -> list[Path]:
    """Writes ``<name>.<format>`` into the folder for each format, and gives the paths back.

    The folder is made if it is missing. ``name`` is for those who export many jobs and take it from
    `names`; without it, the file is named after the recording. Nobody ever sees half a file, and
    none appears before all are on the disk. Raises `UsageProblem` for an unknown format,
    `FilesExist`, or a `PacelineError` that says why they could not be written.
    """
    wanted = _check_formats(formats)
    stem = export_name(state) if name is None else safe_file_name(name)
    stem = _free_stem(stem, wanted, folder, existing)
    return _write_files({f"{stem}.{each}": FORMATS[each](state) for each in wanted}, folder)


def write_combined_exports(
    states: Sequence[JobState],
    formats: Iterable[str],
    folder: Path,
    *,
    existing: OverwritePolicy = OverwritePolicy.REFUSE,
) -> list[Path]:
    """The same with all recordings in one file a format; subtitles are passed over."""
    wanted = [each for each in _check_formats(formats) if each in COMBINED_FORMATS]
    stem = _free_stem(COMBINED_NAME, wanted, folder, existing)
    return _write_files(
        {f"{stem}.{each}": COMBINED_FORMATS[each](states) for each in wanted}, folder
    )


def _check_formats(formats: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(formats))
    for each in wanted:
        if each not in FORMATS:
            raise UsageProblem(
                f"there is no export format “{single_line(each)}”",
                f"Known are {', '.join(FORMATS)}",
            )
    return wanted


def _free_stem(stem: str, formats: Sequence[str], folder: Path, existing: OverwritePolicy) -> str:
    """The name to write under: one that is free, unless files may be replaced."""

    def there(name: str) -> tuple[Path, ...]:
        paths = (folder / f"{name}.{each}" for each in formats)
        return tuple(path for path in paths if os.path.lexists(path))

    taken = there(stem)
    if not taken or existing is OverwritePolicy.REPLACE:
        return stem
    if existing is OverwritePolicy.REFUSE:
        raise FilesExist(taken)
    return next(name for number in count(2) if not there(name := f"{stem}-{number}"))


def _write_files(texts: Mapping[str, str], folder: Path) -> list[Path]:
    contents = {folder / name: text.encode() for name, text in texts.items()}
    try:
        _write_atomically(contents, folder)
    except OSError as error:
        raise PacelineError(
            f"the export could not be written to {single_line(str(folder))}"
            f" ({error.strerror or error})",
            "Is it a folder that you may write to, with room on the disk?",
        ) from error
    return list(contents)


def _write_atomically(contents: Mapping[Path, bytes], folder: Path) -> None:
    """All of them under passing names first, so that a full disk is met before any file shows."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as cleanup:
        passing = {path: folder / f".{secrets.token_hex(8)}.part" for path in contents}
        for path, content in contents.items():
            cleanup.callback(passing[path].unlink, missing_ok=True)
            with passing[path].open("xb") as file:  # not mkstemp: its files are private for good
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path in contents:
            os.replace(passing[path], path)
