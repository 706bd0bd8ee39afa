"""Finds the reference of each recording: beside it, in its manifest, or in a given place."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workers.errors import UsageProblem
from workers.evaluation.reference_formats import (
    READERS,
    TABLE_SUFFIXES,
    Reference,
    read_reference,
    read_table,
    text_in_metadata,
)

MANIFEST_ORIGIN = "its manifest"
"""The origin of a reference in a manifest. It is about the part that the manifest names."""


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """A recording that was streamed: its absolute path, its columns in a manifest, and its path
    below what the user named, if that is known."""

    path: Path
    metadata: tuple[tuple[str, str], ...] = ()
    relative_path: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceMatches:
    """Which recording has which reference."""

    references: Mapping[ScoredFile, Reference]
    unmatched: tuple[ScoredFile, ...]
    """Recordings without a reference."""
    unused: tuple[str, ...] = ()
    """References in the given place that belong to no recording."""


def match_references(files: Iterable[ScoredFile], given: Path | None = None) -> ReferenceMatches:
    """Matches recordings with references. ``given``: a folder, a table, or the only reference.

    Without ``given``, the reference is in the recording's manifest or beside the recording: a file
    of the same name with another suffix, or one in the folder ``truth`` beside its folder
    ``audio``. Raises `UsageProblem` for an empty reference, and for one that fits two recordings.
    """
    distinct = list(dict.fromkeys(files))
    if given is None:
        references_in = cache(_references_in)
        found = {file: _find_beside(file, references_in) for file in distinct}
        return _matches(distinct, {file: one for file, one in found.items() if one is not None})
    if given.is_dir():
        return _match_folder(distinct, given)
    if given.suffix.lower() in TABLE_SUFFIXES:
        return _match_table(distinct, given)
    if given.suffix.lower() not in READERS or not given.is_file():
        kinds = ", ".join([*READERS, *TABLE_SUFFIXES])
        raise UsageProblem(f"{given} holds no references", f"Choose a folder, or a file: {kinds}.")
    if given.suffix.lower() not in (".stm", ".ctm") and len({file.path for file in distinct}) > 1:
        reason = f"the reference {given} is about one recording, but the run has several"
        raise UsageProblem(reason, "Choose a folder or a table of references.")
    return _matches(distinct, {file: read_reference(given, file.path.stem) for file in distinct})


def _matches(
    files: Iterable[ScoredFile],
    references: Mapping[ScoredFile, Reference],
    unused: Iterable[str] = (),
) -> ReferenceMatches:
    unmatched = tuple(file for file in files if file not in references)
    return ReferenceMatches(references, unmatched, tuple(unused))


def _find_beside(
    file: ScoredFile, references_in: Callable[[Path], Mapping[str, list[Path]]]
) -> Reference | None:
    """``references_in``: `_references_in`, which lists each folder once."""
    if text := text_in_metadata(file.metadata):
        return Reference(MANIFEST_ORIGIN, text)
    folders = [file.path.parent]
    if file.path.parent.name == "audio":
        folders.append(file.path.parent.parent / "truth")
    for folder in folders:
        for candidate in references_in(folder).get(file.path.stem, ()):
            if candidate.is_file():
                return read_reference(candidate, file.path.stem)
    return None


def _references_in(folder: Path) -> dict[str, list[Path]]:
    """What may be references in a folder, by the name without suffix; the preferred kind first."""
    found: dict[str, list[Path]] = {}
    with suppress(OSError):  # there is no such folder
        for name in sorted(os.listdir(folder)):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in READERS:
                found.setdefault(stem, []).append(folder / name)
    for paths in found.values():
        paths.sort(key=_preference)
    return found


def _preference(path: Path) -> int:
    return list(READERS).index(path.suffix.lower())


def _match_folder(files: list[ScoredFile], folder: Path) -> ReferenceMatches:
    """Matches by file name without suffix; below a folder, references may be in subfolders."""
    by_stem: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in READERS and path.is_file():
            by_stem.setdefault(path.stem, []).append(path)
    paths: dict[str, set[Path]] = {}
    for file in files:
        paths.setdefault(file.path.stem, set()).add(file.path)
    references: dict[ScoredFile, Reference] = {}
    for file in files:
        stem = file.path.stem
        candidates = sorted(by_stem.get(stem, ()), key=_preference)
        if not candidates:
            continue
        if len(paths[stem]) > 1:
            reason = f"the reference {candidates[0]} fits {len(paths[stem])} recordings"
            raise UsageProblem(reason, f"They are all called {stem}; use a table with their paths.")
        if len(candidates) > 1 and candidates[0].suffix.lower() == candidates[1].suffix.lower():
            reason = f"{file.path} has two references: {candidates[0]} and {candidates[1]}"
            raise UsageProblem(reason, "Remove one.")
        references[file] = read_reference(candidates[0], stem)
    known = {file.path.stem for file in files}
    unused = [str(found[0]) for stem, found in by_stem.items() if stem not in known]
    return _matches(files, references, unused)


def _match_table(files: list[ScoredFile], table: Path) -> ReferenceMatches:
    """Matches by path, relative to the table, or by file name where that is unambiguous."""
    by_path: dict[Path, Reference] = {}
    by_name: dict[str, list[Path]] = {}
    for recording, reference in read_table(table):
        path = (table.parent / recording).absolute()
        if path in by_path:
            reason = f"{recording} has two references: {by_path[path].origin}"
            raise UsageProblem(f"{reason} and {reference.origin}", "Remove one.")
        by_path[path] = reference
        by_name.setdefault(path.name, []).append(path)
    users: dict[Path, Path] = {}
    references: dict[ScoredFile, Reference] = {}
    for file in files:
        path = file.path
        if path not in by_path:
            named = by_name.get(path.name, [])
            if len(named) != 1:
                continue
            path = named[0]
        if users.setdefault(path, file.path) != file.path:
            reason = f"the reference in {by_path[path].origin} fits two recordings"
            raise UsageProblem(reason, f"They are {users[path]} and {file.path}.")
        references[file] = by_path[path]
    unused = [one.origin for path, one in by_path.items() if path not in users]
    return _matches(files, references, unused)
