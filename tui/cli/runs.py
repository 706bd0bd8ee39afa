"""``paceline runs``: lists the latest runs and the outcomes of their jobs."""

from typing import TYPE_CHECKING

from tui.cli.command_help import command
from tui.cli.console import print_line, print_warnings
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import count_option

if TYPE_CHECKING:  # loaded when the command runs
    from workers.runs.index import RunIndex


@command(
    ("paceline runs --most 3", "List the latest three runs."),
)
@count_option("--most", "List at most this many runs.", default=10, show_default=True)
def runs(most: int) -> ExitCode:
    """List the latest runs, and how to continue unfinished ones."""
    from tui.text.formats import shell_path
    from workers.errors import RunFolderProblem
    from workers.jobs.job_state import JobStatus
    from workers.runs import run_folder, run_lock
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
        print_warnings(index.warnings)
        counts = index.status_counts
        outcomes = (
            ", ".join(f"{count} {status}" for status, count in counts.items()) or "no recordings"
        )
        to = destination(index)
        print_line(f"{path.name}  {outcomes}  {f'→ {to}' if to else ''}")
        finished = counts.keys() <= {JobStatus.DONE.value, JobStatus.CANCELLED.value}
        command = f"paceline {'view' if finished else 'resume'} {shell_path(path)}"
        if run_lock.is_running(path):
            command = f"running now; to view it: paceline view {shell_path(path)}"
        print_line(f"  {command}")
    if len(paths) > most:
        print_line(f"… and {len(paths) - most} earlier ones under {folder}")
    return ExitCode.DONE


def destination(index: "RunIndex") -> str:
    """The name of the endpoint that a run streamed to; empty if no session was ever started."""
    from tui.text.formats import at_speed

    endpoint = index.saved.endpoint
    if endpoint is None:
        return ""
    return (endpoint.name or endpoint.address) + at_speed(index.saved.settings.speed)
