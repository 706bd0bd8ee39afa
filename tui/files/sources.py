"""Finds the recordings that users name: expands patterns, reads manifests, searches folders."""

import os
from collections.abc import Iterable, Iterator

from tui.files import confinement
from tui.files.folder_listing import GLOB_CHARS, fixed_folder, glob_recordings
from workers.audio.discovery import FolderCallback, NoAudioFound, SkippedPaths, iter_recordings
from workers.audio.source import Source
from workers.errors import UsageProblem
from workers.sources.addresses import is_url
from workers.sources.manifest import SourceRules
from workers.sources.names import named_sources
from workers.sources.shard import normal_path


def iter_sources(
    names: Iterable[str],
    rules: SourceRules,
    skipped: SkippedPaths,
    on_folder: FolderCallback = lambda folder: None,
    *,
    allow_empty: bool = False,
) -> Iterator[Source]:
    """Yields what files, folders, patterns, manifests and URLs stand for, without duplicates, while
    folders are still being searched. Adds other paths to ``skipped``.

    ``on_folder`` is called with each folder and may raise to end the search. Raises `UsageProblem`
    if a path does not exist or a pattern matches nothing, and `NoAudioFound` if there are only
    folders without audio; with ``allow_empty``, that is no problem.
    """
    seen: set[Source] = set()
    empty: NoAudioFound | None = None
    for name in names:
        if confinement.is_confined() and not _is_inside(name):
            raise UsageProblem(
                f"“{name}” is outside the folders that were named",
                "In a browser only those can be used.",
            )
        try:
            for source in _sources_of(name, rules, skipped, on_folder, allow_empty=allow_empty):
                if source in seen:
                    continue
                seen.add(source)
                if source.is_local and not confinement.may_use(source.file):
                    skipped.add(source.file, "outside the folders that were named")
                    continue
                yield source
        except NoAudioFound as problem:  # a mistake only if there is nothing else
            skipped.add(name, "there is no audio in this folder")
            empty = empty or problem
    if empty is not None and not seen:
        raise empty


def _is_inside(name: str) -> bool:
    """Whether a name stands for a path that a confined desk may use."""
    if is_url(name) and not os.path.lexists(name):
        return False
    is_pattern = not os.path.lexists(name) and not GLOB_CHARS.isdisjoint(name)
    return confinement.may_use(fixed_folder(name) if is_pattern else name)


def _sources_of(
    name: str,
    rules: SourceRules,
    skipped: SkippedPaths,
    on_folder: FolderCallback,
    *,
    allow_empty: bool,
) -> Iterator[Source]:
    if (named := named_sources(name, rules)) is not None:
        yield from named
        return
    if os.path.lexists(name) or GLOB_CHARS.isdisjoint(name):
        for file in iter_recordings([name], skipped, on_folder, allow_empty=allow_empty):
            yield Source(file, rules.options, relative_path=path_below(name, file))
        return
    folder, matches = fixed_folder(name), list(glob_recordings(name, on_folder))
    if not matches:
        raise UsageProblem(f"no recording or folder matches “{name}”", "Check the pattern.")
    for match in matches:
        try:
            for file in iter_recordings([match], skipped, on_folder):
                yield Source(file, rules.options, relative_path=path_below(folder, file))
        except UsageProblem as problem:  # a folder without recordings, found by a pattern
            skipped.add(match, problem.reason)


def path_below(folder: str, file: str) -> str:
    """The path of a recording relative to the folder that was searched for it, in one spelling; the
    name of one that was itself named."""
    if file == folder:
        return normal_path(os.path.basename(file))
    return normal_path(file.removeprefix(folder).lstrip(os.sep))
