"""Streams without a screen, for ``run`` and ``resume``.

Text goes to stderr. With ``--json``, events go to stdout, and nothing else does.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from queue import Empty
from types import FrameType
from typing import TYPE_CHECKING

from tui.cli.console import can_show_progress, print_line
from tui.cli.exit_codes import ExitCode, most_severe
from tui.cli.faults import report_fault
from tui.cli.run_options import RunOptions
from tui.cli.run_output import RunOutput, Verbosity
from tui.cli.run_setup import RunRequest, open_supervisor
from tui.cli.summary import exit_code, run_summary_lines
from tui.model.recording_feed import FeedPhase, RecordingFeed
from tui.model.supervisor_protocol import SERVER_RESTARTED_MESSAGE, SupervisorProtocol
from tui.terminal.sighup import handle_sighup
from tui.terminal.stdio import CheckedOutput, lost_output
from tui.text.formats import format_count
from tui.text.width import clean
from workers.jobs.events import JobReport
from workers.jobs.job_state import JobState
from workers.jobs.node_status import NodeState
from workers.jobs.pair import combine_pairs
from workers.runs.reader import combine_pairs_of_run
from workers.scheduling.supervisor import SHUTDOWN_TIMEOUT_S
from workers.threads import first_fault

if TYPE_CHECKING:  # loaded when they are needed; one needs packages of an extra
    from tui.cli.run_progress import RunProgress
    from workers.evaluation.gate import Threshold

KEPT_TURNS = 4
"""How many turns of a transcript stay in memory: only the latest one is printed."""

NODES_INTERVAL_S = 1.0
"""Time between two looks at the nodes of a fleet."""


def stream_headless(
    options: RunOptions,
    request: RunRequest,
    *,
    as_json: bool,
    verbosity: Verbosity = Verbosity.NORMAL,
    thresholds: "Sequence[Threshold]" = (),
) -> ExitCode:
    """Streams all jobs, reports progress and prints the summary. With ``thresholds``, scores the
    run then, and the exit code says whether one was crossed."""
    output = RunOutput(
        as_json=as_json, verbosity=verbosity, display=_new_display(verbosity, as_json=as_json)
    )
    with open_supervisor(options, request.run_folder) as supervisor:
        folder = supervisor.folder
        resumed = combine_pairs(request.job_states)
        count = len(request.sources) + sum(not state.is_settled for state in resumed)
        start = f"Streaming {format_count(count, 'recording')} to: {options.destination}"
        output.print_start(start if count or request.watch else "Nothing is left to stream.")
        for notice in options.notices:
            output.print_notice(notice)
        output.print_start(f"Run folder: {folder.path}")
        if request.watch is not None:
            folders = format_count(len(request.watch.folders), "folder")
            output.print_start(f"Watching {folders}; Ctrl-C ends the run.")
        runner = HeadlessRunner(supervisor, output, job_states=request.job_states)
        runner.run(lambda: request.enqueue(supervisor), request.feed(supervisor, options))
    job_states = combine_pairs_of_run(folder.path, runner.job_states)
    for line in run_summary_lines(
        job_states, folder.path, saved=folder.is_saved, printed=output.printed_failures
    ):
        print_line(line, err=True)
    code = exit_code(job_states, interrupted=runner.interrupted, saved=folder.is_saved)
    if (fault := first_fault()) is not None:
        return most_severe([code, report_fault(fault, folder.faults_path)])
    is_empty_shard = options.shard is not None and not job_states
    if not thresholds or runner.interrupted or is_empty_shard:
        return code
    from tui.cli.score import check_run

    return most_severe([code, check_run(folder.path, thresholds)])


def _new_display(verbosity: Verbosity, *, as_json: bool) -> "RunProgress | None":
    """A live display on a terminal; none if it would disturb what is printed there."""
    if verbosity is Verbosity.QUIET or not can_show_progress(beside_stdout=as_json):
        return None
    from tui.cli.run_progress import RunProgress

    return RunProgress()


class HeadlessRunner:
    """Streams jobs and reports what happens until all of them have ended."""

    def __init__(
        self,
        supervisor: SupervisorProtocol,
        output: RunOutput,
        *,
        job_states: Iterable[JobState] = (),
    ) -> None:
        """``job_states``: jobs of an earlier run."""
        self._supervisor = supervisor
        self._output = output
        self._job_states = {job_state.job: job_state for job_state in job_states}
        for job_state in self._job_states.values():
            job_state.transcript.evict(KEPT_TURNS)
        self._stop_requests = 0
        """Number of signals that asked the program to end."""
        self._refused = False
        """Whether the run was ended because the server refuses all sessions."""
        self._is_budget_reached = False
        self._give_up_at: float | None = None
        """When a run ends although sessions may be live, because one of our threads died."""
        self._node_states: dict[str, NodeState] = {}
        """Of a fleet, by name, as they were last printed."""
        self._nodes_due_at = 0.0
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
        display = self._output.display
        if display is not None:
            display.start()
        try:
            with feed or nullcontext():
                self._handle_reports(feed)
        finally:
            if display is not None:
                display.stop()
        self._output.print_pending_ends()

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
                    self._output.print_notice("ending sessions at once" if stops_sent else first)
                    self.interrupted = True
                stops_sent += 1
                supervisor.stop()
            self._end_if_refused(feed)
            if supervisor.server_restarts > reported_restarts:
                reported_restarts = supervisor.server_restarts
                self._output.print_notice(SERVER_RESTARTED_MESSAGE)
            self._print_node_changes()
            try:
                self._handle_report(supervisor.reports.get(timeout=0.2))
            except Empty:
                self._output.print_pending_ends()
                self._end_at_budget(feed)
            if output := lost_output():
                self._on_lost_output(output)
            if self._output.display is not None:
                self._output.display.draw(self._job_states, supervisor)

    def _end_at_budget(self, feed: RecordingFeed | None) -> None:
        """Ends the run if the budget has no room for any session that waits."""
        spending = self._supervisor.spending
        if spending.is_exhausted and not self._is_budget_reached:
            self._is_budget_reached = True
            notice = f"the budget of {spending.budget} has no room for another session"
            self._output.print_notice(notice)
            if feed is not None:
                feed.stop()
            self._supervisor.stop()

    def _print_node_changes(self) -> None:
        """Says which nodes of a fleet have joined, or no longer take sessions."""
        if (now := time.monotonic()) < self._nodes_due_at:
            return
        self._nodes_due_at = now + NODES_INTERVAL_S
        for node in self._supervisor.nodes():
            if self._node_states.get(node.name) is not node.state:
                self._node_states[node.name] = node.state
                room = f", up to {format_count(node.capacity, 'session')}" if node.capacity else ""
                why = f": {clean(node.problem)}" if node.problem else room
                notice = f"node {clean(node.name)} is {node.state.value}{why}"
                self._output.print_notice(notice)

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
        self._output.print_notice(
            f"a part of Paceline failed ({fault.thread}); ending sessions gracefully"
        )
        self._give_up_at = time.monotonic() + SHUTDOWN_TIMEOUT_S
        if feed is not None:
            feed.stop()
        self._supervisor.stop()

    def _end_if_refused(self, feed: RecordingFeed | None) -> None:
        """Ends the run if new starts are held because the server refuses what all sessions have in
        common: on the desk, the user would decide."""
        if self._refused or not self._supervisor.held_by_refusal:
            return
        live = (state.status.is_live for state in self._job_states.values())
        if not self._supervisor.reports.empty() or any(live):
            return
        self._refused = True
        count = len(self._supervisor.queue)
        self._output.print_pending_ends()
        self._output.print_notice(
            f"The server refuses every such session: {format_count(count, 'recording')} not started"
        )
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
            self._output.print_notice(f"{reason}. Nobody reads them any more, so the run ends.")
            self._on_disconnect()
        else:
            self._output.print_notice(f"{reason}. The run goes on; its folder has them all.")

    def _handle_report(self, report: JobReport) -> None:
        state = JobState(report.job, report.file, report.half)
        job_state = self._job_states.setdefault(report.job, state)
        job_state.apply(report)
        job_state.transcript.evict(KEPT_TURNS)
        self._output.print_report(report, job_state)
