"""``paceline compare``: the difference between runs of the same recordings, with its interval."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.run_names import RunFolderParam
from tui.cli.score import scoring_options
from tui.cli.shared_options import path_option

if TYPE_CHECKING:  # loaded when the command runs; it needs packages of an extra
    from workers.evaluation.comparison import Comparison


@command(
    (
        "paceline compare baseline latest",
        "Compare the latest run with another.",
    ),
    ("paceline compare latest --by chunk_ms", "Compare the groups of one run."),
)
@click.argument("first", metavar="RUN", type=RunFolderParam())
@click.argument("others", metavar="[RUN…]", type=RunFolderParam(), nargs=-1)
@scoring_options
@click.option(
    "--by",
    "group_by",
    default="",
    metavar="COLUMNS",
    help="Compare the groups of one run by these columns of its manifest or matrix.",
)
@click.option(
    "--allow-different", is_flag=True, help="Compare although references or normalisers differ."
)
@click.option(
    "--fail-if",
    "thresholds",
    multiple=True,
    metavar="THRESHOLD",
    help="End with exit code 99 if this holds for a run compared with the first one, such as "
    "“wer.delta>0.5pp@95%”.",
)
@path_option("--junit", help="Write the result of each threshold to this JUnit XML file.")
@path_option(
    "--markdown", help="Add a summary to this Markdown file, such as $GITHUB_STEP_SUMMARY."
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparisons as one JSON object.")
def compare(
    first: Path,
    others: tuple[Path, ...],
    references: Path | None,
    normaliser: str,
    equivalences: Path | None,
    allow_invalid: bool,
    group_by: str,
    allow_different: bool,
    thresholds: tuple[str, ...],
    junit: Path | None,
    markdown: Path | None,
    as_json: bool,
) -> ExitCode:
    """Compare runs of the same recordings with the first one, offline."""
    from tui.cli.score import load_thresholds, print_gate
    from workers.errors import MissingExtra, UsageProblem

    if bool(others) == bool(group_by):
        hint = "Name two runs, or one with --by COLUMN."
        raise UsageProblem("this compares either runs or the groups of one", hint)
    try:
        from workers.evaluation.comparison import check_delta, compare_runs
        from workers.evaluation.score import ScoreOptions, score_run, split_groups
    except ImportError as error:
        raise MissingExtra("evaluation", "comparing runs") from error
    checks = load_thresholds(thresholds, is_delta=True)
    options = ScoreOptions(
        normaliser, equivalences, references, group_by=group_by, allow_invalid=allow_invalid
    )
    scores = [score_run(folder, options) for folder in (first, *others)]
    if group_by:
        scores = split_groups(scores[0], group_by)
        if len(scores) < 2:
            raise UsageProblem(f"{first} has fewer than two groups by {group_by}")
    comparisons = [
        compare_runs(scores[0], score, allow_different=allow_different) for score in scores[1:]
    ]
    results = [check_delta(check, one) for one in comparisons for check in checks]
    if as_json:
        from tui.cli.console import print_json
        from workers.evaluation.document import comparisons_to_json

        print_json(comparisons_to_json(comparisons, results))
    else:
        _print_comparisons(comparisons)
        print_gate(results)
    if junit is not None:
        from workers.evaluation.junit import write_junit

        write_junit(junit, first.name, results)
    if markdown is not None:
        from tui.cli.score import add_text
        from tui.cli.score_markdown import comparison_summary

        add_text(markdown, comparison_summary(comparisons, results))
    return ExitCode.GATE_FAILED if any(one.breached for one in results) else ExitCode.DONE


def _print_comparisons(comparisons: "list[Comparison]") -> None:
    from tui.cli.comparison_lines import comparison_lines, overview_lines
    from tui.cli.console import print_line

    for line in overview_lines(comparisons):
        print_line(line)
    for comparison in comparisons:
        for line in comparison_lines(comparison):
            print_line(line)
