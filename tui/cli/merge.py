"""``paceline merge``: makes one run of several, such as those of shards."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.run_names import RunFolderParam
from tui.cli.shared_options import path_option, share_option

if TYPE_CHECKING:  # loaded when the command runs
    from workers.runs.merge import MergeResult


@command(
    ("paceline merge run-1 run-2 run-3 --into run", "Make one run of those of three shards."),
    ("paceline merge run-* --into /shared/run --share-with-group", "Let the group read it."),
)
@click.argument("folders", metavar="RUN...", type=RunFolderParam(), nargs=-1, required=True)
@path_option("--into", folder=True, required=True, help="Make the run in this new or empty folder.")
@click.option(
    "--keep-first",
    is_flag=True,
    help="Where a recording is done in several of the runs, take the first result. Default: name "
    "these recordings, and merge nothing.",
)
@share_option
def merge(
    folders: tuple[Path, ...], into: Path, keep_first: bool, share_with_group: bool
) -> ExitCode:
    """Make one run of several, such as those of shards.

    The runs may be unfinished, also because a machine died; “paceline resume” continues what they
    did not finish. They stay as they are, and the new run does not need them.
    """
    from tui.cli.console import print_line, print_warnings
    from workers.runs.merge import merge_runs

    result = merge_runs(folders, into, keep_first=keep_first, for_group=share_with_group)
    print_warnings(result.warnings)
    for line in _summary_lines(result, len(folders), into):
        print_line(line)
    for shard in result.missing_shards:
        print_line(f"paceline: {shard} is missing, so recordings may be missing too.", err=True)
    for shard in result.unlisted_shards:
        reason = "ended before it had found all of its recordings; stream it again, and merge that"
        print_line(f"paceline: {shard} {reason} run too.", err=True)
    is_whole = not result.missing_shards and not result.unlisted_shards
    return ExitCode.DONE if is_whole else ExitCode.SOME_FAILED


def _summary_lines(result: "MergeResult", runs: int, into: Path) -> list[str]:
    """What the merged run has, what happened to the files, and what to do next."""
    from tui.text.formats import format_bytes, format_count, shell_path
    from workers.jobs.job_state import JobStatus

    outcomes = ", ".join(f"{count} {status}" for status, count in result.statuses.items())
    recordings = format_count(result.statuses.total(), "recording")
    lines = [f"Merged {format_count(runs, 'run')} into {into}: {recordings}"]
    lines[0] += f" ({outcomes})" if outcomes else ""
    if result.doubled:
        number = format_count(result.doubled, "recording")
        lines.append(f"{number} in several runs: the result is taken, or what came furthest.")
    files = f"{format_count(result.linked_files, 'file')} linked, "
    size = f"{result.copied_files:,} copied ({format_bytes(result.copied_bytes)})"
    files += f"{size}, as they could not be linked" if result.copied_files else "none copied"
    lines.append(f"{files}. The merged run does not need the others any more.")
    finished = {JobStatus.DONE.value, JobStatus.CANCELLED.value}
    if result.statuses.keys() <= finished:
        lines.append(f"Score it: paceline score {shell_path(into)}")
    else:
        lines.append(f"Continue it: paceline resume {shell_path(into)}")
    return lines
