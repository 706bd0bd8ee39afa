"""``paceline view``: replays a run on the desk, from its index and its traces."""

from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli.command_help import command
from tui.cli.desk import kill_notice, load_desk_settings, require_terminal, start_guard
from tui.cli.exit_codes import ExitCode
from tui.cli.runs import destination
from tui.cli.shared_options import run_argument

if TYPE_CHECKING:  # loaded when the command runs
    from workers.runs.timeline import RunTimeline


@command(
    ("paceline view latest", "Replay the latest run."),
)
@run_argument()
def view(folder: Path) -> ExitCode:
    """Show a past run on the desk, and replay it.

    Without RUN, open the latest run. Nothing is streamed or changed.
    """
    guard = start_guard()
    from tui.cli.console import print_line, print_warnings
    from tui.cli.faults import report_fault
    from tui.model.replay import Replay
    from tui.terminal import gc_tuning
    from tui.text.formats import shell_path
    from workers.runs import run_lock
    from workers.runs.run_folder import share_like_run
    from workers.runs.timeline import RunTimeline

    require_terminal(f"paceline export {shell_path(folder)} --to txt")
    settings = load_desk_settings()
    running = run_lock.is_running(folder)
    print_line(f"Reading {folder}", err=True)  # many hours of traces take a while
    gc_tuning.tune_gc()
    timeline = RunTimeline(folder, running=running)
    print_warnings(timeline.index.warnings)
    share_like_run(folder, timeline.index)
    # Final turns are cached, so reading the whole run here makes the first screen appear at once.
    timeline.preload()
    from tui.app.desk import Desk  # loads Textual

    title = replay_title(folder, timeline, still_running=running)
    app = Desk(Replay(timeline), title, folder, settings=settings)
    gc_tuning.freeze()
    with guard.watch(kill_notice("To view it again", "paceline view", folder)):
        app.run()
    return report_fault(app.fault) if app.fault else ExitCode.DONE


def replay_title(folder: Path, timeline: "RunTimeline", *, still_running: bool) -> str:
    """The desk's title: “looking back at”, then the name, date and destination of the run."""
    title = f"looking back at {folder.resolve().name}"
    if still_running:  # at the front, because a narrow screen cuts the end
        title = f"still running: {title}, as of {timeline.wall_time(timeline.duration_s):%H:%M:%S}"
    elif timeline.duration_s:
        title = f"{title}, {timeline.wall_time(0.0):%Y-%m-%d %H:%M}"
    else:
        title = f"{title}, nothing was streamed"
    to = destination(timeline.index)
    return f"{title}, to {to}" if to else title
