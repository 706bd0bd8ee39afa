"""``paceline runs``: the runs that were kept, the latest first, and what is left of each."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tui.cli.summary import shell_quoted
from tui.text.width import clean
from workers.errors import RunFolderProblem
from workers.jobs.job_state import JobStatus
from workers.runs import run_folder
from workers.runs.index import RunIndex, list_runs, read_index

_FINISHED = (JobStatus.DONE.value, JobStatus.CANCELLED.value)


def print_runs(folder: Path, limit: int, echo: Callable[[str], None]) -> None:
    """Says each run on two lines: what became of its jobs, and where it is or how to go on."""
    runs = list_runs(folder)[::-1]
    if not runs:
        echo(f"No runs are kept under {clean(str(folder))}.")
    for path in runs[:limit]:
        try:
            index = read_index(path)
        except RunFolderProblem as problem:
            echo(clean(f"{path.name}  {problem}"))
            continue
        echo(clean(f"{path.name}  {_outcome_counts(index)}  {_destination_text(index)}"))
        echo(f"  {clean(_next_command(path, index))}")
    if len(runs) > limit:
        echo(f"… and {len(runs) - limit} earlier ones under {clean(str(folder))}")


def _outcome_counts(index: RunIndex) -> str:
    counts = Counter(job.status for job in index.jobs)
    return ", ".join(f"{count} {word}" for word, count in counts.items()) or "no jobs"


def destination(index: RunIndex) -> str:
    """Where a run streamed to; empty when no session was ever about to start."""
    endpoint = index.header.get("endpoint")
    if not isinstance(endpoint, dict):
        return ""
    return str(endpoint.get("name") or endpoint.get("address"))


def _destination_text(index: RunIndex) -> str:
    return f"→ {to}" if (to := destination(index)) else ""


def _next_command(path: Path, index: RunIndex) -> str:
    if run_folder.is_running(path):
        return f"at work now; as it is: paceline view {shell_quoted(path)}"
    if all(job.status in _FINISHED for job in index.jobs):
        return f"paceline view {shell_quoted(path)}"
    return f"paceline resume {shell_quoted(path)}"
