"""``paceline export``: writes transcripts of a run to files, using only its traces."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.command_help import command
from tui.cli.console import print_line, print_warnings
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import bom_option, path_option, run_argument

if TYPE_CHECKING:  # loaded when the command runs
    from workers.jobs.job import JobId
    from workers.jobs.job_state import JobState


@command(
    ("paceline export latest --to srt,txt", "Write subtitles and texts of the latest run."),
)
@run_argument()
@click.option(
    "--to",
    "format_list",
    metavar="FORMATS",
    help="Write these formats, separated by commas: txt, srt, vtt, json, csv, stm, ctm, seglst. "
    "Default: those of the settings, or txt.",
)
@path_option(
    "--into", folder=True, help="Write to this folder. Default: the folder “exports” of the run."
)
@click.option(
    "--one-file", "together", is_flag=True, help="Write one file per format for all recordings."
)
@click.option("--overwrite", is_flag=True, help="Replace files that already exist.")
@bom_option
@click.option("--number", is_flag=True, help="Keep files that already exist; number the new ones.")
def export(
    folder: Path,
    format_list: str | None,
    into: Path | None,
    together: bool,
    overwrite: bool,
    number: bool,
    bom: bool,
) -> ExitCode:
    """Write transcripts of a run to files, offline.

    Without RUN, export the latest run.
    """
    from tui.cli.desk import load_desk_settings
    from workers.errors import UsageProblem
    from workers.exports import files
    from workers.exports.files import COMBINED_FORMATS, FORMATS, OverwritePolicy
    from workers.exports.names import export_names
    from workers.runs.reader import JobStates
    from workers.runs.run_folder import share_like_run

    if overwrite and number:
        raise UsageProblem("--overwrite and --number cannot be combined", "Choose one.")
    existing = OverwritePolicy.REPLACE if overwrite else OverwritePolicy.REFUSE
    if number:
        existing = OverwritePolicy.NUMBER
    if format_list is None:
        formats = [*load_desk_settings().export.formats]
    else:
        formats = [name.strip() for name in format_list.split(",") if name.strip()]
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        hint = f"Formats are {', '.join(FORMATS)}."
        raise UsageProblem(f"there is no format “{', '.join(unknown)}”", hint)
    subtitles = [name for name in formats if name not in COMBINED_FORMATS]
    if together and subtitles:
        reason = f"{' and '.join(subtitles)} cannot hold several recordings in one file"
        raise UsageProblem(reason, f"--one-file supports {', '.join(COMBINED_FORMATS)}.")
    target, in_run = into or folder / "exports", into is None
    job_states = JobStates(folder)
    print_warnings(job_states.index.warnings)
    share_like_run(folder, job_states.index)
    streamed = StreamedJobs(job_states)
    if together:
        write = partial(files.write_combined_exports, streamed, formats, target, in_run=in_run)
        write = partial(write, existing=existing, csv_bom=bom)
        complete = not any(True for _ in streamed) or _write_and_report("all of them", write)
        return ExitCode.DONE if complete else ExitCode.SOME_FAILED
    names, complete = export_names(job_states.files), True
    for job_state in streamed:
        write = partial(files.write_exports, job_state, formats, target, in_run=in_run, csv_bom=bom)
        write = partial(write, existing=existing, name=names[job_state.job])
        complete &= _write_and_report(job_state.file, write)
    return ExitCode.DONE if complete else ExitCode.SOME_FAILED


class StreamedJobs:
    """The jobs of a run that have something to export, each read when an iteration reaches it. The
    first iteration reports the others."""

    def __init__(self, job_states: "Iterable[JobState]") -> None:
        self._job_states = job_states
        self._reported: set[JobId] = set()

    def __iter__(self) -> "Iterator[JobState]":
        for job_state in self._job_states:
            if job_state.began is not None or len(job_state.transcript):
                yield job_state
            elif job_state.job not in self._reported:
                self._reported.add(job_state.job)
                print_line(f"- {job_state.file}: nothing was streamed")


def _write_and_report(file: str, write: Callable[[], Sequence[Path]]) -> bool:
    from workers.exports.files import FilesExist

    try:
        paths = write()
    except FilesExist as error:
        print_line(f"✗ {file}: {error.reason}; --overwrite replaces, --number keeps both")
        return False
    for path in paths:
        print_line(f"✓ {path}")
    return True
