"""Finds the recordings in a list of paths: files are taken as given, folders are searched."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from workers.errors import UsageProblem

AUDIO_SUFFIXES = frozenset([
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".w64",
    ".rf64", ".caf", ".au", ".snd",
])  # fmt: skip
"""Suffixes that a folder search looks for. A file given explicitly may have any suffix."""

UNSUPPORTED_SUFFIXES = frozenset([".m4a", ".aac", ".wma", ".amr", ".ac3", ".mka"])
"""Formats that libsndfile cannot read. A search includes them, so the user sees an error."""

_FILE_KINDS = (
    (stat.S_ISREG, None),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

SkipCallback: TypeAlias = Callable[[str, str], None]
"""Called with the skipped path and the reason."""

FolderCallback: TypeAlias = Callable[[str], None]
"""Called with each folder before it is read; may raise to end the search."""


def find_recordings(
    paths: Iterable[str],
    report_skipped: SkipCallback = lambda path, reason: None,
    on_folder: FolderCallback = lambda folder: None,
) -> list[str]:
    """Returns the files given by ``paths``, without duplicates; those in a folder sorted by name.

    A link to a file counts as a file. A link to a folder is searched only if it is in ``paths``,
    since links may form a loop. Raises `UsageProblem` for a path that does not exist, or a folder
    without audio.
    """
    files: dict[str, None] = {}
    for path in paths:
        found = [path]
        if os.path.isdir(path):
            found = sorted(_walk(path, report_skipped, on_folder), key=lambda p: Path(p).parts)
            if not found:
                formats = "WAV, FLAC, OGG, Opus, MP3, AIFF, W64 and CAF files"
                hint = f"It and its subfolders were searched for {formats}."
                raise UsageProblem(f"there is no audio in the folder “{path}”", hint)
        elif not os.path.lexists(path):
            raise UsageProblem(f"there is no file or folder “{path}”", "Check the path.")
        files.update(dict.fromkeys(found))
    return list(files)


def is_recording(name: str) -> bool:
    """Whether a file with this name counts as a recording when its folder is searched."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in AUDIO_SUFFIXES | UNSUPPORTED_SUFFIXES and not name.startswith(".")


def special_file_kind(mode: int) -> str | None:
    """Describes the kind of file that has this ``st_mode``; None for a regular file.

    Only regular files may be opened: a pipe waits for its writer, and a device may never end.
    """
    return next((words for is_kind, words in _FILE_KINDS if is_kind(mode)), "something else")


def _walk(folder: str, report_skipped: SkipCallback, on_folder: FolderCallback) -> Iterator[str]:
    def cannot_list(error: OSError) -> None:
        if error.filename == folder:
            reason = f"the folder “{folder}” cannot be listed ({error.strerror})"
            raise UsageProblem(reason, "Check its permissions.")
        report_skipped(error.filename, f"this folder cannot be listed ({error.strerror})")

    for parent, folders, names in os.walk(folder, onerror=cannot_list):  # follows no links
        on_folder(parent)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (os.path.join(parent, name) for name in folders):
            if os.path.islink(path):
                report_skipped(path, "this is a link to a folder; pass it explicitly to search it")
        for path in (os.path.join(parent, name) for name in names if is_recording(name)):
            try:
                kind = special_file_kind(os.stat(path).st_mode)
            except FileNotFoundError:
                report_skipped(path, "this link is broken")
            except OSError as error:
                report_skipped(path, f"this cannot be reached ({error.strerror})")
            else:
                if kind:
                    report_skipped(path, f"this is {kind}, not a file")
                else:
                    yield path
