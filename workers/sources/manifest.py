"""Reads manifests: lists of recordings as text files.

=================  ===============================================================================
``.json .jsonl``   one JSON object a line, as NVIDIA NeMo writes them, or one array of objects
``.csv .tsv``      a table whose first line names the columns
``.scp``           Kaldi's ``wav.scp``: an utterance and a path a line; commands are refused
``.m3u .m3u8``     one path a line; the title of an ``#EXTINF`` line is metadata
=================  ===============================================================================

A recording is named in the first column of `PATH_COLUMNS`. ``offset`` and ``duration`` choose a
part of it, ``param.NAME`` is a connection parameter, and all other columns are metadata.

A manifest may come from somebody else. A relative path must stay below the manifest's folder, also
through links. An absolute path is followed, because the usual tools write them. A backslash may
stand for a slash, as Windows writes paths, if there is no file with it in its name.
"""

import csv
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from workers.audio.source import DEFAULT_OPTIONS, ReadOptions, Source
from workers.errors import UsageProblem
from workers.sources import values
from workers.sources.addresses import is_url, remote_source
from workers.sources.shard import normal_path

MANIFEST_SUFFIXES = frozenset([".json", ".jsonl", ".csv", ".tsv", ".scp", ".m3u", ".m3u8"])
"""A file with one of these suffixes is a manifest if it is named, not if its folder is searched."""

PATH_COLUMNS = ("file", "path", "audio", "audio_filepath", "wav")
PARAM_PREFIX = "param."
_PART_COLUMNS = ("offset", "duration")

MAX_MANIFEST_BYTES = 256 * 1024 * 1024
MAX_MANIFEST_LINE_CHARS = 1024 * 1024
MAX_RECORDINGS = 100_000
MAX_PROBLEMS = 20
"""How many problems of a manifest are listed at once."""

_KALDI_LINE = re.compile(r"(\S+)[ \t]+(.*\S)")
_DELIMITERS = ",;\t"

ManifestRow: TypeAlias = Mapping[str, str]
Params: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What the user's options allow, and how recordings are read."""

    options: ReadOptions = DEFAULT_OPTIONS
    """How recordings are read, unless a line of a manifest says otherwise."""
    allow_remote: bool = False
    """Whether a manifest may name recordings on the network."""
    allow_stdin: bool = False
    """Whether ``-`` is the standard input. On the desk, that is the keyboard."""
    check_params: Callable[[Params], object] = lambda params: None
    """Raises `UsageProblem` for connection parameters that cannot be sent."""


DEFAULT_RULES = SourceRules()


def is_manifest_name(name: str) -> bool:
    """Whether a file with this name is a manifest."""
    return os.path.splitext(name)[1].lower() in MANIFEST_SUFFIXES


def read_manifest(path: str, rules: SourceRules = DEFAULT_RULES) -> list[Source]:
    """The recordings of a manifest, in its order.

    Raises `UsageProblem` that tells the problems of all lines, up to `MAX_PROBLEMS`.
    """
    name = os.path.basename(path)
    try:
        rows = _ROW_READERS[os.path.splitext(path)[1].lower()](_read_text(path))
        sources, problems = _sources_of(rows, _RowReader(path, rules))
    except _BadManifest as bad:
        raise UsageProblem(f"{name}{bad.where}: {bad.reason}", bad.hint) from None
    if problems:
        shown = _told_problems(name, problems[:MAX_PROBLEMS])
        more = len(problems) - MAX_PROBLEMS
        if more > 0:
            shown.append((f"and {more:,} more problems", ""))
        *others, (reason, hint) = shown
        lines = [f"{text}. {its_hint}" if its_hint else text for text, its_hint in others]
        raise UsageProblem("\n".join([*lines, reason]), hint)
    if not sources:
        raise UsageProblem(f"{name} names no recordings", "Every line of it is empty.")
    return sources


def _told_problems(name: str, problems: "Sequence[_BadManifest]") -> list[tuple[str, str]]:
    """Each problem as a text and a hint. A hint is given once, to the first that needs it."""
    first_with_hint: dict[str, int] = {}
    for number, problem in enumerate(problems):
        first_with_hint.setdefault(problem.hint, number)
    return [
        (
            f"{name}{problem.where}: {problem.reason}",
            problem.hint if first_with_hint[problem.hint] == number else "",
        )
        for number, problem in enumerate(problems)
    ]


class _BadManifest(Exception):
    """A problem of a manifest, or of one line of it."""

    def __init__(self, reason: str, hint: str = "", where: str = "") -> None:
        super().__init__(reason)
        self.reason, self.hint, self.where = reason, hint, where


def _read_text(path: str) -> str:
    """The text of a manifest. Bytes that are not UTF-8 are kept, since paths may contain any."""
    try:
        if (size := os.path.getsize(path)) > MAX_MANIFEST_BYTES:
            reason = f"it has {size:,} bytes, which is too long for a manifest"
            raise _BadManifest(reason, "Divide it into several manifests.")
        with open(path, "rb") as file:
            data = file.read(MAX_MANIFEST_BYTES)
    except OSError as error:
        raise _BadManifest(f"it cannot be read ({error.strerror})") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # as spreadsheets save it
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "surrogateescape")
    if "\0" in text:
        raise _BadManifest("it is not a text file", "Was a recording renamed?")
    return text


def _sources_of(
    rows: Iterator["tuple[str, ManifestRow | _BadManifest]"], reader: "_RowReader"
) -> tuple[list[Source], list[_BadManifest]]:
    sources: list[Source] = []
    problems: list[_BadManifest] = []
    for where, row in rows:
        try:
            if isinstance(row, _BadManifest):
                raise row
            sources.append(reader.source_of(row))
        except _BadManifest as bad:
            problems.append(_BadManifest(bad.reason, bad.hint, where))
        except UsageProblem as problem:
            problems.append(_BadManifest(problem.reason, problem.hint, where))
        if len(sources) + len(problems) > MAX_RECORDINGS:
            reason = f"it names more than {MAX_RECORDINGS:,} recordings"
            raise _BadManifest(reason, "Divide it into several manifests.")
    return sources, problems


# --- rows of each format


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """The lines that are not blank, each with its place."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_MANIFEST_LINE_CHARS:
            raise _BadManifest(
                f"it has more than {MAX_MANIFEST_LINE_CHARS:,} characters", "", _line(number)
            )
        if line.strip():
            yield _line(number), line.strip("\r")


def _line(number: int) -> str:
    return f", line {number}"


def _json_rows(text: str) -> "Iterator[tuple[str, ManifestRow | _BadManifest]]":
    if text.lstrip().startswith("["):
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _BadManifest(f"it is not JSON ({error})") from None
        yield from (
            (f", entry {number}", _json_row(entry)) for number, entry in enumerate(entries, 1)
        )
        return
    for where, line in _lines(text):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            hint = "A .json or .jsonl manifest has one JSON object a line, or is one array of them."
            yield where, _BadManifest("this is not a JSON object", hint)
        else:
            yield where, _json_row(entry)


def _json_row(entry: object) -> "ManifestRow | _BadManifest":
    if not isinstance(entry, dict):
        return _BadManifest("this is not a JSON object")
    return {name: _json_text(value) for name, value in entry.items() if value is not None}


def _json_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _table_rows(text: str) -> "Iterator[tuple[str, ManifestRow | _BadManifest]]":
    header = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    table = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    csv.field_size_limit(MAX_MANIFEST_LINE_CHARS)
    names: list[str] = []
    while True:
        where = _line(table.line_num + 1)
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            raise _BadManifest(f"it is not a table ({error})", "", where) from None
        if not any(cell.strip() for cell in cells):
            continue
        if not names:
            names = [cell.strip() for cell in cells]
            _check_columns(names)
        elif len(cells) > len(names):
            reason = f"it has {len(cells)} cells, but there are {len(names)} columns"
            yield where, _BadManifest(reason, "Put cells that contain the delimiter in quotes.")
        else:
            yield where, dict(zip(names, cells, strict=False))


def _check_columns(names: Sequence[str]) -> None:
    if not set(PATH_COLUMNS) & set(names):
        reason = "no column names the recordings"
        hint = f"The first line names the columns; one of them is {', '.join(PATH_COLUMNS)}."
        raise _BadManifest(reason, hint, _line(1))
    if doubled := next((name for name in names if name and names.count(name) > 1), ""):
        raise _BadManifest(f"there are two columns “{doubled}”", "", _line(1))


def _kaldi_rows(text: str) -> "Iterator[tuple[str, ManifestRow | _BadManifest]]":
    for where, line in _lines(text):
        match = _KALDI_LINE.fullmatch(line.strip())
        if line.rstrip().endswith("|"):
            hint = "A wav.scp file may name files only, because Paceline runs no commands."
            yield where, _BadManifest("this is a command", hint)
        elif match is None:
            yield where, _BadManifest("this is not an utterance and a path")
        else:
            yield where, {"file": match[2], "utterance": match[1]}


def _playlist_rows(text: str) -> "Iterator[tuple[str, ManifestRow | _BadManifest]]":
    if "#EXT-X-" in text:
        hint = "Download the stream with another program first."
        raise _BadManifest("it is a playlist of a stream (HLS), not of recordings", hint)
    title = ""
    for where, line in _lines(text):
        line = line.strip()
        if line.startswith("#EXTINF:"):
            title = line.partition(",")[2].strip()
        elif not line.startswith("#"):
            yield where, {"file": line, **({"title": title} if title else {})}
            title = ""


_ROW_READERS: Mapping[str, Callable[[str], "Iterator[tuple[str, ManifestRow | _BadManifest]]"]] = {
    ".json": _json_rows,
    ".jsonl": _json_rows,
    ".csv": _table_rows,
    ".tsv": _table_rows,
    ".scp": _kaldi_rows,
    ".m3u": _playlist_rows,
    ".m3u8": _playlist_rows,
}


# --- one row


class _RowReader:
    """Turns rows into sources."""

    def __init__(self, path: str, rules: SourceRules) -> None:
        self._folder = os.path.dirname(path)
        self._real_folder = os.path.realpath(self._folder or os.curdir)
        self._real_folders: dict[str, str] = {}
        """The folders of recordings without links, by their paths."""
        self._rules = rules
        self._checked_params: set[Params] = set()

    def source_of(self, row: ManifestRow) -> Source:
        """Raises `UsageProblem`."""
        column = next((name for name in PATH_COLUMNS if row.get(name, "").strip()), None)
        if column is None:
            raise UsageProblem("it names no recording", f"Columns: {', '.join(PATH_COLUMNS)}")
        named = row[column].strip()
        names = [name for name in row if name != column and name and row[name].strip()]
        params = tuple(
            (name.removeprefix(PARAM_PREFIX), row[name].strip())
            for name in names
            if name.startswith(PARAM_PREFIX)
        )
        if params not in self._checked_params:  # the same on most lines, and slow to check
            self._rules.check_params(params)
            self._checked_params.add(params)
        source = self._located(named)
        return replace(
            source,
            options=self._part_of(row),
            params=params,
            metadata=tuple(
                (name, row[name].strip())
                for name in names
                if not name.startswith(PARAM_PREFIX) and name not in _PART_COLUMNS
            ),
        )

    def _part_of(self, row: ManifestRow) -> ReadOptions:
        offset, duration = (row.get(name, "").strip() for name in _PART_COLUMNS)
        if not offset and not duration:
            return self._rules.options
        start_s = values.position_s(offset) if offset else 0.0
        end_s = start_s + values.position_s(duration) if duration else None
        start_s, end_s = values.part(start_s, end_s)
        return replace(self._rules.options, start_s=start_s, end_s=end_s)

    def _located(self, named: str) -> Source:
        if named.startswith("file://"):
            named = unquote(urlsplit(named).path)
        elif is_url(named):
            if not self._rules.allow_remote:
                raise UsageProblem("it names a URL", "Allow URLs in manifests with --remote.")
            return remote_source(named)
        path = os.path.join(self._folder, named)
        if "\\" in named and not os.path.lexists(path):  # written on Windows
            named = named.replace("\\", "/")
            path = os.path.join(self._folder, named)
        try:
            if not os.path.isabs(named) and not self._is_below_folder(path):
                hint = "Write an absolute path, or move the manifest."
                raise UsageProblem(f"“{named}” is outside of the manifest's folder", hint)
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        except (OSError, ValueError):  # a broken link too, and what JSON can escape, such as \0
            hint = "A relative path starts at the manifest's folder."
            raise UsageProblem(f"there is no file “{named}”", hint) from None
        if is_folder:
            raise UsageProblem(f"“{named}” is a folder", "A manifest names files.")
        return Source(path, relative_path=self._path_below_folder(named))

    def _is_below_folder(self, path: str) -> bool:
        if os.path.basename(path) in ("", os.curdir, os.pardir) or os.path.islink(path):
            real = os.path.realpath(path)
        else:
            real = self._real_path(path)
        return os.path.commonpath([real, self._real_folder]) == self._real_folder

    def _path_below_folder(self, named: str) -> str:
        """The path of a recording relative to the manifest, in one spelling. One that lies
        elsewhere keeps its absolute path, which is the same wherever a copy of the manifest is."""
        if os.path.isabs(named):
            named = os.path.normpath(named)
            folder = os.path.abspath(self._folder or os.curdir)
            for above, path in ((folder, named), (self._real_folder, self._real_path(named))):
                if path.startswith(os.path.join(above, "")):
                    return normal_path(os.path.relpath(path, above))
        return normal_path(named)

    def _real_path(self, path: str) -> str:
        """A path whose folder is without links. Most files are in few folders, and resolving a path
        is slow."""
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return os.path.join(self._real_folders[folder], name)
