"""Exports from the desk: lists the jobs to choose from, and writes their files."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tui.model.desk_state import DeskState
from tui.model.export_choice import ExportChoice, ExportGroup
from workers.errors import PacelineError
from workers.exports.files import FilesExist, write_combined_exports, write_exports
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus


def export_groups(state: DeskState, targets: Sequence[JobId]) -> list[ExportGroup]:
    """Lists groups of jobs to choose from, smallest first; ``targets``: the jobs a verb acts on."""
    job_states, table = state.job_states, state.table
    done = [job for job, job_state in job_states.items() if job_state.status is JobStatus.DONE]
    groups = (
        ("marked" if table.marked and targets == table.targets() else "this one", targets),
        ("shown", table.visible_jobs if table.filter.text else ()),
        ("done", done),
        ("all", list(job_states)),
    )
    with_words = {job for job, job_state in job_states.items() if len(job_state.transcript)}
    exportable = ((label, [job for job in jobs if job in with_words]) for label, jobs in groups)
    return [ExportGroup(label, jobs) for label, jobs in exportable if jobs]


@dataclass(slots=True)
class ExportResult:
    """Writes an export, and records the files written so far."""

    files: list[Path] = field(default_factory=list)
    existing_files: list[Path] = field(default_factory=list)
    """Files that already existed and were kept."""
    error: PacelineError | None = None
    """The error that ended the export."""
    in_run: bool = False
    """Whether the files go to the folder for exports in the run folder."""

    def write(self, job_state: JobState, name: str, choice: ExportChoice, folder: Path) -> None:
        """Writes one recording; keeps those of its files that exist."""
        write = partial(write_exports, job_state, choice.ordered_formats, folder, name=name)
        self._write(write, choice)

    def write_together(
        self, job_states: Sequence[JobState], choice: ExportChoice, folder: Path
    ) -> None:
        """Writes all recordings, in one file per format."""
        write = partial(write_combined_exports, job_states, choice.ordered_formats, folder)
        self._write(write, choice)

    def _write(self, write: Callable[..., Iterable[Path]], choice: ExportChoice) -> None:
        try:
            self.files += write(
                existing=choice.existing, csv_bom=choice.csv_bom, in_run=self.in_run
            )
        except FilesExist as problem:
            self.files += problem.written.values()
            self.existing_files += problem.paths
        except PacelineError as error:
            self.error = error
