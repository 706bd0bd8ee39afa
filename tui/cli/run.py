"""A run from the command line's side: on the desk, or without a screen; its exit code."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from tui.cli.run_options import Options
from tui.cli.run_setup import supervised
from tui.cli.summary import Exit, exit_code, summary
from tui.config import loader
from tui.terminal import gc_tuning
from tui.terminal.guard import TerminalGuard
from tui.text.formats import counted
from tui.text.width import clean
from workers.errors import UsageProblem
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory
from workers.runs.run_folder import RunFolder
from workers.scheduling.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Work:
    """What a run is to do: files to add, or a run to go on with."""

    files: Sequence[str] = ()
    histories: Sequence[JobHistory] = ()
    folder: RunFolder | None = None
    """Of the run that goes on; None: a new one."""
    skipped: Sequence[tuple[str, str]] = ()
    """What was named and is no recording: paths, and why, in words."""

    def begin(self, supervisor: Supervisor) -> list[JobId]:
        """Queues it; gives the numbers of the files."""
        supervisor.resume(self.histories)
        return supervisor.add(self.files)

    @property
    def left(self) -> int:
        """How many recordings are to be streamed."""
        return len(self.files) + sum(not history.finished for history in self.histories)

    @property
    def size(self) -> str:
        """The same for people."""
        return counted(self.left, "file")


def need_terminal(instead: str) -> None:
    """Raises `UsageProblem` when there is none for the desk."""
    if not sys.stdout.isatty() or not sys.stdin.isatty():
        raise UsageProblem("the desk needs a terminal", f"Without one, use: {instead}")


def on_desk(chosen: Options, work: Work, guard: TerminalGuard) -> int:
    """Opens the desk; returns when the user has left it."""
    settings = loader.in_force()
    with supervised(chosen, work.folder) as supervisor:
        jobs = work.begin(supervisor)  # whatever is killed from here on, the run knows its files

        from tui.app.desk import (
            Desk,  # loads Textual, when the helpers of sessions are there already
        )

        folder = supervisor.folder.path
        screen = Desk(supervisor, chosen.where, folder, kind=chosen.kind, settings=settings)
        screen.skipped += work.skipped
        screen.state.remember(work.histories)
        screen.state.expect(jobs, work.files)
        gc_tuning.look_seldom()
        with guard.watching(folder):
            screen.run()
    while not supervisor.reports.empty():
        screen.state.apply(supervisor.reports.get())
    histories = screen.state.run
    for path, reason in work.skipped:
        click.echo(clean(f"Skipped {path}: {reason}"), err=True)
    _tell(histories, supervisor, click.echo)
    if screen.return_code:
        return Exit.FATAL
    saved = supervisor.folder.saved
    return exit_code(histories, interrupted=screen.leaving.cut_short, saved=saved)


def without_screen(chosen: Options, work: Work, *, as_json: bool) -> int:
    """Streams, and says what happens on stderr, with ``as_json`` on stdout."""
    from tui.cli.headless import Headless

    def say(line: str) -> None:
        click.echo(line, err=True)

    with supervised(chosen, work.folder) as supervisor:
        say(f"Streaming {work.size} to: {chosen.where}" if work.left else "Nothing is left to do.")
        say(clean(f"Run folder: {supervisor.folder.path}"))
        headless = Headless(supervisor, as_json=as_json, histories=work.histories)
        headless.run(lambda: work.begin(supervisor))
    _tell(headless.histories, supervisor, say)
    saved = supervisor.folder.saved
    return exit_code(headless.histories, interrupted=headless.interrupted, saved=saved)


def _tell(
    histories: Sequence[JobHistory], supervisor: Supervisor, say: Callable[[str], None]
) -> None:
    folder = supervisor.folder
    for line in summary(histories, folder.path, saved=folder.saved):
        say(line)
