"""Which run a user names: by a path, by its name or the beginning of it, or as ``latest``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # loaded when a command looks for a run, or a shell asks
    from click.shell_completion import CompletionItem

    from workers.runs.index import RunIndex

LATEST, UNFINISHED = "latest", "unfinished"
"""The names of the latest run that “paceline runs” lists, and of the latest one that is unfinished.
Both are defaults too: a shell that completes a word must not look for a run."""


MAX_LISTED_RUNS = 3
"""How many runs are listed whose names begin as the user wrote."""


class RunFolderParam(click.ParamType[Path]):
    """The folder of a run: a path, ``latest``, or a name from “paceline runs” or its beginning."""

    name = "run"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Raises `RunFolderProblem` if there is no such run, and `UsageProblem` if the beginning of
        a name fits several."""
        from workers.errors import NoHomeFolder, RunFolderProblem, UsageProblem
        from workers.runs.index import is_run, list_runs
        from workers.runs.run_folder import runs_path

        path, name = Path(value), str(value)
        if path.exists() or name != path.name:
            if not path.exists():
                raise RunFolderProblem(f"there is no run at {path}", _LIST_HINT)
            if not is_run(path):
                raise RunFolderProblem(f"{path} is not a run folder", _LIST_HINT)
            return path
        try:
            parent = runs_path()
        except NoHomeFolder as error:
            raise RunFolderProblem(f"there is no run at {path}", error.hint) from error
        runs = list_runs(parent)
        if name == UNFINISHED:
            return _latest_unfinished(runs, parent)
        if name == LATEST:
            if not runs:
                hint = (
                    "“paceline PATH…” streams recordings, and “paceline runs” lists the runs then."
                )
                raise RunFolderProblem(f"no runs are kept under {parent}", hint)
            return runs[-1]
        if parent / name in runs:
            return parent / name
        found = [run for run in runs if run.name.startswith(name)]
        if not found:
            raise RunFolderProblem(f"there is no run “{name}”", _LIST_HINT)
        if len(found) > 1:
            names = ", ".join(run.name for run in found[-MAX_LISTED_RUNS:])
            more = (
                f" and {len(found) - MAX_LISTED_RUNS} more" if len(found) > MAX_LISTED_RUNS else ""
            )
            reason = f"{len(found)} runs begin with “{name}”: {names}{more}"
            raise UsageProblem(reason, "Write more of the name.")
        return found[0]

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        """The names of runs, the latest first; and folders."""
        from click.shell_completion import CompletionItem

        from workers.errors import NoHomeFolder
        from workers.runs.index import list_runs
        from workers.runs.run_folder import runs_path

        try:
            runs = [run.name for run in reversed(list_runs(runs_path()))]
        except NoHomeFolder:
            runs = []
        names = [name for name in (LATEST, UNFINISHED, *runs) if name.startswith(incomplete)]
        return [CompletionItem(incomplete, type="dir"), *map(CompletionItem, names)]

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return _LIST_HINT


_LIST_HINT = "“paceline runs” lists them."


def _latest_unfinished(runs: list[Path], parent: Path) -> Path:
    from workers.errors import RunFolderProblem
    from workers.runs import run_lock
    from workers.runs.index import read_index

    for path in reversed(runs):
        try:
            index = read_index(path)
        except RunFolderProblem:  # damaged; naming it says how
            continue
        if is_unfinished(index) and not run_lock.is_running(path):
            return path
    raise RunFolderProblem(f"no run under {parent} is unfinished", "There is nothing to continue.")


def is_unfinished(index: "RunIndex") -> bool:
    """Whether another attempt may finish something of a run."""
    from workers.jobs.job_state import JobStatus
    from workers.jobs.outcomes import JobEnding, can_continue

    settled = (JobStatus.DONE.value, JobStatus.CANCELLED.value)
    endings = ((job.status in settled, job.ended) for job in index.jobs)
    return can_continue(
        JobEnding(
            is_settled,
            ended.outcome if ended is not None else None,
            was_accepted=ended is not None and ended.sent_seconds > 0,
        )
        for is_settled, ended in endings
    )
