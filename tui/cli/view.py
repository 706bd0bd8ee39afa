"""``paceline view``: the desk on a run that was, from its index and its traces."""

from pathlib import Path

import click

from tui.cli.runs import destination
from tui.cli.summary import Exit
from tui.config import loader
from tui.model.replay import BEFORE, Playback
from tui.terminal import gc_tuning
from tui.terminal.guard import TerminalGuard
from tui.text.width import clean
from workers.errors import RunFolderProblem
from workers.runs import reader, run_folder
from workers.runs.timeline import Chronicle


def latest(folder: Path) -> Path:
    """The run that was begun last under a folder; raises `RunFolderProblem` if there is none."""
    runs = sorted(path.parent for path in folder.glob(f"*/{reader.INDEX}"))
    if not runs:
        raise RunFolderProblem(f"no runs are kept under {folder}", "Name a run folder.")
    return runs[-1]


def looked_back(folder: Path, guard: TerminalGuard) -> int:
    """Opens the desk on it, and writes nothing there but exports. Gives the exit code.

    Raises `RunFolderProblem` or `Malformed`.
    """
    settings = loader.in_force()
    at_work = run_folder.at_work(folder)
    click.echo(clean(f"Reading {folder}"), err=True)  # of many hours that takes a while
    chronicle = Chronicle(folder, at_work=at_work)
    chronicle.between(BEFORE, chronicle.length)  # finals are kept, so that the screen comes at once
    from tui.app.replay_desk import LookBack  # loads Textual

    told = heading(folder, chronicle, at_work=at_work)
    screen = LookBack(Playback(chronicle), told, folder, settings=settings)
    gc_tuning.look_seldom()
    with guard.watching(folder, "To look back again: paceline view"):
        screen.run()
    return Exit.FATAL if screen.return_code else Exit.DONE


def heading(folder: Path, chronicle: Chronicle, *, at_work: bool) -> str:
    """That nothing streams here; which run it is, when it was, and where it streamed to."""
    whose = f"looking back at {folder.resolve().name}"
    if at_work:  # first of all: a narrow screen cuts the rest
        told = f"still at work: {whose}, as at {chronicle.wall(chronicle.length):%H:%M:%S}"
    elif chronicle.length:
        told = f"{whose}, {chronicle.wall(0.0):%d %b %Y %H:%M}"
    else:
        told = f"{whose}, nothing was streamed"
    to = destination(chronicle.index)
    return f"{told}, to {to}" if to else told
