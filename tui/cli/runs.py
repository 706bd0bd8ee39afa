"""``paceline runs``: the runs that were kept, the latest first, and what is left of each."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tui.cli.summary import quoted
from tui.text.width import clean
from workers.errors import RunFolderProblem
from workers.jobs.job_state import Status
from workers.protocol.codec import JsonObject
from workers.runs import reader, run_folder

_FINISHED = (Status.DONE.value, Status.CANCELLED.value)


def told(folder: Path, most: int, say: Callable[[str], None]) -> None:
    """Says each run on two lines: what became of its jobs, and where it is or how to go on."""
    runs = sorted((path.parent for path in folder.glob(f"*/{reader.INDEX}")), reverse=True)
    if not runs:
        say(f"No runs are kept under {clean(str(folder))}.")
    for path in runs[:most]:
        try:
            index = reader.index(path)
        except RunFolderProblem as problem:
            say(clean(f"{path.name}  {problem}"))
            continue
        say(clean(f"{path.name}  {_jobs(index)}  {_where(index)}"))
        say(f"  {clean(_next(path, index))}")
    if len(runs) > most:
        say(f"… and {len(runs) - most} earlier ones under {clean(str(folder))}")


def _jobs(index: reader.Index) -> str:
    counts = Counter(_became(job) for job in index.jobs)
    return ", ".join(f"{count} {word}" for word, count in counts.items()) or "no jobs"


def _became(job: JsonObject) -> str:
    ended = job.get("ended")
    outcome = ended.get("outcome") if isinstance(ended, dict) else None
    return str(outcome if outcome == "interrupted" else job.get("status", "queued"))


def destination(index: reader.Index) -> str:
    """Where a run streamed to; empty when no session was ever about to start."""
    endpoint = index.head.get("endpoint")
    if not isinstance(endpoint, dict):
        return ""
    return str(endpoint.get("name") or endpoint.get("address"))


def _where(index: reader.Index) -> str:
    return f"→ {to}" if (to := destination(index)) else ""


def _next(path: Path, index: reader.Index) -> str:
    if run_folder.at_work(path):
        return f"at work now; as it is: paceline view {quoted(path)}"
    if all(_became(job) in _FINISHED for job in index.jobs):
        return f"paceline view {quoted(path)}"
    return f"paceline resume {quoted(path)}"
