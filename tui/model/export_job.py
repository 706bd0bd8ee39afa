"""What is exported from the desk: of which rows, as which files, and what became of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from tui.config.remembered_choices import load_choice, save_choice
from tui.config.settings import ExportSettings
from tui.model.desk_state import DeskState
from workers.errors import PacelineError
from workers.exports import (
    COMBINED_FORMATS,
    FORMATS,
    FilesExist,
    OverwritePolicy,
    write_combined_exports,
    write_exports,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.protocol.codec import JsonObject

EXPORT_CHOICE_KEY = "export"
"""The name under which the last choice is kept."""


@dataclass(frozen=True, slots=True)
class ExportGroup:
    """Rows that can be chosen together; only those of which something was heard."""

    label: str
    jobs: Sequence[JobId]


def export_groups(state: DeskState, targets: Sequence[JobId]) -> list[ExportGroup]:
    """From the fewest rows to all; ``targets``: what the verb acts on, none for all.

    A group without any row is left out.
    """
    job_states, table = state.job_states, state.table
    done = [job for job, each in job_states.items() if each.status is JobStatus.DONE]
    named = (
        (
            "marked" if table.marked and targets == table.targets() else "this one",
            targets,
        ),
        ("shown", table.visible if table.filter_text else ()),
        ("done", done),
        ("all", list(job_states)),
    )
    heard = (
        (says, [job for job in jobs if len(job_states[job].transcript)]) for says, jobs in named
    )
    return [ExportGroup(says, jobs) for says, jobs in heard if jobs]


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """How to write."""

    formats: frozenset[str] = frozenset({"txt"})
    together: bool = False
    """One file a format for all recordings."""
    existing: OverwritePolicy = OverwritePolicy.REFUSE
    folder: str = ""
    """Empty: the run's own."""

    @classmethod
    def load(cls, defaults: ExportSettings) -> Self:
        """The last one; what of it cannot be read is as the settings have it."""
        kept = load_choice(EXPORT_CHOICE_KEY)
        formats, folder, existing = kept.get("formats"), kept.get("folder"), kept.get("existing")
        together = kept.get("together")
        wanted = formats if isinstance(formats, list) else defaults.formats
        ways = {each.value: each for each in OverwritePolicy}
        way = existing if isinstance(existing, str) and existing in ways else defaults.existing
        return cls(
            formats=frozenset(each for each in FORMATS if each in wanted),
            together=together if isinstance(together, bool) else defaults.together,
            existing=ways[way],
            folder=folder if isinstance(folder, str) else defaults.folder,
        )

    def save(self) -> None:
        """Keeps it for the next time."""
        kept: JsonObject = {
            "formats": list(self.ordered_formats),
            "together": self.together,
            "existing": self.existing.value,
            "folder": self.folder,
        }
        save_choice(EXPORT_CHOICE_KEY, kept)

    @property
    def ordered_formats(self) -> list[str]:
        """The formats in their order."""
        return [each for each in FORMATS if each in self.formats]

    @property
    def unmergeable_formats(self) -> list[str]:
        """Formats that were chosen and cannot hold all recordings in one file."""
        return [
            each for each in self.ordered_formats if self.together and each not in COMBINED_FORMATS
        ]

    def file_count(self, recording_count: int) -> int:
        """How many it would write."""
        each = len(self.ordered_formats) - len(self.unmergeable_formats)
        return each if self.together else each * recording_count

    def with_format_toggled(self, format: str) -> "ExportChoice":
        """With a format more or less."""
        return replace(self, formats=self.formats ^ {format})

    def with_next_existing(self) -> "ExportChoice":
        """With the next way to deal with files that exist."""
        ways = list(OverwritePolicy)
        return replace(self, existing=ways[(ways.index(self.existing) + 1) % len(ways)])


@dataclass(slots=True)
class ExportResult:
    """What became of an export; it goes on filling while it is written."""

    files: list[Path] = field(default_factory=list)
    existing_files: list[Path] = field(default_factory=list)
    """Files that exist, for which the recordings were passed over."""
    error: PacelineError | None = None
    """What ended it."""

    def write(self, job_state: JobState, name: str, choice: ExportChoice, folder: Path) -> None:
        """One recording; an existing file keeps its own from being written, no other."""
        self._collect(
            lambda: write_exports(
                job_state, choice.ordered_formats, folder, existing=choice.existing, name=name
            )
        )

    def write_together(
        self, job_states: Sequence[JobState], choice: ExportChoice, folder: Path
    ) -> None:
        """All of them, in one file a format."""
        self._collect(
            lambda: write_combined_exports(
                job_states, choice.ordered_formats, folder, existing=choice.existing
            )
        )

    def _collect(self, write: Callable[[], Iterable[Path]]) -> None:
        try:
            self.files += write()
        except FilesExist as there:
            self.existing_files += there.paths
        except PacelineError as problem:
            self.error = problem
