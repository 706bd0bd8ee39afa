"""Which files a list of paths means: files as they are, folders searched for audio."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from workers.errors import UsageProblem

AUDIO_SUFFIXES = frozenset(
    [
        ".wav",
        ".wave",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aif",
        ".aiff",
        ".aifc",
        ".w64",
        ".rf64",
        ".caf",
        ".au",
        ".snd",
    ]
)
"""What a folder is searched for. A file that is named is tried whatever it is called."""

UNSUPPORTED_SUFFIXES = frozenset([".m4a", ".aac", ".wma", ".amr", ".ac3", ".mka"])
"""Audio that libsndfile does not read: listed too, so that it is refused in words."""


_FILE_KINDS = (
    (stat.S_ISREG, None),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

SkipCallback: TypeAlias = Callable[[str, str], None]
"""Told what was passed over in a folder: its path, and the reason in words."""


FolderCallback: TypeAlias = Callable[[str], None]
"""Told each folder before it is read; an exception that it raises ends the search."""


def _ignore(*_: str) -> None:
    pass


def find_recordings(
    paths: Iterable[str],
    report_skipped: SkipCallback = _ignore,
    on_folder: FolderCallback = _ignore,
) -> list[str]:
    """The files that ``paths`` mean, each once, folders in the order of their names.

    A link to a file is a file; a link to a folder is searched only when it is named itself, so that
    no folder is searched for ever. Raises `UsageProblem` for a path that does not exist or a folder
    without any audio.
    """
    files: dict[str, None] = {}
    for path in paths:
        below = (
            _find_in_folder(path, report_skipped, on_folder)
            if os.path.isdir(path)
            else [_require_existing(path)]
        )
        files.update(dict.fromkeys(below))
    return list(files)


def is_recording(name: str) -> bool:
    """Whether a file of this name is one that a folder is searched for."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in AUDIO_SUFFIXES | UNSUPPORTED_SUFFIXES and not name.startswith(".")


def special_file_kind(mode: int) -> str | None:
    """What a path is that is no file, in words, by its ``st_mode``. Nothing of it may be opened:
    a pipe would be waited for, and a device may never end."""
    return next((words for is_kind, words in _FILE_KINDS if is_kind(mode)), "something else")


def _require_existing(path: str) -> str:
    if not os.path.lexists(path):
        raise UsageProblem(f"there is no file or folder “{path}”", "Check the path.")
    return path


def _find_in_folder(
    folder: str, report_skipped: SkipCallback, on_folder: FolderCallback
) -> list[str]:
    files = sorted(_walk(folder, report_skipped, on_folder), key=lambda path: Path(path).parts)
    if not files:
        raise UsageProblem(
            f"there is no audio in the folder “{folder}”",
            "It was searched, with all folders in it, for WAV, FLAC, OGG, Opus, MP3, AIFF, W64 "
            "and CAF files.",
        )
    return files


def _walk(folder: str, report_skipped: SkipCallback, on_folder: FolderCallback) -> Iterator[str]:
    def cannot_list(error: OSError) -> None:
        if error.filename == folder:
            raise UsageProblem(
                f"the folder “{folder}” cannot be listed ({error.strerror})",
                "Check its permissions.",
            )
        report_skipped(error.filename, f"this folder cannot be listed ({error.strerror})")

    for parent, folders, names in os.walk(folder, onerror=cannot_list):  # follows no links
        on_folder(parent)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (os.path.join(parent, name) for name in folders):
            if os.path.islink(path):
                report_skipped(path, "this is a link to a folder; name it to have it searched")
        for path in (os.path.join(parent, name) for name in names if is_recording(name)):
            if reason := _skip_reason(path):
                report_skipped(path, reason)
            else:
                yield path


def _skip_reason(path: str) -> str | None:
    """Why a name in a folder is none of a file; None if it is."""
    try:
        kind = special_file_kind(os.stat(path).st_mode)
    except FileNotFoundError:
        return "this link leads nowhere"
    except OSError as error:
        return f"this cannot be reached ({error.strerror})"
    return kind and f"this is {kind}, not a file"
