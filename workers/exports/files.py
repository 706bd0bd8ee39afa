"""Exports as files: whole ones, and nothing overwritten unasked."""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from workers.errors import PacelineError, UsageProblem
from workers.exports.document import json_of
from workers.exports.foreign import one_line
from workers.exports.names import name_of, safe
from workers.exports.subtitles import srt, vtt
from workers.exports.table import csv_of
from workers.exports.text import txt
from workers.history import JobHistory

FORMATS: Mapping[str, Callable[[JobHistory], str]] = {
    "txt": txt,
    "srt": srt,
    "vtt": vtt,
    "json": json_of,
    "csv": csv_of,
}
"""What writes each format. The key is also the file's ending; files are UTF-8."""


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
    overwrite: bool = False,
    name: str | None = None,
) -> list[Path]:
    """Writes ``<name>.<format>`` into the folder for each format, and gives the paths back.

    The folder is made if it is missing. ``name`` is for those who export many jobs and take it from
    `names`; without it, the file is named after the recording. Nobody ever sees half a file, and
    none appears before all are on the disk. Raises `UsageProblem` for an unknown format,
    `AlreadyThere`, or a `PacelineError` that says why they could not be written.
    """
    wanted = list(dict.fromkeys(formats))
    _check(wanted)
    stem = name_of(history) if name is None else safe(name)
    targets = {folder / f"{stem}.{each}": FORMATS[each] for each in wanted}
    there = tuple(path for path in targets if os.path.lexists(path))
    if there and not overwrite:
        raise AlreadyThere(there)
    contents = {path: write(history).encode() for path, write in targets.items()}
    try:
        _write(contents, folder)
    except OSError as error:
        raise PacelineError(
            f"the export could not be written to {one_line(str(folder))}"
            f" ({error.strerror or error})",
            "Is it a folder that you may write to, with room on the disk?",
        ) from error
    return list(contents)


def _check(formats: Iterable[str]) -> None:
    for each in formats:
        if each not in FORMATS:
            raise UsageProblem(
                f"there is no export format “{one_line(each)}”", f"Known are {', '.join(FORMATS)}"
            )


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
