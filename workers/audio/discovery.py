"""Finds the recordings in a list of paths: files are taken as given, folders are searched."""

import difflib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeAlias

from workers.errors import UsageProblem

AUDIO_SUFFIXES = frozenset([
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".w64",
    ".rf64", ".bw64", ".caf", ".au", ".snd", ".voc", ".sph", ".nist",
    ".m4a", ".m4b", ".m4r", ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3ga", ".3gpp", ".3g2",
    ".webm", ".weba", ".mkv", ".mka", ".ogv", ".ogx", ".spx",
    ".aac", ".adts", ".ac3", ".eac3", ".ec3", ".dts", ".mp1", ".mp2", ".mpa", ".mpga",
    ".wma", ".wmv", ".asf", ".avi", ".flv", ".f4a", ".f4v", ".mts", ".m2ts", ".mpg",
    ".mpeg", ".vob", ".amr", ".awb", ".gsm", ".qcp", ".dss", ".ape", ".wv", ".tta", ".tak", ".mpc",
    ".rm", ".ra", ".g722", ".g726", ".sln", ".sln16", ".ul",
    ".ulaw", ".al", ".alaw",
])  # fmt: skip
"""Suffixes that a folder search looks for. A file given explicitly may have any suffix."""

_FILE_KINDS = (
    (stat.S_ISREG, None),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_PARTIAL_SUFFIXES = frozenset([
    ".part", ".partial", ".crdownload", ".download", ".opdownload", ".filepart", ".!qb", ".!ut",
])  # fmt: skip
"""Suffixes that browsers and download programs add until a file is complete."""

_TEMPORARY_SUFFIXES = frozenset([".tmp", ".temp", ".bak", ".swp"])
"""Suffixes of temporary files; in a search they matter only behind the suffix of a recording."""

_FILE_MANAGER_FILES = frozenset([".ds_store", "thumbs.db", "desktop.ini"])
"""Files that Finder and Windows Explorer leave in folders, in lower case."""

MAX_LISTED_PATHS = 1000
"""How many skipped paths are kept; more are only counted."""

MAX_COMPARED_NAMES = 1000
"""With how many names in its folder a path that does not exist is compared."""

_MAX_NAMED_SUFFIXES = 5
"""How many suffixes a summary of other files names."""

FolderCallback: TypeAlias = Callable[[str], None]
"""Called with each folder before it is read; may raise to end the search."""


class NoAudioFound(UsageProblem):
    """Raised for a folder that was named and has no audio, nor have its subfolders."""

    def __init__(self, folder: str) -> None:
        formats = "WAV, FLAC, Ogg, MP3, M4A, MP4 and other files with audio"
        hint = f"It and its subfolders were searched for {formats}."
        super().__init__(f"there is no audio in the folder “{folder}”", hint)


class SkippedPaths:
    """What searches passed over: paths with a reason, and files that are not audio."""

    def __init__(self) -> None:
        self.listed: list[tuple[str, str]] = []
        """The first `MAX_LISTED_PATHS` skipped paths, each with the reason."""
        self.count = 0
        """How many paths were skipped, including those that are not listed."""
        self._other_suffixes: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self.count or self._other_suffixes)

    def add(self, path: str, reason: str) -> None:
        self.count += 1
        if len(self.listed) < MAX_LISTED_PATHS:
            self.listed.append((path, reason))

    def count_other(self, name: str) -> None:
        """Counts a file that nobody would expect to be streamed, such as a picture."""
        self._other_suffixes[os.path.splitext(name)[1].lower()] += 1

    def extend(self, more: "SkippedPaths") -> None:
        """Adds what another search passed over."""
        room = MAX_LISTED_PATHS - len(self.listed)
        self.listed += more.listed[: max(room, 0)]
        self.count += more.count
        self._other_suffixes += more._other_suffixes

    @property
    def other_files(self) -> str:
        """Says how many files are not audio, such as “3 files that are not audio (.jpg 2, .txt 1)”;
        empty if there are none."""
        if not (count := self._other_suffixes.total()):
            return ""
        frequent = self._other_suffixes.most_common(_MAX_NAMED_SUFFIXES)
        kinds = [f"{suffix or 'no suffix'} {number}" for suffix, number in frequent]
        kinds += ["…"] if len(self._other_suffixes) > len(kinds) else []
        files = "1 file that is" if count == 1 else f"{count} files that are"
        return f"{files} not audio ({', '.join(kinds)})"


def find_recordings(
    paths: Iterable[str],
    skipped: SkippedPaths | None = None,
    on_folder: FolderCallback = lambda folder: None,
) -> list[str]:
    """Returns everything that `iter_recordings` yields."""
    return list(iter_recordings(paths, skipped, on_folder))


def iter_recordings(
    paths: Iterable[str],
    skipped: SkippedPaths | None = None,
    on_folder: FolderCallback = lambda folder: None,
    *,
    allow_empty: bool = False,
) -> Iterator[str]:
    """Yields the files given by ``paths``, without duplicates; those in a folder by name, while it
    is still being searched.

    Hidden, empty and unfinished files in a folder are skipped. A link to a file counts as a file. A
    link to a folder is searched only if it is in ``paths``, since links may form a loop. Raises
    `UsageProblem` for a path that does not exist, and `NoAudioFound` for a folder without audio
    unless ``allow_empty``.
    """
    skipped = SkippedPaths() if skipped is None else skipped
    seen: set[str] = set()
    for path in paths:
        if not os.path.isdir(path):
            if not os.path.lexists(path):
                raise UsageProblem(f"there is no file or folder “{path}”", _hint_for_missing(path))
            found: Iterable[str] = (path,)
        else:
            found = search_folder(path, skipped, on_folder)
        any_found = False
        for file in found:
            any_found = True
            if file not in seen:
                seen.add(file)
                yield file
        if not any_found and not allow_empty:
            raise NoAudioFound(path)


def is_recording(name: str) -> bool:
    """Whether a file with this name counts as a recording when its folder is searched."""
    return _has_audio_suffix(name) and not name.startswith(".")


def special_file_kind(mode: int) -> str | None:
    """Describes the kind of file that has this ``st_mode``; None for a regular file.

    Only regular files may be opened: a pipe waits for its writer, and a device may never end.
    """
    return next((words for is_kind, words in _FILE_KINDS if is_kind(mode)), "something else")


def name_problem(name: str) -> str | None:
    """Why a search skips a file or folder with this name; None if its name is no reason."""
    stem, suffix = os.path.splitext(name.lower())
    if name.lower() in _FILE_MANAGER_FILES:
        return "this file belongs to a file manager"
    if name.startswith("._"):
        return "this is a companion file that a Mac writes beside others; it contains no audio"
    if name.startswith("."):
        return "this is hidden: its name begins with a dot"
    if suffix in _PARTIAL_SUFFIXES:
        return "this download is not finished"
    if suffix in _TEMPORARY_SUFFIXES and _has_audio_suffix(stem):
        return "this is a temporary file"
    if name.endswith("~") and _has_audio_suffix(name[:-1]):
        return "this is a temporary file"
    return None


def search_folder(
    folder: str,
    skipped: SkippedPaths,
    on_folder: FolderCallback = lambda folder: None,
) -> Iterator[str]:
    """Yields the recordings in a folder and its subfolders, by name. Raises `UsageProblem` if the
    folder itself cannot be listed."""
    on_folder(folder)
    try:
        levels = [iter(_entries(folder))]
    except OSError as error:
        reason = f"the folder “{folder}” cannot be listed ({error.strerror})"
        raise UsageProblem(reason, "Check its permissions.") from error
    while levels:  # not recursive: folders may be deeper than Python's stack
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif problem := name_problem(entry.name):
            skipped.add(entry.path, problem)
        elif entry.is_dir(follow_symlinks=False):
            on_folder(entry.path)
            try:
                levels.append(iter(_entries(entry.path)))
            except OSError as error:
                reason = f"this folder cannot be listed ({error.strerror})"
                skipped.add(entry.path, reason)
        elif _is_file_to_stream(entry, skipped):
            yield entry.path


def _hint_for_missing(path: str) -> str:
    """Names what has nearly the same name in the same folder, if there is such a thing."""
    parent, name = os.path.split(path.rstrip(os.sep))
    try:
        with os.scandir(parent or ".") as entries:
            names = [entry.name for entry in islice(entries, MAX_COMPARED_NAMES)]
    except OSError:
        return "Check the path."
    nearest = difflib.get_close_matches(name, names, 1)
    return f"Did you mean “{os.path.join(parent, nearest[0])}”?" if nearest else "Check the path."


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_file_to_stream(entry: os.DirEntry[str], skipped: SkippedPaths) -> bool:
    """Whether a search yields this entry, which is not a folder; if not, says why."""
    if entry.is_symlink() and os.path.isdir(entry.path):
        skipped.add(entry.path, "this is a link to a folder; pass it explicitly to search it")
    elif not is_recording(entry.name):
        skipped.count_other(entry.name)
    else:
        try:
            status = entry.stat()
        except FileNotFoundError:
            skipped.add(entry.path, "this link is broken")
        except OSError as error:
            skipped.add(entry.path, f"this cannot be reached ({error.strerror})")
        else:
            if kind := special_file_kind(status.st_mode):
                skipped.add(entry.path, f"this is {kind}, not a file")
            elif status.st_size:
                return True
            else:
                skipped.add(entry.path, "this file is empty")
    return False


def _has_audio_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES
