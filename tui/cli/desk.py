"""``paceline desk``, the default command: streams with the desk open."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode, most_severe
from tui.cli.shared_options import (
    log_options,
    new_run_options,
    notify_option,
    plain_option,
    watch_option,
)

if TYPE_CHECKING:  # loaded when a desk opens
    from tui.cli.run_options import RunOptions
    from tui.cli.run_setup import RunRequest
    from tui.config.settings import DeskSettings
    from tui.terminal.guard import TerminalGuard
    from workers.audio.source import Source


MAX_FIRST_SOURCES = 200
"""How many recordings are queued before the desk opens; the rest follows while it is shown."""

MAX_FIRST_SEARCH_S = 0.1
"""How long the desk waits for them, in seconds."""


@command(
    ("paceline calls", "Stream the folder “calls” with the desk open."),
    ("paceline --local calls", "The same to the embedded engine, although a key is set."),
)
@click.argument("paths", nargs=-1, type=click.Path())
@new_run_options
@watch_option
@plain_option
@notify_option
@log_options
def desk(
    paths: tuple[str, ...], watch: bool, plain: bool, notify: bool, **arguments: Any
) -> ExitCode:
    """Open the desk on these files and folders (the default command)."""
    guard = None if plain else start_guard()
    if not plain:
        require_terminal("paceline run PATH…")
    options, request = open_request(paths, watch, arguments)
    if guard is None:
        from tui.cli.plain_desk import run_plain_desk

        return run_plain_desk(options, request, load_desk_settings())
    return run_desk(options, request, guard, notify=notify)


def open_request(
    paths: tuple[str, ...], watch: bool, arguments: dict[str, Any]
) -> "tuple[RunOptions, RunRequest]":
    """Checks the options of a new run, and finds its first recordings."""
    from tui.cli.run_options import parse_options
    from tui.cli.run_setup import RunRequest
    from tui.cli.run_sources import watch_folders
    from tui.files.sources import iter_sources
    from workers.audio.discovery import SkippedPaths

    options, skipped = parse_options(**arguments), SkippedPaths()
    folders = watch_folders(paths, options) if watch else None
    search = iter_sources(paths, options.source_rules, skipped, allow_empty=watch)
    if options.shard is not None:
        search = filter(options.shard.holds, search)
    if options.matrix is not None:
        search = iter(options.matrix.expand(search))
    first = _first_sources(search)
    return options, RunRequest(first, skipped=skipped, search=search, watch=folders)


def _first_sources(search: "Iterator[Source]") -> "list[Source]":
    """Takes what a search finds at once. A quick search ends here, before the desk opens, so that
    its problems are reported as those of other commands."""
    sources: list[Source] = []
    began = time.monotonic()
    for source in search:
        sources.append(source)
        if len(sources) >= MAX_FIRST_SOURCES or time.monotonic() - began > MAX_FIRST_SEARCH_S:
            break
    return sources


def start_guard() -> "TerminalGuard":
    """Starts the guard's process, so that it gets ready while the rest of the program loads. Until
    the desk opens, no garbage is collected."""
    from tui.terminal.gc_tuning import postpone_gc
    from tui.terminal.guard import TerminalGuard
    from workers.secrecy import public_environment

    postpone_gc()
    return TerminalGuard(public_environment(os.environ))


def require_terminal(alternative: str) -> None:
    """Raises `UsageProblem` without a terminal; ``alternative``: a command that needs none."""
    from workers.errors import UsageProblem

    if not sys.stdout.isatty() or not sys.stdin.isatty():
        raise UsageProblem("the desk needs a terminal", f"Without one, use: {alternative}")


def load_desk_settings() -> "DeskSettings":
    """Loads the user's settings; raises `UsageProblem` for an unreadable or invalid file."""
    from tui.config.loader import load_settings

    def column_names() -> list[str]:  # slow to load, so called only if the file lists columns
        from tui.render.columns import optional_column_names

        return list(optional_column_names())

    return load_settings(column_names)


def kill_notice(advice: str, command: str, run_folder: Path) -> str:
    """What the guard prints if the desk is killed: ``advice``, and ``command`` for the folder."""
    from tui.text.formats import shell_path
    from tui.text.width import clean

    return clean(f"Paceline was killed. {advice}: {command} {shell_path(run_folder)}")


def run_desk(
    options: "RunOptions", request: "RunRequest", guard: "TerminalGuard", *, notify: bool
) -> ExitCode:
    """Runs the desk until the user leaves it, then prints the summary. ``notify``: ask for a
    desktop notification at the end, whatever the settings say."""
    from tui.cli.console import print_line
    from tui.cli.faults import report_fault
    from tui.cli.run_setup import new_forecaster, open_supervisor
    from tui.cli.run_sources import print_skipped
    from tui.cli.summary import exit_code, run_summary_lines
    from tui.terminal import gc_tuning
    from tui.terminal.sighup import treat_lost_terminal_as_sighup
    from workers.log import Logger
    from workers.runs.reader import combine_pairs_of_run

    log = Logger("paceline.desk")
    settings = load_desk_settings()
    settings = replace(settings, notify=settings.notify or notify)
    with open_supervisor(options, request.run_folder) as supervisor:
        # Queued before anything is drawn: if the program is killed, the run folder has its files.
        jobs = request.enqueue(supervisor)
        # Loads Textual only now, when the process from which sessions are forked already exists.
        from tui.app.desk import Desk
        from tui.model.first_hint import FirstHint

        folder, to, kind = supervisor.folder, options.destination, options.endpoint_kind
        rules, notice = options.source_rules, " ".join(options.notices)
        feed = request.feed(supervisor, options)
        app = Desk(
            supervisor,
            to,
            folder.path,
            kind=kind,
            settings=settings,
            rules=rules,
            notice=notice,
            feed=feed,
            first_hint=FirstHint(),
            forecaster=new_forecaster(options),
        )
        app.actions.skipped_paths = request.skipped  # the search may add to it
        app.state.restore(request.job_states)
        app.state.add_jobs(jobs, request.sources)
        gc_tuning.tune_gc()
        with guard.watch(kill_notice("To continue", "paceline resume", folder.path)):
            log.info("desk opened on %s, to %s", folder.path, to)
            with feed, treat_lost_terminal_as_sighup():
                app.run()
            log.info("desk closed, return code %s", app.return_code)
    while not supervisor.reports.empty():
        app.state.apply(supervisor.reports.get())
    print_skipped(app.actions.skipped_paths)
    job_states = combine_pairs_of_run(folder.path, app.state.all_job_states)
    for line in run_summary_lines(
        job_states, folder.path, saved=folder.is_saved, exported_to=app.state.exported_to
    ):
        print_line(line)
    interrupted = app.shutdown_state.interrupted_jobs
    code = exit_code(job_states, interrupted=interrupted, saved=folder.is_saved)
    return most_severe([code, report_fault(app.fault, folder.faults_path)]) if app.fault else code
