"""The user's choice in the export dialog, and how it is remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from tui.config.remembered_choices import load_choice, save_choice
from tui.config.settings import ExportSettings
from workers.exports.files import COMBINED_FORMATS, FORMATS, OverwritePolicy
from workers.jobs.job import JobId
from workers.protocol.codec import JsonObject

EXPORT_CHOICE_KEY = "export"
"""The name of the remembered choice."""


@dataclass(frozen=True, slots=True)
class ExportGroup:
    """A group of jobs that the user can choose to export; each has a transcript."""

    label: str
    jobs: Sequence[JobId]


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """The files to write."""

    formats: frozenset[str] = frozenset({"txt"})
    together: bool = False
    """One file per format for all recordings."""
    existing: OverwritePolicy = OverwritePolicy.REFUSE
    folder: str = ""
    """Where files are written; empty: the default in the run folder."""
    csv_bom: bool = False
    """Begin CSV files with a byte-order mark; a setting, not chosen in the dialog."""

    @classmethod
    def load(cls, defaults: ExportSettings) -> Self:
        """Loads the remembered choice; missing or invalid parts come from ``defaults``."""
        stored = load_choice(EXPORT_CHOICE_KEY)
        formats, folder = stored.get("formats"), stored.get("folder")
        together, existing = stored.get("together"), str(stored.get("existing"))
        wanted = formats if isinstance(formats, list) else defaults.formats
        policies = {policy.value: policy for policy in OverwritePolicy}
        return cls(
            formats=frozenset(format for format in FORMATS if format in wanted),
            together=together if isinstance(together, bool) else defaults.together,
            existing=policies.get(existing, policies[defaults.existing]),
            folder=folder if isinstance(folder, str) else defaults.folder,
            csv_bom=defaults.csv_bom,
        )

    def save(self) -> None:
        """Remembers the choice for the next export."""
        stored: JsonObject = {
            "formats": list(self.ordered_formats),
            "together": self.together,
            "existing": self.existing.value,
            "folder": self.folder,
        }
        save_choice(EXPORT_CHOICE_KEY, stored)

    @property
    def ordered_formats(self) -> list[str]:
        """The chosen formats in the order of the dialog."""
        return [format for format in FORMATS if format in self.formats]

    @property
    def unmergeable_formats(self) -> list[str]:
        """Chosen formats that cannot be merged into one file; empty unless one file was chosen."""
        formats = self.ordered_formats if self.together else []
        return [format for format in formats if format not in COMBINED_FORMATS]

    def file_count(self, recording_count: int) -> int:
        """Number of files to write."""
        formats = len(self.ordered_formats) - len(self.unmergeable_formats)
        return formats if self.together else formats * recording_count

    def with_format_toggled(self, format: str) -> Self:
        """Returns a copy with a format added, or removed if it was chosen."""
        return replace(self, formats=self.formats ^ {format})

    def with_next_existing(self) -> Self:
        """Returns a copy with the next policy for existing files."""
        policies = list(OverwritePolicy)
        index = policies.index(self.existing) + 1
        return replace(self, existing=policies[index % len(policies)])
