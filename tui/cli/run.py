"""A run from the command line's side: on the desk, or without a screen; its exit code."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from tui.cli.desk_settings import load_desk_settings
from tui.cli.run_options import RunOptions
from tui.cli.run_setup import open_supervisor
from tui.cli.summary import ExitCode, exit_code, run_summary_lines
from tui.terminal import gc_tuning
from tui.terminal.guard import TerminalGuard
from tui.text.formats import format_count
from tui.text.width import clean
from workers.errors import UsageProblem
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.log import Logger
from workers.runs.run_folder import RunFolder
from workers.scheduling.supervisor import Supervisor

_log = Logger("paceline.desk")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run is to do: files to add, or a run to go on with."""

    files: Sequence[str] = ()
    job_states: Sequence[JobState] = ()
    run_folder: RunFolder | None = None
    """Of the run that goes on; None: a new one."""
    skipped: Sequence[tuple[str, str]] = ()
    """What was named and is no recording: paths, and why, in words."""

    def enqueue(self, supervisor: Supervisor) -> list[JobId]:
        """Queues it; gives the numbers of the files."""
        supervisor.resume(self.job_states)
        return supervisor.add(self.files)

    @property
    def remaining_count(self) -> int:
        """How many recordings are to be streamed."""
        return len(self.files) + sum(not job_state.is_settled for job_state in self.job_states)

    @property
    def remaining_text(self) -> str:
        """The same for people."""
        return format_count(self.remaining_count, "file")


def require_terminal(instead: str) -> None:
    """Raises `UsageProblem` when there is none for the desk."""
    if not sys.stdout.isatty() or not sys.stdin.isatty():
        raise UsageProblem("the desk needs a terminal", f"Without one, use: {instead}")


def run_desk(options: RunOptions, request: RunRequest, guard: TerminalGuard) -> int:
    """Opens the desk; returns when the user has left it."""
    settings = load_desk_settings()
    with open_supervisor(options, request.run_folder) as supervisor:
        jobs = request.enqueue(
            supervisor
        )  # whatever is killed from here on, the run knows its files

        from tui.app.desk import (
            Desk,  # loads Textual, when the helpers of sessions are there already
        )

        folder = supervisor.folder.path
        screen = Desk(
            supervisor, options.destination, folder, kind=options.endpoint_kind, settings=settings
        )
        screen.skipped_paths += request.skipped
        screen.state.restore(request.job_states)
        screen.state.add_jobs(jobs, request.files)
        gc_tuning.tune_gc()
        with guard.watch(folder):
            _log.info("desk opened on %s, to %s", folder, options.destination)
            screen.run()
            _log.info("desk closed, return code %s", screen.return_code)
    while not supervisor.reports.empty():
        screen.state.apply(supervisor.reports.get())
    job_states = screen.state.all_job_states
    for path, reason in request.skipped:
        click.echo(clean(f"Skipped {path}: {reason}"), err=True)
    _print_summary(job_states, supervisor, click.echo)
    if screen.return_code:
        return ExitCode.FATAL
    saved = supervisor.folder.is_saved
    return exit_code(job_states, interrupted=screen.shutdown_state.interrupted_jobs, saved=saved)


def run_headless(options: RunOptions, request: RunRequest, *, as_json: bool) -> int:
    """Streams, and says what happens on stderr, with ``as_json`` on stdout."""
    from tui.cli.headless import HeadlessRunner

    def say(line: str) -> None:
        click.echo(line, err=True)

    with open_supervisor(options, request.run_folder) as supervisor:
        say(
            f"Streaming {request.remaining_text} to: {options.destination}"
            if request.remaining_count
            else "Nothing is left to do."
        )
        say(clean(f"Run folder: {supervisor.folder.path}"))
        headless = HeadlessRunner(supervisor, as_json=as_json, job_states=request.job_states)
        headless.run(lambda: request.enqueue(supervisor))
    _print_summary(headless.job_states, supervisor, say)
    saved = supervisor.folder.is_saved
    return exit_code(headless.job_states, interrupted=headless.interrupted, saved=saved)


def _print_summary(
    job_states: Sequence[JobState], supervisor: Supervisor, echo: Callable[[str], None]
) -> None:
    folder = supervisor.folder
    for line in run_summary_lines(job_states, folder.path, saved=folder.is_saved):
        echo(line)
