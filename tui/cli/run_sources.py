"""Finds the recordings that a user names for a run, and prints which paths are skipped."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tui.cli.console import print_line
from tui.cli.run_options import RunOptions
from tui.files.sources import iter_sources
from tui.text.formats import format_count
from workers.audio.discovery import SkippedPaths
from workers.audio.folder_watch import FolderWatch
from workers.audio.source import Source
from workers.errors import UsageProblem
from workers.sources.shard import Shard

MAX_PRINTED_PATHS = 20
"""How many skipped paths are printed; more are only counted."""


def find_sources(
    names: Iterable[str],
    options: RunOptions,
    skipped: SkippedPaths,
    *,
    allow_stdin: bool = False,
    allow_empty: bool = False,
) -> list[Source]:
    """The recordings to stream; raises `UsageProblem` if a name stands for none. ``allow_empty``: a
    folder may be without audio."""
    rules = replace(options.source_rules, allow_stdin=allow_stdin)
    sources = list(iter_sources(names, rules, skipped, allow_empty=allow_empty))
    if options.shard is not None:
        sources = _sources_of_shard(sources, options.shard)
    if options.matrix is None:
        return sources
    if any(source.is_stdin for source in sources):
        reason = "the standard input can be streamed only once, not with --matrix or --repeat"
        raise UsageProblem(reason, "Write it to a file first.")
    return options.matrix.expand(sources)


def _sources_of_shard(sources: Sequence[Source], shard: Shard) -> list[Source]:
    """The recordings of a shard; prints how many of all they are."""
    if any(source.is_stdin for source in sources):
        reason = "the standard input cannot be divided into shards"
        raise UsageProblem(reason, "Stream it without --shard, on one machine.")
    held = [source for source in sources if shard.holds(source)]
    print_line(
        f"{str(shard).capitalize()}: {len(held):,} of {format_count(len(sources), 'recording')}",
        err=True,
    )
    paths = {source.relative_path or source.file for source in sources}
    files = {source.file for source in sources}
    if len(paths) <= len(files) / 2:
        print_line(
            "Most recordings have the same path below what you named, and the same path is always "
            "in the same shard. To divide them evenly, name the folder above them.",
            err=True,
        )
    return held


def watch_folders(names: Iterable[str], options: RunOptions) -> FolderWatch:
    """A watch over the folders among these names; raises `UsageProblem` if there are none."""
    if options.matrix is not None:
        reason = "--watch cannot be combined with --matrix or --repeat"
        raise UsageProblem(reason, "The order of a matrix needs all recordings.")
    folders = [name for name in names if os.path.isdir(name)]
    if not folders:
        raise UsageProblem("--watch needs a folder", "Name the folder instead of its files.")
    return FolderWatch(folders)


def print_skipped(skipped: SkippedPaths) -> None:
    """Prints which paths are not streamed, and why, to stderr."""
    for path, reason in skipped.listed[:MAX_PRINTED_PATHS]:
        print_line(f"Skipped {path}: {reason}", err=True)
    if (unprinted := skipped.count - MAX_PRINTED_PATHS) > 0:
        print_line(f"Skipped {unprinted} more", err=True)
    if skipped.other_files:
        print_line(f"Skipped {skipped.other_files}", err=True)
