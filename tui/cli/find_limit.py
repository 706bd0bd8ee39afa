"""``paceline find-limit``: how many sessions hold to a service level, and what gives in."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import (
    NumberRange,
    count_option,
    path_option,
    paths_argument,
    prices_option,
    target_options,
    whole_number_in,
)
from workers import ranges
from workers.ranges import Range

_HOLD_S = Range(1, 3600, "s")
_WARM_UP_S = Range(0, 600, "s")
_WITHIN_PERCENT = Range(0, 50, "%")
_TRIALS = Range(1, 99)
PICTURES = (".svg", ".png")


@command(
    (
        'paceline find-limit samples/recordings --slo "eot.p95<1500ms" --plot limit.svg',
        "Find how many sessions the embedded engine holds on this machine.",
    ),
    (
        "paceline find-limit calls --endpoint ws://127.0.0.1:8765 --json",
        "The same for a server of your own.",
    ),
)
@paths_argument
@target_options
@click.option(
    "--slo",
    "texts",
    multiple=True,
    metavar="OBJECTIVE",
    help="What must hold, such as “ttfs.p95<800ms”. Repeat the option for several. Default: "
    "pacing.p99<10ms and eot.p95<1500ms.",
)
@count_option(
    "--up-to", "Try at most this many sessions.", ranges.SESSIONS, default=512, show_default=True
)
@click.option(
    "--within",
    type=NumberRange(_WITHIN_PERCENT),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="Search until the limit is known to this share of it, at best to one session.",
)
@click.option(
    "--trials",
    type=whole_number_in(_TRIALS),
    default=3,
    show_default=True,
    metavar="N",
    help="Try the number that holds and the one that does not this often, in turn.",
)
@click.option(
    "--hold",
    "hold_s",
    type=NumberRange(_HOLD_S),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="Measure for this long in each trial, while all sessions stream.",
)
@click.option(
    "--warm-up",
    "warm_up_s",
    type=NumberRange(_WARM_UP_S),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait this long between the last start and that.",
)
@click.option(
    "--budget",
    metavar="AMOUNT|TIME",
    help="Try no number of sessions that may pass this amount, such as 5usd, or this time of open "
    "sockets, such as 2h, with all trials together. The service, or an endpoint on another "
    "machine, is tried only with this.",
)
@prices_option
@path_option("--out", folder=True, help="Keep the runs of all trials in this new or empty folder.")
@path_option("--plot", help="Draw the trials into this file, .svg or .png.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def find_limit(
    paths: tuple[str, ...],
    texts: tuple[str, ...],
    up_to: int,
    within: float,
    trials: int,
    hold_s: float,
    warm_up_s: float,
    out: Path | None,
    plot: Path | None,
    as_json: bool,
    **arguments: Any,
) -> ExitCode:
    """Find how many sessions hold to a service level, and what gives in.

    Doubles the number of sessions until an objective breaks, and then halves what is between. The
    real sessions of Paceline stream parts of the recordings, and each that ends is replaced. The
    service, or an endpoint on another machine, is tried only with --budget.
    """
    from tui.cli.console import print_json, print_line
    from tui.cli.run_options import parse_options
    from tui.cli.run_sources import find_sources, print_skipped
    from workers import files, secrecy
    from workers.audio.discovery import SkippedPaths
    from workers.errors import MissingExtra, UsageProblem

    try:
        from tui.cli import limit_lines, limit_setup
        from workers.limit_search import finder, objectives
        from workers.limit_search.document import limit_to_json
        from workers.limit_search.search import LimitSearch
        from workers.limit_search.trial import TrialPlan, TrialRunner, cool_down_s
    except ImportError as error:
        raise MissingExtra("evaluation", "finding a limit") from error
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise UsageProblem(f"{plot} is no picture", f"End its name in {' or '.join(PICTURES)}.")
    wanted = [objectives.parse_objective(one) for one in texts or objectives.DEFAULT_OBJECTIVES]
    options = parse_options(**arguments, **limit_setup.RUN_DEFAULTS)
    allowance = limit_setup.allowance_of(options)
    skipped = SkippedPaths()
    sources = find_sources(paths, options, skipped)
    print_skipped(skipped)
    trial_plan = TrialPlan(
        hold_s,
        warm_up_s,
        cool_down_s(wanted),
        starts_per_minute=options.starts_per_minute,
    )
    parts = limit_setup.streamed_parts(sources, trial_plan)
    print_line(f"Finding how many sessions hold at: {options.destination}", err=True)
    with ExitStack() as stack:
        folder = limit_setup.trials_folder(out, stack)
        report = finder.run_search(
            LimitSearch(up_to, trials, within / 100),
            TrialRunner(limit_setup.run_opener(options), parts, trial_plan, wanted),
            trial_plan,
            folder,
            allowance=allowance,
            is_embedded=options.endpoint is None,
            on_trial=lambda *trial: print_line(limit_lines.trial_line(*trial), err=True),
        )
    if plot is not None:
        from workers.limit_search.chart import render_limit

        secrecy.forget_secrets()  # the package that draws starts a program to list fonts
        picture = render_limit(report, wanted, plot.suffix[1:].lower())
        files.write_output(plot, picture)
    if as_json:
        print_json(limit_to_json(report, trial_plan, wanted, to=options.destination))
    else:
        for line in limit_lines.report_lines(report):
            print_line(line)
    if plot is not None:
        print_line(f"✓ {plot}", err=True)
    return ExitCode.DONE if report.limit else ExitCode.GATE_FAILED
