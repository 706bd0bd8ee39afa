"""``paceline report``: a scored run as one HTML page, and its charts as pictures."""

from pathlib import Path

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.score import scoring_options
from tui.cli.shared_options import path_option, run_argument


@command(
    ("paceline report latest --out scores.html", "Write the page of the latest run."),
)
@run_argument()
@scoring_options
@click.option(
    "--by", "group_by", default="", metavar="COLUMN", help="Also score each group of this column."
)
@path_option("--out", help="Write the page to this file. Default: report.html in the run's folder.")
@path_option(
    "--calibration", help="Quote the tool's own error from what “calibrate --json” printed."
)
@click.option("--svg", is_flag=True, help="Also write each chart as an SVG file beside the page.")
@click.option("--png", is_flag=True, help="Also write each chart as a PNG file beside the page.")
def report(
    folder: Path,
    references: Path | None,
    normaliser: str,
    equivalences: Path | None,
    allow_invalid: bool,
    group_by: str,
    calibration: Path | None,
    out: Path | None,
    svg: bool,
    png: bool,
) -> ExitCode:
    """Write the scores of a run as one HTML page, offline.

    Without RUN, take the latest run.
    """
    from tui.cli.console import print_line
    from workers import files, secrecy
    from workers.errors import MissingExtra, PacelineError
    from workers.runs.index import read_index
    from workers.runs.run_folder import share_like_run

    secrecy.forget_secrets()  # the package that draws starts a program to list fonts
    try:
        from workers.evaluation.report.charts import LIGHT_PALETTE, render, run_charts
        from workers.evaluation.report.page import report_page
        from workers.evaluation.score import ScoreOptions, score_run
    except ImportError as error:
        raise MissingExtra("evaluation", "a report") from error
    options = ScoreOptions(
        normaliser, equivalences, references, group_by=group_by, allow_invalid=allow_invalid
    )
    quote = ""
    if calibration is not None:
        from workers.evaluation.calibration import quote_calibration

        quote = quote_calibration(calibration)
    run_score = score_run(folder, options)
    path = out or folder / "report.html"
    share_like_run(folder, read_index(folder))
    write = files.replace_file if out is None else files.write_output
    try:
        write(path, report_page(path.parent, run_score, quote).encode())
    except OSError as error:
        reason = f"the report {path} cannot be written ({error.strerror})"
        raise PacelineError(reason, "Choose another file with --out.") from error
    print_line(f"✓ {path}")
    for kind in [kind for kind, wanted in (("svg", svg), ("png", png)) if wanted]:
        for chart in run_charts(run_score):
            picture = path.with_name(f"{path.stem}-{chart.name}.{kind}")
            write(picture, render(chart, run_score, LIGHT_PALETTE, kind))
            print_line(f"✓ {picture}")
    return ExitCode.DONE
