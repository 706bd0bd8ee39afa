"""``paceline export``: writes transcripts of a run to files, using only its traces."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.command_help import command
from tui.cli.console import error_to_json, print_json, print_line, print_warnings
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import bom_option, path_option, run_argument

if TYPE_CHECKING:  # loaded when the command runs
    from workers.jobs.job import JobId
    from workers.jobs.job_state import JobState
    from workers.protocol.codec import Json, JsonObject


def _complete_formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Completes the last of several formats, for a shell."""
    from workers.exports.files import FORMATS

    before, comma, last = incomplete.rpartition(",")
    chosen = before.split(",")
    names = (name for name in FORMATS if name.startswith(last) and name not in chosen)
    return [f"{before}{comma}{name}" for name in names]


@command(
    ("paceline export latest --to srt,txt", "Write subtitles and texts of the latest run."),
)
@run_argument()
@click.option(
    "--to",
    "format_list",
    metavar="FORMATS",
    shell_complete=_complete_formats,
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
@click.option("--json", "as_json", is_flag=True, help="Print what was written as one JSON object.")
@click.option("--number", is_flag=True, help="Keep files that already exist; number the new ones.")
def export(
    folder: Path,
    format_list: str | None,
    into: Path | None,
    together: bool,
    overwrite: bool,
    number: bool,
    bom: bool,
    as_json: bool,
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
    if not job_states.index.saved.settings.keep_words:
        raise UsageProblem(f"{folder} kept no words (--no-keep-words)", "It cannot be exported.")
    share_like_run(folder, job_states.index)
    report = ExportReport(folder, as_json=as_json)
    streamed = StreamedJobs(job_states, report.add_skipped)
    names = export_names(job_states.files)
    if together and any(True for _ in streamed):
        write = partial(files.write_combined_exports, streamed, formats, target, in_run=in_run)
        report.write(None, formats, partial(write, existing=existing, csv_bom=bom))
    for job_state in [] if together else streamed:
        write = partial(files.write_exports, job_state, formats, target, in_run=in_run, csv_bom=bom)
        write = partial(write, existing=existing, name=names[job_state.job])
        report.write(job_state, formats, write)
    report.close()
    return ExitCode.SOME_FAILED if report.failed else ExitCode.DONE


class StreamedJobs:
    """The jobs of a run that have something to export, each read when an iteration reaches it. The
    first iteration hands the others to ``on_skip``."""

    def __init__(
        self, job_states: "Iterable[JobState]", on_skip: "Callable[[JobState], None]"
    ) -> None:
        self._job_states = job_states
        self._on_skip = on_skip
        self._reported: set[JobId] = set()

    def __iter__(self) -> "Iterator[JobState]":
        for job_state in self._job_states:
            if job_state.began is not None or len(job_state.transcript):
                yield job_state
            elif job_state.job not in self._reported:
                self._reported.add(job_state.job)
                self._on_skip(job_state)


class ExportReport:
    """What was written: printed as lines, or at the end as one JSON object."""

    def __init__(self, run: Path, *, as_json: bool) -> None:
        self._run = run
        self._as_json = as_json
        self._files: list[Json] = []
        self._skipped: list[Json] = []
        self.failed: list[Json] = []

    def add_skipped(self, job_state: "JobState") -> None:
        """Notes a job without a transcript."""
        self._skipped.append({"job": job_state.job, "file": job_state.file})
        self._print(f"- {job_state.file}: nothing was streamed")

    def write(
        self,
        job_state: "JobState | None",
        formats: Sequence[str],
        write: Callable[[], Sequence[Path]],
    ) -> None:
        """Calls ``write``, which writes one file for each format, and notes what became of it.
        ``job_state``: None if the files hold all jobs."""
        from workers.exports.files import FilesExist

        job: JsonObject = {"job": None, "file": None}
        if job_state is not None:
            job = {"job": job_state.job, "file": job_state.file}
        try:
            written = dict(zip(dict.fromkeys(formats), write(), strict=True))
        except FilesExist as error:
            written = dict(error.written)
            name = job_state.file if job_state is not None else "all of them"
            self._print(f"✗ {name}: {error.reason}; --overwrite replaces, --number keeps both")
            hint = "--overwrite replaces them, --number keeps both"
            self.failed.append(
                {**job, "error": dict(error_to_json(error.code, error.reason, hint))}
            )
        for format_name, path in written.items():
            self._files.append({**job, "format": format_name, "path": str(path)})
            self._print(f"✓ {path}")

    def close(self) -> None:
        """Prints the object, if it is wanted."""
        if self._as_json:
            document = {"version": 1, "run": str(self._run), "files": self._files}
            print_json({**document, "skipped": self._skipped, "failed": self.failed})

    def _print(self, line: str) -> None:
        if not self._as_json:
            print_line(line)
