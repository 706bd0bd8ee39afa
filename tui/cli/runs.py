"""``paceline runs``: lists the latest runs and what is left of each."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.console import print_line
from tui.cli.exit_codes import ExitCode

if TYPE_CHECKING:  # loaded when the command runs
    from workers.runs.index import RunIndex


@click.command()
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="List at most this many.",
)
def runs(most: int) -> ExitCode:
    """List the latest runs, and how to go on with unfinished ones."""
    from workers.errors import RunFolderProblem
    from workers.runs import run_folder
    from workers.runs.index import list_runs, read_index

    folder = run_folder.runs_path()
    paths = list_runs(folder)[::-1]
    if not paths:
        print_line(f"No runs are kept under {folder}.")
    for path in paths[:most]:
        try:
            index = read_index(path)
        except RunFolderProblem as problem:
            print_line(f"{path.name}  {problem}")
            continue
        counts = Counter(job.status for job in index.jobs)
        outcomes = ", ".join(f"{count} {word}" for word, count in counts.items()) or "no jobs"
        to = destination(index)
        print_line(f"{path.name}  {outcomes}  {f'→ {to}' if to else ''}")
        print_line(f"  {_next_command(path, counts)}")
    if len(paths) > most:
        print_line(f"… and {len(paths) - most} earlier ones under {folder}")
    return ExitCode.DONE


def destination(index: "RunIndex") -> str:
    """Where a run streamed to; empty when no session was ever started."""
    endpoint = index.header.get("endpoint")
    if not isinstance(endpoint, dict):
        return ""
    return str(endpoint.get("name") or endpoint.get("address"))


def _next_command(path: Path, outcomes: Counter[str]) -> str:
    from tui.cli.summary import shell_quoted
    from workers.jobs.job_state import JobStatus
    from workers.runs import run_folder

    if run_folder.is_running(path):
        return f"at work now; to look at it: paceline view {shell_quoted(path)}"
    finished = outcomes.keys() <= {JobStatus.DONE.value, JobStatus.CANCELLED.value}
    return f"paceline {'view' if finished else 'resume'} {shell_quoted(path)}"
