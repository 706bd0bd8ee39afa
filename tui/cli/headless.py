"""Streams without a screen, for ``run`` and ``resume``.

Text goes to stderr. With ``--json``, events go to stdout, and nothing else does.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from queue import Empty
from types import FrameType
from typing import TYPE_CHECKING

from tui.cli.console import print_json, print_line
from tui.cli.exit_codes import ExitCode, most_severe
from tui.cli.faults import report_fault
from tui.cli.run_options import RunOptions
from tui.cli.run_setup import RunRequest, open_supervisor
from tui.cli.summary import exit_code, pacing_text, run_summary_lines
from tui.model.recording_feed import FeedPhase, RecordingFeed
from tui.model.supervisor_protocol import SERVER_RESTARTED_MESSAGE, SupervisorProtocol
from tui.render.latest_words import short_reason
from tui.terminal.sighup import handle_sighup
from tui.terminal.stdio import CheckedOutput, lost_output
from tui.text.formats import format_count, format_duration
from tui.text.width import clean
from workers.jobs import events
from workers.jobs.events import JobReport
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import combine_pairs
from workers.runs.reader import combine_pairs_of_run
from workers.scheduling.supervisor import SHUTDOWN_TIMEOUT_S
from workers.threads import first_fault

if TYPE_CHECKING:  # it needs packages of an extra
    from workers.evaluation.gate import Threshold

KEPT_TURNS = 4
"""How many turns of a transcript stay in memory: only the latest one is printed."""


def stream_headless(
    options: RunOptions,
    request: RunRequest,
    *,
    as_json: bool,
    thresholds: "Sequence[Threshold]" = (),
) -> ExitCode:
    """Streams all jobs, reports progress and prints the summary. With ``thresholds``, scores the
    run then, and the exit code says whether one was crossed."""
    with open_supervisor(options, request.run_folder) as supervisor:
        folder = supervisor.folder
        resumed = combine_pairs(request.job_states)
        count = len(request.sources) + sum(not state.is_settled for state in resumed)
        start = f"Streaming {format_count(count, 'file')} to: {options.destination}"
        print_line(start if count or request.watch else "Nothing is left to stream.", err=True)
        if options.notice:
            print_line(options.notice, err=True)
        print_line(f"Run folder: {folder.path}", err=True)
        if request.watch is not None:
            folders = format_count(len(request.watch.folders), "folder")
            print_line(f"Watching {folders}; Ctrl-C ends the run.", err=True)
        runner = HeadlessRunner(supervisor, as_json=as_json, job_states=request.job_states)
        runner.run(lambda: request.enqueue(supervisor), request.feed(supervisor, options))
    job_states = combine_pairs_of_run(folder.path, runner.job_states)
    for line in run_summary_lines(job_states, folder.path, saved=folder.is_saved):
        print_line(line, err=True)
    code = exit_code(job_states, interrupted=runner.interrupted, saved=folder.is_saved)
    if (fault := first_fault()) is not None:
        return most_severe([code, report_fault(fault, folder.faults_path)])
    is_empty_shard = options.shard is not None and not job_states
    if not thresholds or runner.interrupted or is_empty_shard:
        return code
    from tui.cli.score import check_run

    return most_severe([code, check_run(folder.path, thresholds)])


class HeadlessRunner:
    """Streams jobs and reports what happens until all of them have ended."""

    def __init__(
        self, supervisor: SupervisorProtocol, *, as_json: bool, job_states: Iterable[JobState] = ()
    ) -> None:
        """``job_states``: jobs of an earlier run."""
        self._supervisor = supervisor
        self._as_json = as_json
        self._job_states = {job_state.job: job_state for job_state in job_states}
        for job_state in self._job_states.values():
            job_state.transcript.evict(KEPT_TURNS)
        self._last_lines: dict[JobId, str] = {}
        """The last line that was printed for each job."""
        self._pending_ends: dict[JobId, JobReport] = {}
        """Ends of attempts, printed once it is known whether another attempt follows."""
        self._stop_requests = 0
        """Number of signals that asked the program to end."""
        self._give_up_at: float | None = None
        """When a run ends although sessions may be live, because one of our threads died."""
        self.interrupted = False
        """Whether streaming was stopped before all jobs had ended."""

    @property
    def job_states(self) -> list[JobState]:
        """The states of all jobs, in order of their numbers."""
        return [self._job_states[id] for id in sorted(self._job_states)]

    def run(self, enqueue: Callable[[], object], feed: RecordingFeed | None = None) -> None:
        """Streams the jobs that ``enqueue`` queues, and those of ``feed`` until it ends. The first
        signal ends the feed and the sessions, a second one kills the sessions."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if os.name == "posix" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            handle_sighup(self._on_disconnect)
        enqueue()
        with feed or nullcontext():
            self._handle_reports(feed)
        self._print_pending_ends()

    def _handle_reports(self, feed: RecordingFeed | None) -> None:
        """Handles reports and signals until nothing is left to stream."""
        supervisor, stops_sent, reported_restarts = self._supervisor, 0, 0
        while not self._is_over(feed):
            self._end_after_fault(feed)
            if stops_sent < self._stop_requests:
                if feed is not None:
                    feed.stop()
                if not supervisor.is_idle:
                    first = "ending sessions gracefully; press Ctrl-C again to end them at once"
                    _print_stderr("ending sessions at once" if stops_sent else first)
                    self.interrupted = True
                stops_sent += 1
                supervisor.stop()
            if supervisor.server_restarts > reported_restarts:
                reported_restarts = supervisor.server_restarts
                _print_stderr(SERVER_RESTARTED_MESSAGE)
            try:
                self._handle_report(supervisor.reports.get(timeout=0.2))
            except Empty:
                self._print_pending_ends()
            if output := lost_output():
                self._on_lost_output(output)

    def _is_over(self, feed: RecordingFeed | None) -> bool:
        if self._give_up_at is not None and time.monotonic() > self._give_up_at:
            return True
        has_fed = feed is None or feed.phase is FeedPhase.ENDED
        return has_fed and self._supervisor.is_idle and self._supervisor.reports.empty()

    def _end_after_fault(self, feed: RecordingFeed | None) -> None:
        """Ends the sessions gracefully if one of our threads has died: nothing would be started,
        saved or read any more. That all have ended may never be known, so the wait has a limit."""
        fault = first_fault()
        if fault is None or self._give_up_at is not None:
            return
        _print_stderr(f"a part of Paceline failed ({fault.thread}); ending sessions gracefully")
        self._give_up_at = time.monotonic() + SHUTDOWN_TIMEOUT_S
        if feed is not None:
            feed.stop()
        self._supervisor.stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Only counts signals, because a handler may run between any two instructions."""
        self._stop_requests += 1

    def _on_disconnect(self) -> None:
        """Counts a lost terminal or reader once, however often it is noticed."""
        self._stop_requests = max(self._stop_requests, 1)

    def _on_lost_output(self, output: CheckedOutput) -> None:
        """Stops, as after a signal, if nobody reads the events any more. Otherwise, as on a full
        disk, the run goes on, because its folder has everything."""
        if output.is_reported:
            return
        output.is_reported = True
        reason = f"paceline: the events could not be written ({output.failure_text})"
        if output.has_lost_reader:
            _print_stderr(f"{reason}. Nobody reads them any more, so the run ends.")
            self._on_disconnect()
        else:
            _print_stderr(f"{reason}. The run goes on; its folder has them all.")

    def _handle_report(self, report: JobReport) -> None:
        state = JobState(report.job, report.file, report.half)
        job_state = self._job_states.setdefault(report.job, state)
        job_state.apply(report)
        job_state.transcript.evict(KEPT_TURNS)
        if self._as_json:
            print_json(events.report_to_json(report))
        elif isinstance(report.event, events.Ended):
            self._pending_ends[report.job] = report
        else:
            follows_end = self._pending_ends.pop(report.job, None) is not None
            self._print_job_line(report, _report_text(report, job_state, follows_end=follows_end))

    def _print_pending_ends(self) -> None:
        for job, report in self._pending_ends.items():
            self._print_job_line(report, _report_text(report, self._job_states[job]))
        self._pending_ends = {}

    def _print_job_line(self, report: JobReport, text: str | None) -> None:
        # A server may send a final turn twice, but it is printed once.
        if text and self._last_lines.get(report.job) != text:
            self._last_lines[report.job] = text
            name = clean(report.file.rsplit("/", 1)[-1])
            number, half = report.job, report.half
            if half is not None:
                number, name = half.pair_id, f"{name} ({clean(half.speaker)})"
            _print_stderr(f"[{number}] {name}: {text}")


def _report_text(report: JobReport, job: JobState, *, follows_end: bool = False) -> str | None:
    """The line to print for a report; None for reports that are too frequent to print.

    ``follows_end``: whether the previous report ended an attempt and has not been printed yet.
    """
    match report.event:
        case events.Queued(warnings=warnings) if warnings:
            return f"warning: {clean('; '.join(warnings))}"
        case events.Progressed(waiting=True):
            return "waiting for more audio"
        case events.Began() as began:
            return f"streaming at {began.sample_rate} Hz ({clean(began.model)})"
        case events.TurnReceived(turn) if turn.end_of_turn and (line := job.transcript.latest_line):
            return f"{format_duration((line.start_ms or 0) / 1000)} {clean(line.text)}"
        case events.Warned() as warned:
            return f"warning: {clean(warned.warning)}"
        case events.Slipped() as slipped:
            return f"stalled for {slipped.stalled_ms / 1000:.1f} s; the schedule shifted"
        case events.Retrying() as retrying:
            why = f"{short_reason(retrying.reason)}; " if follows_end else ""
            wait = f" in {retrying.in_seconds:.0f} s" if retrying.in_seconds >= 1 else ""
            attempt = f"{why}attempt {job.attempt}"
            if job.refusal is not None:
                return f"{why}retry{wait or ' soon'}"
            if retrying.from_seconds > job.start_seconds:
                return f"{attempt} continues{wait}, from {format_duration(retrying.from_seconds)}"
            return f"{attempt} starts over{wait}" if job.attempt > 1 else None
        case events.Ended(outcome=events.Outcome.DONE) as ended:
            sent = format_duration(job.sent_part_seconds)
            return f"done, {sent} sent, {pacing_text(ended.certificate)}"
        case events.Ended() as ended:
            outcome = ended.outcome.value.replace("_", " ")
            return clean(f"{outcome}: {ended.reason}. {ended.hint}")
    return None


def _print_stderr(text: str) -> None:
    with suppress(OSError):  # the reader of stderr is gone, which is no reason to stop
        print_line(text, err=True)
