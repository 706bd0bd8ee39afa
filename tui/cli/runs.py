"""``paceline runs``: lists the latest runs and the outcomes of their jobs."""

import re
import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.cli.command_help import command
from tui.cli.console import ask, can_ask, error_to_json, print_json, print_line, print_warnings
from tui.cli.exit_codes import ExitCode
from tui.cli.run_names import RunFolderParam
from tui.cli.shared_options import count_option

if TYPE_CHECKING:  # loaded when the command runs
    from workers.errors import RunFolderProblem
    from workers.protocol.codec import Json, JsonObject
    from workers.runs.index import RunIndex


class RunState(Enum):
    """What a run is to its user."""

    RUNNING = "running"
    UNFINISHED = "unfinished"  # something is left that “resume” may finish
    FINISHED = "finished"
    DAMAGED = "damaged"  # its index cannot be read


MIN_COMPRESSED_BYTES = 1_000_000_000
"""From this size on, it is worth a line that the traces of a run can be compressed."""

_UNIT_S = {"h": 3600, "d": 86_400, "w": 604_800}


class AgeParam(click.ParamType[float]):
    """An age such as ``30d``, as seconds."""

    name = "age"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = re.fullmatch(r"(\d{1,5})([hdw])", str(value))
        if found is None:
            self.fail(f"{value} is not an age such as 30d, 12h or 2w.", param, ctx)
        return float(int(found[1]) * _UNIT_S[found[2]])


@command(
    ("paceline runs --most 3", "List the latest three runs."),
    ("paceline runs --older-than 30d", "Delete runs of more than a month ago, after a question."),
)
@click.option("--json", "as_json", is_flag=True, help="Print the runs as one JSON object.")
@count_option("--most", "List at most this many runs.", default=10, show_default=True)
@click.option(
    "--delete",
    "doomed",
    type=RunFolderParam(),
    multiple=True,
    metavar="RUN",
    help="Delete this run, with its transcripts and traces. Repeat the option for several.",
)
@click.option(
    "--older-than",
    "age_s",
    type=AgeParam(),
    metavar="AGE",
    help="Delete the runs in which nothing has changed for so long, such as 30d, 12h or 2w.",
)
@click.option("--yes", "is_confirmed", is_flag=True, help="Delete without a question.")
def runs(
    most: int,
    as_json: bool,
    doomed: "tuple[Path, ...]",
    age_s: float | None,
    is_confirmed: bool,
) -> ExitCode:
    """List the latest runs, and how to continue unfinished ones.

    With --delete or --older-than, delete runs instead, after a question.
    """
    from workers.runs import run_folder
    from workers.runs.index import list_runs

    if doomed or age_s is not None:
        return _delete(list(doomed), age_s, is_confirmed=is_confirmed)
    folder = run_folder.runs_path()
    paths = list_runs(folder)[::-1]
    listed = [_read_run(path) for path in paths[:most]]
    if as_json:
        runs: list[Json] = [run.to_json() for run in listed]
        more = max(len(paths) - most, 0)
        print_json({"version": 1, "folder": str(folder), "runs": runs, "more": more})
        return ExitCode.DONE
    if not paths:
        print_line(f"No runs are kept under {folder}.")
    for run in listed:
        if run.index is not None:
            print_warnings(run.index.warnings)
        for line in run.lines:
            print_line(line)
    if len(paths) > most:
        print_line(f"… and {len(paths) - most} earlier ones under {folder}")
    return ExitCode.DONE


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run, as it is listed."""

    path: Path
    state: RunState
    bytes: int
    """The size of all its files."""
    index: "RunIndex | None" = None
    problem: "RunFolderProblem | None" = None

    @property
    def command(self) -> str:
        """What a user would do with it next."""
        from tui.text.formats import shell_path

        verb = "resume" if self.state is RunState.UNFINISHED else "view"
        return "" if self.index is None else f"paceline {verb} {shell_path(self.path)}"

    @property
    def lines(self) -> list[str]:
        """The run in two lines, or in one that says what is wrong with it."""
        if self.index is None:
            return [f"{self.path.name}  {self.problem}"]
        from tui.text.formats import format_bytes

        counts: Counter[str] = Counter()
        for status, count in self.index.status_counts.items():
            counts[self._status_word(status)] += count
        outcomes = ", ".join(f"{count} {word}" for word, count in counts.items())
        to = destination(self.index)
        before = "running now; to view it: " if self.state is RunState.RUNNING else ""
        facts = [
            self.path.name,
            outcomes or "no recordings",
            self.division,
            format_bytes(self.bytes),
        ]
        facts.append(f"→ {to}" if to else "")
        return ["  ".join(filter(None, facts)), f"  {before}{self.command}", *self._advice]

    @property
    def _advice(self) -> list[str]:
        """That compressing the traces would save much, if it would."""
        from tui.text.formats import shell_path
        from workers.traces.files import has_plain_traces

        if self.bytes < MIN_COMPRESSED_BYTES or self.state is RunState.RUNNING:
            return []
        if not has_plain_traces(self.path):
            return []
        return [f"  its traces take a twentieth after: paceline compress {shell_path(self.path)}"]

    def _status_word(self, status: str) -> str:
        """The status of a job now. The index has that of its last change on disk, such as
        “connecting” of a job that streams since, or of one whose program was killed."""
        from workers.jobs.job_state import JobStatus

        live = [each.value for each in JobStatus if each.is_live]
        if self.state is RunState.RUNNING:
            return "in progress" if status in live else status
        broken_off = (*live, JobStatus.RETRYING.value)
        return JobStatus.INTERRUPTED.value if status in broken_off else status

    @property
    def division(self) -> str:
        """Which shard the run is, or of how many runs it was merged; empty if neither."""
        from tui.text.formats import format_count

        if self.index is None:
            return ""
        saved = self.index.saved
        merged = f"merged from {format_count(len(saved.parts), 'run')}" if saved.parts else ""
        return merged or (str(saved.shard) if saved.shard is not None else "")

    def to_json(self) -> "JsonObject":
        """The run, as docs/schemas/runs.schema.json describes it."""
        run: JsonObject = {
            "name": self.path.name,
            "path": str(self.path),
            "state": self.state.value,
            "bytes": self.bytes,
            "command": self.command,
        }
        if self.problem is not None:
            run["error"] = dict(
                error_to_json(self.problem.code, self.problem.reason, self.problem.hint)
            )
        if self.index is not None:
            started, endpoint = self.index.header.get("started"), self.index.saved.endpoint
            run["started"] = started if isinstance(started, str) else None
            run["endpoint"] = endpoint.address if endpoint is not None else None
            run["jobs"] = dict(self.index.status_counts)
            run["warnings"] = list(self.index.warnings)
        return run


def _read_run(path: Path) -> ListedRun:
    from tui.cli.run_names import is_unfinished
    from workers.errors import RunFolderProblem
    from workers.runs import run_lock
    from workers.runs.index import read_index
    from workers.runs.removal import folder_bytes

    size = folder_bytes(path)
    try:
        index = read_index(path)
    except RunFolderProblem as problem:
        return ListedRun(path, RunState.DAMAGED, size, problem=problem)
    if run_lock.is_running(path):
        return ListedRun(path, RunState.RUNNING, size, index)
    state = RunState.UNFINISHED if is_unfinished(index) else RunState.FINISHED
    return ListedRun(path, state, size, index)


def _delete(doomed: "list[Path]", age_s: float | None, *, is_confirmed: bool) -> ExitCode:
    """Deletes runs after a question; those that run now stay."""
    from tui.text.formats import format_bytes, format_count
    from workers.errors import RunFolderProblem, UsageProblem
    from workers.runs import run_folder, run_lock
    from workers.runs.index import INDEX_NAME, list_runs
    from workers.runs.removal import folder_bytes, remove_run

    if age_s is not None:
        latest = time.time() - age_s
        old = [each for each in list_runs(run_folder.runs_path()) if not run_lock.is_running(each)]
        doomed += [each for each in old if (each / INDEX_NAME).lstat().st_mtime < latest]
    doomed = list(dict.fromkeys(doomed))
    if not doomed:
        print_line("No run is that old.")
        return ExitCode.DONE
    for path in doomed:
        print_line(f"{path}  {format_bytes(folder_bytes(path))}")
    question = f"Delete {format_count(len(doomed), 'run')}, with transcripts and traces?"
    if not is_confirmed and not can_ask():
        reason = f"without a terminal nobody can answer “{question}”"
        raise UsageProblem(reason, "To delete without a question, add --yes.")
    if not is_confirmed:
        ask(question)
    code = ExitCode.DONE
    for path in doomed:
        try:
            remove_run(path)
        except RunFolderProblem as problem:
            print_line(str(problem), err=True)
            code = ExitCode.SOME_FAILED
        else:
            print_line(f"Deleted {path}")
    return code


def destination(index: "RunIndex") -> str:
    """The name of the endpoint that a run streamed to; empty if no session was ever started."""
    from tui.text.formats import at_speed

    endpoint = index.saved.endpoint
    if endpoint is None:
        return ""
    return (endpoint.name or endpoint.address) + at_speed(index.saved.settings.speed)
