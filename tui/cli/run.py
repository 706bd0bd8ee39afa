"""``paceline run``: streams without a screen."""

from typing import Any

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import (
    log_options,
    new_run_options,
    paths_argument,
    verbosity_options,
    watch_option,
    yes_option,
)


@command(
    ("paceline run calls --sessions 20", "Stream the folder “calls”, twenty recordings at once."),
    ("paceline run one.wav --json > events.jsonl", "Stream one recording and keep its events."),
)
@paths_argument
@click.option("--json", "as_json", is_flag=True, help="Print events on stdout, as lines of JSON.")
@verbosity_options
@click.option(
    "--fail-if",
    "thresholds",
    multiple=True,
    metavar="THRESHOLD",
    help="Score the run at its end, and end with exit code 99 if this holds, such as “wer>6%”.",
)
@new_run_options
@yes_option
@watch_option
@log_options
def run(
    paths: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    verbose: bool,
    watch: bool,
    is_confirmed: bool,
    thresholds: tuple[str, ...],
    **arguments: Any,
) -> ExitCode:
    """Stream files and folders without a screen."""
    from tui.cli.cost_question import confirm_cost
    from tui.cli.headless import stream_headless
    from tui.cli.run_options import parse_options
    from tui.cli.run_output import chosen_verbosity
    from tui.cli.run_setup import RunRequest
    from tui.cli.run_sources import find_sources, print_skipped, watch_folders
    from tui.cli.score import load_thresholds
    from workers.audio.discovery import SkippedPaths

    verbosity = chosen_verbosity(quiet=quiet, verbose=verbose)
    options, skipped = parse_options(**arguments), SkippedPaths()
    folders = watch_folders(paths, options) if watch else None
    sources = find_sources(paths, options, skipped, allow_stdin=True, allow_empty=watch)
    print_skipped(skipped)
    checks = load_thresholds(thresholds) if thresholds else []
    confirm_cost(options, sources, is_confirmed=is_confirmed)
    request = RunRequest(sources, watch=folders)
    return stream_headless(
        options, request, as_json=as_json, verbosity=verbosity, thresholds=checks
    )
