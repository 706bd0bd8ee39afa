"""``paceline view``: the desk on a run that was, from its index and its traces."""

from pathlib import Path

import click

from tui.cli.desk_settings import load_desk_settings
from tui.cli.runs import destination
from tui.cli.summary import ExitCode
from tui.model.replay import Replay
from tui.terminal import gc_tuning
from tui.terminal.guard import TerminalGuard
from tui.text.width import clean
from workers.errors import RunFolderProblem
from workers.runs import run_folder
from workers.runs.index import list_runs
from workers.runs.job_timeline import BEFORE_START_S
from workers.runs.timeline import RunTimeline


def latest_run(folder: Path) -> Path:
    """The run that was begun last under a folder; raises `RunFolderProblem` if there is none."""
    runs = list_runs(folder)
    if not runs:
        raise RunFolderProblem(f"no runs are kept under {folder}", "Name a run folder.")
    return runs[-1]


def view_run(folder: Path, guard: TerminalGuard) -> int:
    """Opens the desk on it, and writes nothing there but exports. Gives the exit code.

    Raises `RunFolderProblem` or `Malformed`.
    """
    settings = load_desk_settings()
    at_work = run_folder.is_running(folder)
    click.echo(clean(f"Reading {folder}"), err=True)  # of many hours that takes a while
    timeline = RunTimeline(folder, running=at_work)
    timeline.reports_between(
        BEFORE_START_S, timeline.duration_s
    )  # finals are kept, so that the screen comes at once
    from tui.app.replay_desk import ReplayDesk  # loads Textual

    told = replay_title(folder, timeline, still_running=at_work)
    screen = ReplayDesk(Replay(timeline), told, folder, settings=settings)
    gc_tuning.tune_gc()
    with guard.watch(folder, "To look back again: paceline view"):
        screen.run()
    return ExitCode.FATAL if screen.return_code else ExitCode.DONE


def replay_title(folder: Path, timeline: RunTimeline, *, still_running: bool) -> str:
    """That nothing streams here; which run it is, when it was, and where it streamed to."""
    whose = f"looking back at {folder.resolve().name}"
    if still_running:  # first of all: a narrow screen cuts the rest
        told = f"still at work: {whose}, as at {timeline.wall_time(timeline.duration_s):%H:%M:%S}"
    elif timeline.duration_s:
        told = f"{whose}, {timeline.wall_time(0.0):%d %b %Y %H:%M}"
    else:
        told = f"{whose}, nothing was streamed"
    to = destination(timeline.index)
    return f"{told}, to {to}" if to else told
