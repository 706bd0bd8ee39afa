"""Which files a list of paths means: files as they are, folders searched for audio."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from workers.errors import UsageProblem

SUFFIXES = frozenset(
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

FOREIGN = frozenset([".m4a", ".aac", ".wma", ".amr", ".ac3", ".mka"])
"""Audio that libsndfile does not read: listed too, so that it is refused in words."""


def found(paths: Iterable[str]) -> list[str]:
    """The files that ``paths`` mean, each once, folders in the order of their names.

    Raises `UsageProblem` for a path that does not exist or a folder without any audio.
    """
    files: dict[str, None] = {}
    for path in paths:
        files.update(dict.fromkeys(_below(path) if os.path.isdir(path) else [_existing(path)]))
    return list(files)


def _existing(path: str) -> str:
    if not os.path.lexists(path):
        raise UsageProblem(f"there is no file or folder “{path}”", "Check the path.")
    return path


def _below(folder: str) -> list[str]:
    files = sorted(_walked(folder), key=lambda path: Path(path).parts)
    if not files:
        raise UsageProblem(
            f"there is no audio in the folder “{folder}”",
            "It was searched, with all folders in it, for WAV, FLAC, OGG, Opus, MP3, AIFF, W64 "
            "and CAF files.",
        )
    return files


def _walked(folder: str) -> Iterator[str]:
    def cannot_list(error: OSError) -> None:
        if error.filename == folder:
            raise UsageProblem(
                f"the folder “{folder}” cannot be listed ({error.strerror})",
                "Check its permissions.",
            )

    for parent, folders, names in os.walk(folder, onerror=cannot_list):  # follows no links
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(parent, name)
            audio = os.path.splitext(name)[1].lower() in SUFFIXES | FOREIGN
            if audio and not name.startswith(".") and os.path.isfile(path):
                yield path
