"""What the desk knows of scores, and which it asks for.

Nothing is scored until the user asks: with the score tab, the dashboard, a column, a filter, or
references. A run that is over is scored by itself if its recordings have references. Plain Python;
the work is done in the process of a `Scorer`, whose modules load when the first score is wanted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING

from workers.jobs.job import JobId
from workers.runs.index import INDEX_NAME

if TYPE_CHECKING:  # loaded with the first score
    from workers.evaluation.desk_figures import FoundReferences, JobDetail, JobFigures, RunFigures
    from workers.evaluation.scorer import Scorer, ScoreRequest, ScoreResult

MAX_RESULTS_PER_POLL = 200

MAX_DETAILS = 8
"""Jobs whose alignments stay in memory."""

SUMMARY_INTERVAL_S = 1.0
"""Seconds between two summaries for the dashboard while jobs are being scored."""

MAX_SUMMARY_SHARE = 0.1
"""The largest share of the scorer's time for summaries."""

MAX_RESTARTS = 3
"""The scorer's process is started again so many times; then nothing more is scored."""


class Scores:
    """The scores of a run. `update` is called on every tick; nothing blocks."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        """The run folder; None: nothing can be scored."""
        self.figures: dict[JobId, JobFigures] = {}
        """The figures of jobs that were scored, or the reason why a job was not."""
        self.is_active = False
        """Whether jobs are scored."""
        self.columns_wanted = False
        """Whether the columns are shown without references too."""
        self.has_references = False
        self.summary: RunFigures | None = None
        self.problem = ""
        """Why nothing can be scored, with what to do about it."""
        self.changed_jobs: set[JobId] = set()
        """Jobs with new figures or details; the caller empties it."""
        self.summary_column = ""
        self._done: dict[JobId, None] = {}
        self._unanswered: set[JobId] = set()
        """Jobs whose scores were asked for."""
        self._details: OrderedDict[JobId, JobDetail | JobFigures] = OrderedDict()
        self._details_wanted: set[JobId] = set()
        self._scorer: Scorer | None = None
        self._has_looked = False
        self._on_found: Callable[[FoundReferences], None] | None = None
        self._summary_wanted = self._summary_stale = self._summary_requested = False
        self._summary_due = 0.0
        self._restarts = 0
        self._notices: list[str] = []

    # --- what happens

    def add_done(self, job: JobId) -> None:
        """A job is done, so that it can be scored."""
        if job not in self._done:
            self._done[job] = None
            if self.is_active:
                self._request_score(job)

    def activate(self) -> None:
        """Scores all jobs that are done, and from now on every job when it is done."""
        if not self.is_active and not self.problem:
            self.is_active = True
            for job in self._done:
                self._request_score(job)

    def show_columns(self) -> None:
        """Scores, and shows the columns, because the user sorts or filters by one."""
        self.columns_wanted = True
        self.activate()
        if self.problem:
            self._notices = [self.problem]

    def look_for_references(self) -> None:
        """Scores if recordings have references: the run is over, and nobody asked for scores."""
        if self._has_looked or self.is_active or not self._done:
            return
        self._has_looked = True
        if self.folder is not None and (self.folder / INDEX_NAME).exists():
            from workers.evaluation.scorer import FindReferences

            self._request(FindReferences(None, adopt=False))

    def find_references(
        self, given: Path | None, on_found: Callable[[FoundReferences], None]
    ) -> None:
        """Finds references without using them; calls ``on_found`` in a later `update`."""
        from workers.evaluation.scorer import FindReferences

        self._on_found = on_found
        self._request(FindReferences(given, adopt=False))

    def attach_references(self, given: Path | None) -> None:
        """Scores everything again with the references in ``given``; None: those beside the
        recordings."""
        from workers.evaluation.scorer import FindReferences

        self._request(FindReferences(given, adopt=True))
        self._forget()
        self.is_active = True
        for job in self._done:
            self._request_score(job)

    def detail(self, job: JobId) -> JobDetail | JobFigures | None:
        """The details of a job; None while they are computed, or if it is not done."""
        self.activate()
        if (found := self._details.get(job)) is not None:
            self._details.move_to_end(job)
        elif job in self._done and job not in self._details_wanted and not self.problem:
            from workers.evaluation.scorer import DescribeJob

            self._details_wanted.add(job)
            self._request(DescribeJob(job))
        return found

    def is_done(self, job: JobId) -> bool:
        return job in self._done

    def want_summary(self, wanted: bool) -> None:
        """Whether the dashboard is shown, so that `summary` is kept up to date."""
        self._summary_wanted = wanted
        if wanted:
            self.activate()
            self._summary_stale, self._summary_due = True, 0.0

    def group_by_next_column(self) -> None:
        """Groups the summary by the next column."""
        if self.summary is not None and (columns := self.summary.columns):
            place = columns.index(self.summary.column) if self.summary.column in columns else -1
            self.summary_column = columns[(place + 1) % len(columns)]
            self._summary_stale, self._summary_due = True, 0.0

    @property
    def scored_count(self) -> int:
        return sum(not figures.problem for figures in self.figures.values())

    @property
    def unscored_count(self) -> int:
        """Jobs that are done and not scored yet."""
        return len(self._unanswered)

    @property
    def done_count(self) -> int:
        return len(self._done)

    @property
    def are_columns_shown(self) -> bool:
        return self.is_active and (self.columns_wanted or self.has_references)

    def take_notices(self) -> list[str]:
        """Sentences for the user since the last call."""
        notices, self._notices = self._notices, []
        return notices

    def close(self) -> None:
        """Ends the process that scores."""
        if self._scorer is not None:
            self._scorer.close()

    # --- the scorer

    def update(self, now: float) -> bool:
        """Takes results; returns whether the summary or what `on_found` shows changed."""
        changed = False
        if self._scorer is not None:
            for _ in range(MAX_RESULTS_PER_POLL):
                try:
                    request, result = self._scorer.results.get_nowait()
                except Empty:
                    break
                changed |= self._apply(request, result, now)
        if (
            self._summary_wanted
            and self._summary_stale
            and not self._summary_requested
            and now >= self._summary_due
            and self.figures
            and not self.problem
        ):
            from workers.evaluation.scorer import Summarise

            self._summary_requested, self._summary_stale = True, False
            self._request(Summarise(self.summary_column))
        return changed

    def _apply(self, request: ScoreRequest, result: ScoreResult, now: float) -> bool:
        from workers.evaluation.desk_figures import (
            FoundReferences,
            JobDetail,
            JobFigures,
            RunFigures,
        )
        from workers.evaluation.scorer import (
            DescribeJob,
            FindReferences,
            ScorerRestarted,
            ScoringUnavailable,
        )

        match result:
            case JobDetail() | JobFigures() if isinstance(request, DescribeJob):
                self._keep_detail(result)
            case JobFigures():
                self.figures[result.job] = result
                self._unanswered.discard(result.job)
                self.has_references |= bool(result.rates)
                self.changed_jobs.add(result.job)
                self._summary_stale = True
            case RunFigures():
                self.summary, self._summary_requested = result, False
                pause_s = max(SUMMARY_INTERVAL_S, result.seconds / MAX_SUMMARY_SHARE)
                self._summary_due = now + pause_s
                return True
            case FoundReferences() if isinstance(request, FindReferences):
                self._note_found(request.adopt, result)
                return True
            case ScoringUnavailable():
                self._give_up(f"{result.reason[:1].upper()}{result.reason[1:]}. {result.hint}")
                return True
            case ScorerRestarted():
                self._restart(result.request)
        return False

    def _note_found(self, adopted: bool, found: FoundReferences) -> None:
        if self._on_found is not None and not adopted:
            self._on_found(found)
            self._on_found = None
        elif found.matched and not adopted:
            self.has_references = True
            self.activate()
        elif found.problem and adopted:
            self._notices.append(f"{found.problem}. {found.hint}")

    def _keep_detail(self, detail: JobDetail | JobFigures) -> None:
        self._details[detail.job] = detail
        self._details_wanted.discard(detail.job)
        self.changed_jobs.add(detail.job)
        while len(self._details) > MAX_DETAILS:
            self._details.popitem(last=False)

    def _restart(self, request: ScoreRequest) -> None:
        """Asks again for everything, as the process lost its sums, but not for what killed it."""
        from workers.evaluation.desk_figures import JobFigures
        from workers.evaluation.scorer import DescribeJob, ScoreJob

        self._restarts += 1
        if self._restarts > MAX_RESTARTS:
            self._give_up("The process that scores was killed several times. Open the run again.")
            return
        self._summary_requested, self._summary_stale = False, True
        lost: Iterable[JobId] = [job for job in self._done if job not in self._unanswered]
        if isinstance(request, ScoreJob | DescribeJob):
            failed = JobFigures(request.job, "the process that scored it was killed")
            self.figures[request.job] = failed
            self._keep_detail(failed)
            self._unanswered.discard(request.job)
            lost = [job for job in lost if job != request.job]
        if self.is_active:
            for job in lost:
                self._request_score(job)

    def _give_up(self, problem: str) -> None:
        was_asked, self.problem = self.is_active or self._on_found is not None, problem
        self.is_active = False
        self._unanswered.clear()
        self._details_wanted.clear()
        self.changed_jobs.update(self._done)
        if was_asked:
            self._notices.append(problem)

    def _forget(self) -> None:
        self.changed_jobs.update(self.figures)
        self.figures.clear()
        self._details.clear()
        self._details_wanted.clear()
        self._unanswered.clear()
        self.has_references, self.summary, self._summary_stale = False, None, True

    def _request_score(self, job: JobId) -> None:
        from workers.evaluation.scorer import ScoreJob

        self._unanswered.add(job)
        self._request(ScoreJob(job))

    def _request(self, request: ScoreRequest) -> None:
        if self.folder is None:
            return
        if self._scorer is None:
            from workers.evaluation.scorer import Scorer

            self._scorer = Scorer(self.folder)
        self._scorer.request(request)
