"""Writes exports as files: each whole or not at all, and none overwritten without being asked."""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from enum import Enum
from itertools import count
from pathlib import Path

from workers.errors import PacelineError, UsageProblem
from workers.exports.document import json_of, json_of_all
from workers.exports.names import export_name, safe_file_name
from workers.exports.sanitise import single_line
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
"""The function for each format. The key is also the suffix of the file, which is UTF-8."""

COMBINED_FORMATS: Mapping[str, Callable[[Sequence[JobState]], str]] = {
    "txt": txt_of_all,
    "json": json_of_all,
    "csv": csv_of_all,
}
"""Formats that can hold all recordings in one file; subtitles belong to one recording."""

COMBINED_NAME = "transcripts"


class OverwritePolicy(Enum):
    """What to do about files that exist."""

    REFUSE = "refuse"
    REPLACE = "replace"
    NUMBER = "number"
    """Keep them, and write under a name with a number: x-2.txt."""


class FilesExist(PacelineError):
    """Raised for files that an export would have overwritten; nothing was written."""

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
    """Writes ``<name>.<format>`` into the folder for each format; returns the paths.

    Creates the folder if it is missing. ``name`` is one of `export_names`, if many jobs are
    exported; without it, the recording's name is used. No file appears before all are on the disk.
    Raises `UsageProblem` for an unknown format, `FilesExist`, or a `PacelineError` that says why
    the files could not be written.
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
    """Like `write_exports`, with all recordings in one file a format; skips subtitles."""
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
    """The name to write under: a free one, unless files may be replaced."""

    def existing_files(name: str) -> tuple[Path, ...]:
        paths = (folder / f"{name}.{each}" for each in formats)
        return tuple(path for path in paths if os.path.lexists(path))

    taken = existing_files(stem)
    if not taken or existing is OverwritePolicy.REPLACE:
        return stem
    if existing is OverwritePolicy.REFUSE:
        raise FilesExist(taken)
    return next(name for number in count(2) if not existing_files(name := f"{stem}-{number}"))


def _write_files(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Writes all under temporary names first, so that a full disk is met before any appears."""
    drafts = {folder / name: folder / f".{secrets.token_hex(8)}.part" for name in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as cleanup:
            for draft, text in zip(drafts.values(), texts.values(), strict=True):
                cleanup.callback(draft.unlink, missing_ok=True)
                with draft.open("xb") as file:  # not mkstemp, whose files stay private
                    file.write(text.encode())
                    file.flush()
                    os.fsync(file.fileno())
            for path, draft in drafts.items():
                draft.replace(path)
    except OSError as error:
        raise PacelineError(
            f"the export could not be written to {single_line(str(folder))}"
            f" ({error.strerror or error})",
            "Is it a folder that you may write to, with room on the disk?",
        ) from error
    return list(drafts)
