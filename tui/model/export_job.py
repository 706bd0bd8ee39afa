"""What is exported from the desk: of which rows, as which files, and what became of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from tui.config.remembered_choices import recall, remember
from tui.config.settings import ExportSettings
from tui.model.desk_state import DeskState
from workers.errors import PacelineError
from workers.exports import FORMATS, TOGETHER, AlreadyThere, Existing, export, export_together
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status
from workers.protocol.codec import JsonObject

REMEMBERED = "export"
"""The name under which the last choice is kept."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that can be chosen together; only those of which something was heard."""

    says: str
    jobs: Sequence[JobId]


def groups(state: DeskState, targets: Sequence[JobId]) -> list[Group]:
    """From the fewest rows to all; ``targets``: what the verb acts on, none for all.

    A group without any row is left out.
    """
    histories = state.histories
    done = [job for job, each in histories.items() if each.status is Status.DONE]
    named = (
        ("marked" if state.marked and targets == state.targets() else "this one", targets),
        ("shown", state.order if state.filter_text else ()),
        ("done", done),
        ("all", list(histories)),
    )
    heard = (
        (says, [job for job in jobs if len(histories[job].transcript)]) for says, jobs in named
    )
    return [Group(says, jobs) for says, jobs in heard if jobs]


@dataclass(frozen=True, slots=True)
class Choice:
    """How to write."""

    formats: frozenset[str] = frozenset({"txt"})
    together: bool = False
    """One file a format for all recordings."""
    existing: Existing = Existing.REFUSE
    folder: str = ""
    """Empty: the run's own."""

    @classmethod
    def recalled(cls, usual: ExportSettings) -> Self:
        """The last one; what of it cannot be read is as the settings have it."""
        kept = recall(REMEMBERED)
        formats, folder, existing = kept.get("formats"), kept.get("folder"), kept.get("existing")
        together = kept.get("together")
        wanted = formats if isinstance(formats, list) else usual.formats
        ways = {each.value: each for each in Existing}
        way = existing if isinstance(existing, str) and existing in ways else usual.existing
        return cls(
            formats=frozenset(each for each in FORMATS if each in wanted),
            together=together if isinstance(together, bool) else usual.together,
            existing=ways[way],
            folder=folder if isinstance(folder, str) else usual.folder,
        )

    def remember(self) -> None:
        """Keeps it for the next time."""
        kept: JsonObject = {
            "formats": list(self.wanted),
            "together": self.together,
            "existing": self.existing.value,
            "folder": self.folder,
        }
        remember(REMEMBERED, kept)

    @property
    def wanted(self) -> list[str]:
        """The formats in their order."""
        return [each for each in FORMATS if each in self.formats]

    @property
    def passed_over(self) -> list[str]:
        """Formats that were chosen and cannot hold all recordings in one file."""
        return [each for each in self.wanted if self.together and each not in TOGETHER]

    def files(self, recordings: int) -> int:
        """How many it would write."""
        each = len(self.wanted) - len(self.passed_over)
        return each if self.together else each * recordings

    def toggled(self, format: str) -> "Choice":
        """With a format more or less."""
        return replace(self, formats=self.formats ^ {format})

    def turned(self) -> "Choice":
        """With the next way to deal with files that exist."""
        ways = list(Existing)
        return replace(self, existing=ways[(ways.index(self.existing) + 1) % len(ways)])


@dataclass(slots=True)
class Written:
    """What became of an export; it goes on filling while it is written."""

    files: list[Path] = field(default_factory=list)
    there: list[Path] = field(default_factory=list)
    """Files that exist, for which the recordings were passed over."""
    problem: PacelineError | None = None
    """What ended it."""

    def write(self, history: JobHistory, name: str, choice: Choice, folder: Path) -> None:
        """One recording; an existing file keeps its own from being written, no other."""
        self._note(
            lambda: export(history, choice.wanted, folder, existing=choice.existing, name=name)
        )

    def write_together(self, histories: Sequence[JobHistory], choice: Choice, folder: Path) -> None:
        """All of them, in one file a format."""
        self._note(
            lambda: export_together(histories, choice.wanted, folder, existing=choice.existing)
        )

    def _note(self, written: Callable[[], Iterable[Path]]) -> None:
        try:
            self.files += written()
        except AlreadyThere as there:
            self.there += there.paths
        except PacelineError as problem:
            self.problem = problem
