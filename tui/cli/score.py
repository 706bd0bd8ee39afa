"""``paceline score``: accuracy and delays of a run, from its traces and references."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import (
    WholeNumberRange,
    bom_option,
    count_option,
    option_group,
    path_option,
    run_argument,
)

if TYPE_CHECKING:  # loaded when the command runs; they need packages of an extra
    from workers.evaluation.gate import GateResult, Threshold
    from workers.evaluation.score import RunScore


_PROGRESS_LINES = 20
"""How often a long scoring says how far it has come."""

scoring_options = option_group(
    click.option(
        "--references",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Take references from this folder, table (CSV, TSV or JSONL) or file. Default: from "
        "the manifest, or beside the recordings.",
    ),
    click.option(
        "--normaliser",
        default="whisper-en",
        show_default=True,
        metavar="NAME",
        help="Normalise texts with whisper-en, basic, none, or the rules in a file.",
    ),
    path_option(
        "--equivalences",
        help="Count phrases on one line of this file as the same, such as: ok, okay.",
    ),
    click.option(
        "--allow-invalid", is_flag=True, help="Count delays of sessions whose pacing did not hold."
    ),
)
"""How to score, for every command that scores."""


@command(
    (
        "paceline score latest --references transcripts",
        "Score the latest run against texts.",
    ),
)
@run_argument()
@scoring_options
@click.option(
    "--term",
    "terms",
    multiple=True,
    metavar="TEXT",
    help="Count how often this key term is recognised. Repeat the option for several.",
)
@click.option(
    "--by", "group_by", default="", metavar="COLUMN", help="Also score each group of this column."
)
@count_option(
    "--worst",
    "Show the errors of this many recordings, worst first.",
    type=WholeNumberRange(min=0),
    default=3,
    show_default=True,
)
@click.option(
    "--fail-if",
    "thresholds",
    multiple=True,
    metavar="THRESHOLD",
    help="End with exit code 99 if this holds, such as “wer>6%” or “eot.p95>600ms”.",
)
@path_option("--junit", help="Write the result of each threshold to this JUnit XML file.")
@path_option("--csv", help="Write the figures of each recording to this CSV file.")
@bom_option
@path_option("--parquet", help="Write them to this Parquet file.")
@path_option(
    "--markdown", help="Add a summary to this Markdown file, such as $GITHUB_STEP_SUMMARY."
)
@path_option(
    "--simuleval",
    help="Write when each word was shown to this file, as SimulEval and OmniSTEval read it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as one JSON object.")
def score(
    folder: Path,
    references: Path | None,
    normaliser: str,
    equivalences: Path | None,
    terms: tuple[str, ...],
    group_by: str,
    allow_invalid: bool,
    worst: int,
    thresholds: tuple[str, ...],
    junit: Path | None,
    csv: Path | None,
    bom: bool,
    parquet: Path | None,
    markdown: Path | None,
    simuleval: Path | None,
    as_json: bool,
) -> ExitCode:
    """Score the words and delays of a run, offline.

    Without RUN, score the latest run.
    """
    from workers.errors import MissingExtra

    try:
        from workers.evaluation.gate import check_threshold
        from workers.evaluation.score import ScoreOptions, score_run
    except ImportError as error:
        raise MissingExtra("evaluation", "scoring") from error
    checks = load_thresholds(thresholds)
    options = ScoreOptions(normaliser, equivalences, references, terms, group_by, allow_invalid)
    run_score = score_run(folder, options, _report_progress)
    results = [check_threshold(check, run_score.groups[0]) for check in checks]
    if as_json:
        from tui.cli.console import print_json
        from workers.evaluation.document import score_to_json

        print_json(score_to_json(run_score, results))
    else:
        _print_score(run_score, worst)
        print_gate(results)
    if junit is not None:
        from workers.evaluation.junit import write_junit

        write_junit(junit, folder.name, results)
    if csv is not None:
        from workers.evaluation.recording_table import write_csv

        write_csv(csv, run_score, bom=bom)
    if parquet is not None:
        from workers.evaluation.recording_table import write_parquet

        write_parquet(parquet, run_score)
    if markdown is not None:
        from tui.cli.score_markdown import score_summary

        add_text(markdown, score_summary(run_score, results))
    if simuleval is not None:
        from workers.evaluation.word_log import write_word_log

        write_word_log(simuleval, run_score)
    return ExitCode.GATE_FAILED if any(one.breached for one in results) else ExitCode.DONE


def _report_progress(scored: int, jobs: int) -> None:
    """Says how far a long scoring has come, on stderr."""
    from tui.cli.console import print_line
    from workers.evaluation.score import MIN_PARALLEL_JOBS

    step = max(jobs // _PROGRESS_LINES, MIN_PARALLEL_JOBS)
    if jobs > 2 * MIN_PARALLEL_JOBS and not scored % step:
        print_line(f"Scored {scored:,} of {jobs:,} recordings", err=True)


def add_text(path: Path, text: str) -> None:
    """Adds a summary at the end of a file, where other steps of a CI job may have written."""
    from workers import files

    descriptor = files.open_output(path)
    try:
        files.write_all(descriptor, text.encode())
    finally:
        os.close(descriptor)


def load_thresholds(texts: Iterable[str], *, is_delta: bool = False) -> "list[Threshold]":
    """Parses thresholds; raises `UsageProblem`, and `MissingExtra` without the packages."""
    from workers.errors import MissingExtra

    try:
        from workers.evaluation.gate import parse_threshold
    except ImportError as error:
        raise MissingExtra("evaluation", "a gate") from error
    return [parse_threshold(text, is_delta=is_delta) for text in texts]


def check_run(folder: Path, thresholds: "Iterable[Threshold]") -> ExitCode:
    """Scores a run that is over, prints the result of each threshold on stderr, and returns the
    exit code. Raises `UsageProblem` for a threshold without valid data."""
    from workers.evaluation.gate import check_threshold
    from workers.evaluation.score import ScoreOptions, score_run

    group = score_run(folder, ScoreOptions()).groups[0]
    return print_gate([check_threshold(one, group) for one in thresholds], err=True)


def print_gate(results: "Iterable[GateResult]", *, err: bool = False) -> ExitCode:
    """Prints the result of each threshold, breaches always on stderr; returns the exit code."""
    from tui.cli.console import print_line

    breached = False
    for result in results:
        mark = "✗" if result.breached else "✓"
        print_line(f"{mark} {result.sentence}", err=err or result.breached)
        breached |= result.breached
    return ExitCode.GATE_FAILED if breached else ExitCode.DONE


def _print_score(run_score: "RunScore", worst: int) -> None:
    from tui.cli.console import print_line
    from tui.cli.score_lines import score_lines

    for line in score_lines(run_score, worst):
        print_line(line)
