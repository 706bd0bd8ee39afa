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
from workers.exports.foreign import one_line
from workers.exports.names import name_of, safe
from workers.exports.subtitles import srt, vtt
from workers.exports.table import csv_of, csv_of_all
from workers.exports.text import txt, txt_of_all
from workers.jobs.job_state import JobHistory

FORMATS: Mapping[str, Callable[[JobHistory], str]] = {
    "txt": txt,
    "srt": srt,
    "vtt": vtt,
    "json": json_of,
    "csv": csv_of,
}
"""What writes each format. The key is also the file's ending; files are UTF-8."""

TOGETHER: Mapping[str, Callable[[Sequence[JobHistory]], str]] = {
    "txt": txt_of_all,
    "json": json_of_all,
    "csv": csv_of_all,
}
"""What writes all recordings into one file. Subtitles are not there: they belong to one film."""

ALL = "transcripts"
"""The name of that file."""


class Existing(Enum):
    """What is done about files that are already there."""

    REFUSE = "refuse"
    REPLACE = "replace"
    NUMBER = "number"
    """They stay, and what is written gets a number: x-2.txt."""


class AlreadyThere(PacelineError):
    """Files that an export would have overwritten; none of the export was written."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        listed = ", ".join(one_line(path.name) for path in paths)
        verb = "is" if len(paths) == 1 else "are"
        super().__init__(
            f"{listed} {verb} already there",
            "Nothing was written. Choose another folder, or ask for overwriting",
        )
        self.paths = paths


def export(
    history: JobHistory,
    formats: Iterable[str],
    folder: Path,
    *,
    existing: Existing = Existing.REFUSE,
    name: str | None = None,
) -> list[Path]:
    """Writes ``<name>.<format>`` into the folder for each format, and gives the paths back.

    The folder is made if it is missing. ``name`` is for those who export many jobs and take it from
    `names`; without it, the file is named after the recording. Nobody ever sees half a file, and
    none appears before all are on the disk. Raises `UsageProblem` for an unknown format,
    `AlreadyThere`, or a `PacelineError` that says why they could not be written.
    """
    wanted = _known(formats)
    stem = name_of(history) if name is None else safe(name)
    stem = _stem(stem, wanted, folder, existing)
    return _export({f"{stem}.{each}": FORMATS[each](history) for each in wanted}, folder)


def export_together(
    histories: Sequence[JobHistory],
    formats: Iterable[str],
    folder: Path,
    *,
    existing: Existing = Existing.REFUSE,
) -> list[Path]:
    """The same with all recordings in one file a format; subtitles are passed over."""
    wanted = [each for each in _known(formats) if each in TOGETHER]
    stem = _stem(ALL, wanted, folder, existing)
    return _export({f"{stem}.{each}": TOGETHER[each](histories) for each in wanted}, folder)


def _known(formats: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(formats))
    for each in wanted:
        if each not in FORMATS:
            raise UsageProblem(
                f"there is no export format “{one_line(each)}”", f"Known are {', '.join(FORMATS)}"
            )
    return wanted


def _stem(stem: str, formats: Sequence[str], folder: Path, existing: Existing) -> str:
    """The name to write under: one that is free, unless files may be replaced."""

    def there(name: str) -> tuple[Path, ...]:
        paths = (folder / f"{name}.{each}" for each in formats)
        return tuple(path for path in paths if os.path.lexists(path))

    taken = there(stem)
    if not taken or existing is Existing.REPLACE:
        return stem
    if existing is Existing.REFUSE:
        raise AlreadyThere(taken)
    return next(name for number in count(2) if not there(name := f"{stem}-{number}"))


def _export(texts: Mapping[str, str], folder: Path) -> list[Path]:
    contents = {folder / name: text.encode() for name, text in texts.items()}
    try:
        _write(contents, folder)
    except OSError as error:
        raise PacelineError(
            f"the export could not be written to {one_line(str(folder))}"
            f" ({error.strerror or error})",
            "Is it a folder that you may write to, with room on the disk?",
        ) from error
    return list(contents)


def _write(contents: Mapping[Path, bytes], folder: Path) -> None:
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
