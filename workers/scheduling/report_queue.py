"""The reports of a run on their way to the screen."""

from queue import SimpleQueue

from workers.jobs.events import JobReport, Progressed, TurnReceived
from workers.jobs.job import JobId

MAX_REPORTS = 10_000
"""From so many waiting reports on, those are left out that later ones replace. They take 25 MB; a
desk that gets processor time applies them in a fraction of a second."""


class ReportQueue(SimpleQueue[JobReport]):
    """A queue whose `put` never waits, so that no session waits for the screen.

    A screen may stand still for hours, for example if its terminal takes no output. Then only what
    counts goes on being queued: of a job's progress, and of each open turn, the latest report is
    held back until another event of the job follows, or until fewer reports wait.

    Call `put` from one thread at a time.
    """

    def __init__(self) -> None:
        self._held: dict[JobId, dict[int | None, JobReport]] = {}
        """The latest report of each open turn, and under None that of the progress."""

    def put(self, item: JobReport, block: bool = True, timeout: float | None = None) -> None:
        if self.qsize() < MAX_REPORTS:
            if self._held:
                for job in list(self._held):
                    self._release(job)
        elif _is_replaceable(item):
            turn = item.event.turn.turn_order if isinstance(item.event, TurnReceived) else None
            self._held.setdefault(item.job, {})[turn] = item
            return
        else:
            self._release(item.job)
        super().put(item)

    def _release(self, job: JobId) -> None:
        for report in self._held.pop(job, {}).values():
            super().put(report)


def _is_replaceable(report: JobReport) -> bool:
    event = report.event
    if isinstance(event, TurnReceived):
        return not event.turn.end_of_turn
    return isinstance(event, Progressed)
