"""Runs of recordings of the truth against servers with scripts, several of them at once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.engine.support.ground_truth import Truth, complaints, record
from tests.engine.support.scripted_server import Endpoint, Heard, Script
from tests.engine.support.supervisor_harness import SOON, Hurried, Watched, supervised
from workers.jobs.events import Ended, Outcome
from workers.jobs.job import Settings
from workers.jobs.job_state import JobHistory
from workers.runs import reader
from workers.scheduling.retry_policy import Retries
from workers.session.assignment import Patience


@dataclass(frozen=True)
class Scene:
    """A run: the first connections meet one script each, all further ones the last."""

    truths: Sequence[Truth]
    scripts: Sequence[Script]
    retries: Retries = SOON
    patience: Patience | None = None
    statuses: Sequence[int] = ()
    settings: Settings | None = None
    narrow: bool = False


@dataclass(frozen=True)
class Played:
    """What became of a scene."""

    scene: Scene
    folder: Path
    watched: Watched
    heard: Sequence[Heard]
    """By connection, in order."""

    @property
    def histories(self) -> list[JobHistory]:
        """As the run was followed."""
        return [self.watched.histories[job] for job in sorted(self.watched.histories)]

    @property
    def replayed(self) -> list[JobHistory]:
        """As its traces tell."""
        return reader.histories(self.folder)

    def ends(self, job: int = 1) -> list[Ended]:
        """Of each of a job's attempts."""
        return [each for each in self.watched.said(Ended, job) if isinstance(each, Ended)]

    def outcomes(self, job: int = 1) -> list[Outcome]:
        return [ended.outcome for ended in self.ends(job)]

    def complaints(self, padding_ms: int = 0) -> list[str]:
        """What is wrong with what was kept of any job."""
        found = []
        for kind, histories in ("live", self.histories), ("replayed", self.replayed):
            for truth, history in zip(self.scene.truths, histories, strict=True):
                where = f"job {history.job}, {kind}"
                found += [f"{where}: {each}" for each in complaints(truth, history, padding_ms)]
        return found

    def complaints_of(self, job: int) -> list[str]:
        """What is wrong with one."""
        return [each for each in self.complaints() if each.startswith(f"job {job},")]


def recordings(folder: Path, jobs: int, tenths: int, silent: Sequence[int] = ()) -> list[Truth]:
    """So many, each with words of its own."""
    folder.mkdir(exist_ok=True)
    return [record(folder, tenths, job, silent=silent) for job in range(jobs)]


def played(
    folder: Path, scenes: Mapping[str, Scene], meanwhile: Callable[[], None] | None = None
) -> dict[str, Played]:
    """All of them at once; ``meanwhile`` is done ten times a second."""
    with ExitStack() as stack:
        found = {}
        for name, scene in scenes.items():
            endpoint = stack.enter_context(
                Endpoint(*scene.scripts, statuses=scene.statuses, narrow=scene.narrow)
            )
            watched = stack.enter_context(
                supervised(
                    endpoint.url,
                    folder / name,
                    settings=scene.settings,
                    sessions=40,
                    starts=Hurried(),
                    retries=scene.retries,
                    patience=scene.patience,
                )
            )
            watched.supervisor.add([truth.path for truth in scene.truths])
            found[name] = Played(scene, folder / name, watched, endpoint.heard)
        for each in found.values():
            while meanwhile is not None and not each.watched.supervisor.wait(0.1):
                meanwhile()
            each.watched.until_idle()
        return found
