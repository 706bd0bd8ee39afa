"""``paceline find-limit``: how many sessions hold to a service level, and what gives in."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:  # loaded when the command runs; some need packages of an extra
    from tui.cli.run_options import RunOptions
    from workers.audio.source import Source
    from workers.limit_search.diagnosis import Diagnosis
    from workers.limit_search.finder import Allowance, LimitReport
    from workers.limit_search.trial import Trial, TrialPlan

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
    from tui.cli.run_options import find_sources, parse_options, print_skipped
    from workers import files, secrecy
    from workers.audio.discovery import SkippedPaths
    from workers.errors import MissingExtra, UsageProblem

    try:
        from workers.limit_search import finder, objectives
        from workers.limit_search.document import limit_to_json
        from workers.limit_search.search import LimitSearch
        from workers.limit_search.trial import TrialPlan, TrialRunner, cool_down_s
    except ImportError as error:
        raise MissingExtra("evaluation", "finding a limit") from error
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise UsageProblem(f"{plot} is no picture", f"End its name in {' or '.join(PICTURES)}.")
    wanted = [objectives.parse_objective(one) for one in texts or objectives.DEFAULT_OBJECTIVES]
    options = parse_options(**arguments, **_RUN_DEFAULTS)
    allowance = _allowance(options)
    skipped = SkippedPaths()
    sources = find_sources(paths, options, skipped)
    print_skipped(skipped)
    trial_plan = TrialPlan(
        hold_s,
        warm_up_s,
        cool_down_s(wanted),
        starts_per_minute=options.starts_per_minute,
    )
    parts = _parts(sources, trial_plan)
    print_line(f"Finding how many sessions hold at: {options.destination}", err=True)
    with ExitStack() as stack:
        folder = _trials_folder(out, stack)
        report = finder.run_search(
            LimitSearch(up_to, trials, within / 100),
            TrialRunner(_opener(options), parts, trial_plan, wanted),
            trial_plan,
            folder,
            allowance=allowance,
            is_embedded=options.endpoint is None,
            on_trial=_print_trial,
        )
    if plot is not None:
        from workers.limit_search.chart import render_limit

        secrecy.forget_secrets()  # the package that draws starts a program to list fonts
        picture = render_limit(report, wanted, plot.suffix[1:].lower())
        files.write_output(plot, picture)
    if as_json:
        print_json(limit_to_json(report, trial_plan, wanted, to=options.destination))
    else:
        for line in report_lines(report):
            print_line(line)
    if plot is not None:
        print_line(f"✓ {plot}", err=True)
    return ExitCode.DONE if report.limit else ExitCode.GATE_FAILED


_RUN_DEFAULTS: dict[str, Any] = {
    "release": "start",
    "speed": 1.0,
    "sample_rate": None,
    "sessions": None,
    "start_rate": None,
    "attempts": 1,  # a session that breaks ends its trial
    "dead_after": 20.0,
    "out": None,
}
"""Options of a run that this command does not have."""


def _allowance(options: "RunOptions") -> "Allowance":
    """What all trials may take. Raises `UsageProblem` if others' sessions would be paid for, or
    burdened, without a budget."""
    from workers.errors import UsageProblem
    from workers.limit_search.finder import Allowance
    from workers.prices.price_list import FREE

    price = options.session_price(options.settings)
    if options.limits.budget is None:
        if price != FREE:
            reason = f"finding the limit of {options.destination} needs a budget"
            raise UsageProblem(reason, "Add --budget, such as 5usd or 2h; see docs/find-limit.md.")
        return Allowance(None, price)
    return Allowance(options.limits.budget, price)


def _parts(sources: "Sequence[Source]", plan: "TrialPlan") -> "list[Source]":
    """As much of each recording as a session streams. Raises `UsageProblem` for a recording that
    cannot be used: each trial would meet it again."""
    import multiprocessing

    from workers.audio.prober import Prober
    from workers.errors import Unreadable, UsageProblem

    parts = []
    with Prober(multiprocessing.get_context("spawn")) as prober:
        for source in sources:
            if not source.is_local:
                raise UsageProblem(f"{source.file} is no local file", "Download it first.")
            try:
                recording = prober.probe(source.file, source.options)
            except Unreadable as error:
                raise UsageProblem(f"{source.file}: {error.reason}", error.hint) from None
            end_s = recording.start_seconds + plan.segment_s
            if recording.end_seconds > end_s:
                source = replace(source, options=replace(source.options, end_s=end_s))
            parts.append(source)
    return parts


def _trials_folder(out: Path | None, stack: ExitStack) -> Path:
    import tempfile

    from workers import files, processes
    from workers.errors import UsageProblem

    if out is None:
        processes.ensure_temporary_folder()
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="paceline-find-limit-"))
        return Path(name)
    if out.exists() and any(out.iterdir()):
        raise UsageProblem(f"{out} is not empty", "Choose a new folder.")
    files.make_folders(out)
    return out


def _opener(options: "RunOptions") -> Any:
    """Opens a run with so many sessions at once; the embedded engine then admits as many."""
    from tui.cli.run_setup import open_supervisor

    def open_run(sessions: int, folder: Path) -> Any:
        limits = replace(options.limits, sessions=sessions, budget=None)  # the search keeps it
        return open_supervisor(replace(options, limits=limits, out=folder))

    return open_run


def _print_trial(trial: "Trial", diagnosis: "Diagnosis") -> None:
    from tui.cli.console import print_line
    from tui.text.formats import format_count

    mark = "✓" if trial.holds else "✗"
    parts = [result.sentence for result in trial.results if trial.load is not None]
    if diagnosis.evidence:
        parts.append(f"{diagnosis.side.value}: {diagnosis.evidence[0]}")
    line = f"{mark} {format_count(trial.sessions, 'session')}: {'; '.join(parts)}"
    print_line(line, err=True)


def report_lines(report: "LimitReport") -> list[str]:
    """The result in words."""
    from tui.text.formats import format_count
    from workers.limit_search.diagnosis import Side
    from workers.limit_search.finder import Bound

    lines = [""]
    if report.limit:
        count = format_count(report.limit, "session")
        verb = "holds" if report.limit == 1 else "hold"
        more = {
            Bound.FOUND: "",
            Bound.MAX_SESSIONS: ", and perhaps more: raise --up-to",
            Bound.BUDGET: ", and perhaps more: the budget allows no further trial",
        }
        lines.append(f"{count} {verb}{more[report.bound]}.")
    elif report.trials:
        lines.append("Not even one session holds.")
    else:
        lines.append("The budget allows no trial.")
    diagnosis = report.diagnosis
    if report.first_failing is not None and diagnosis.side is not Side.NONE:
        count = format_count(report.first_failing, "session")
        lines.append(f"At {count}, what gave in: {diagnosis.side.value}.")
        lines += [f"  · {sentence}" for sentence in diagnosis.evidence]
    hours = report.open_seconds / 3600
    lines.append(f"{format_count(len(report.trials), 'trial')}, sockets open {hours:.2f} h in all.")
    return lines
