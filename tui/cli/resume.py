"""``paceline resume``: streams what a run did not finish, with the settings of that run."""

from pathlib import Path
from typing import Any

import click

from tui.cli.command_help import command
from tui.cli.desk import load_desk_settings, require_terminal, run_desk, start_guard
from tui.cli.exit_codes import ExitCode
from tui.cli.run_names import UNFINISHED
from tui.cli.shared_options import (
    log_options,
    notify_option,
    plain_option,
    resume_options,
    run_argument,
    verbosity_options,
    yes_option,
)


@command(
    ("paceline resume latest --no-desk", "Continue the latest run without a screen."),
)
@run_argument(UNFINISHED)
@click.option("--no-desk", is_flag=True, help="Stream without a screen, as “run” does.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Stream without a screen and print events on stdout, as lines of JSON.",
)
@verbosity_options
@click.option("--endpoint", "url", metavar="URL", help="Continue at this v3 endpoint instead.")
@resume_options
@yes_option
@plain_option
@notify_option
@log_options
def resume(
    folder: Path,
    no_desk: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    plain: bool,
    notify: bool,
    is_confirmed: bool,
    **arguments: Any,
) -> ExitCode:
    """Continue what a run did not finish.

    Without RUN, continue the latest run that is unfinished.
    An unfinished recording continues after its last final turn, with the settings of the run.
    Recordings that are done or that you cancelled stay as they are.
    """
    guard = None if no_desk or as_json or plain else start_guard()
    from tui.cli.resume_options import prepare_resume
    from tui.cli.run_setup import RunRequest
    from tui.text.formats import shell_path
    from workers.runs import run_folder

    if guard is not None:
        require_terminal(f"paceline resume {shell_path(folder)} --no-desk")
    run = run_folder.reopen(folder)
    try:
        options, job_states = prepare_resume(folder, run.index, **arguments)
        if guard is None and not plain:
            from tui.cli.cost_question import confirm_cost

            confirm_cost(options, (), job_states, is_confirmed=is_confirmed)
    except BaseException:
        run.close()
        raise
    request = RunRequest((), job_states, run)
    if guard is not None:
        return run_desk(options, request, guard, notify=notify)
    if plain:
        from tui.cli.plain_desk import run_plain_desk

        return run_plain_desk(options, request, load_desk_settings())
    from tui.cli.headless import stream_headless
    from tui.cli.run_output import chosen_verbosity

    verbosity = chosen_verbosity(quiet=quiet, verbose=verbose)
    return stream_headless(options, request, as_json=as_json, verbosity=verbosity)
