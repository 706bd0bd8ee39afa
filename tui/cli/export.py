"""``paceline export``: writes transcripts of a run to files, from its traces alone."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from tui.cli.console import print_line
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import run_argument


@click.command()
@run_argument()
@click.option(
    "--to",
    "formats",
    required=True,
    metavar="FORMATS",
    help="Write these formats, separated by commas: txt, srt, vtt, json, csv.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write to this folder. Default: the folder “exports” of the run.",
)
@click.option(
    "--one-file", "together", is_flag=True, help="Write one file a format for all recordings."
)
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
@click.option(
    "--number", is_flag=True, help="Keep files that are already there, and number the new ones."
)
def export(
    folder: Path, formats: str, into: Path | None, together: bool, overwrite: bool, number: bool
) -> ExitCode:
    """Write transcripts of a run to files, offline."""
    from workers import exports
    from workers.errors import UsageProblem
    from workers.exports import OverwritePolicy
    from workers.runs import reader

    if overwrite and number:
        raise UsageProblem("--overwrite and --number do not go together", "Choose one.")
    existing = OverwritePolicy.REFUSE
    if overwrite or number:
        existing = OverwritePolicy.REPLACE if overwrite else OverwritePolicy.NUMBER
    chosen = [name.strip() for name in formats.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in exports.FORMATS]
    if unknown or not chosen:
        raise UsageProblem(
            f"there is no format “{', '.join(unknown)}”", f"Known are {', '.join(exports.FORMATS)}."
        )
    subtitles = [name for name in chosen if name not in exports.COMBINED_FORMATS]
    if together and subtitles:
        raise UsageProblem(
            f"{' and '.join(subtitles)} cannot hold several recordings in one file",
            f"With --one-file: {', '.join(exports.COMBINED_FORMATS)}.",
        )
    target = into or folder / "exports"
    job_states = reader.read_job_states(folder)
    names = exports.export_names(job_states)
    streamed = []
    for job_state in job_states:
        if job_state.began is None and not len(job_state.transcript):
            print_line(f"- {job_state.file}: nothing was streamed")
        else:
            streamed.append(job_state)
    complete = True
    if together and streamed:
        write_all = partial(exports.write_combined_exports, streamed, chosen, target)
        complete = _write_and_report("all of them", partial(write_all, existing=existing))
    for job_state in [] if together else streamed:
        write_one = partial(exports.write_exports, job_state, chosen, target, existing=existing)
        named = partial(write_one, name=names[job_state.job])
        complete &= _write_and_report(job_state.file, named)
    return ExitCode.DONE if complete else ExitCode.SOME_FAILED


def _write_and_report(file: str, write: Callable[[], Sequence[Path]]) -> bool:
    from workers.exports import FilesExist

    try:
        paths = write()
    except FilesExist as error:
        print_line(f"✗ {file}: {error.reason}; --overwrite replaces, --number keeps both")
        return False
    for path in paths:
        print_line(f"✓ {path}")
    return True
