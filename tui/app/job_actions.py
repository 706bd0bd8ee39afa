"""The verbs that control a live run. Each acts on the marked rows, or else on the current one.

Their effects on sessions are in `tui.model.verbs`, those on the queue in `queue_edits`.
"""

from time import monotonic

from tui.app.drain_reports import DRAIN_PAUSE_S, drain_reports
from tui.app.queue_edits import QueueEditor
from tui.app.run_actions import DeskParts, RunActions
from tui.files import path_input
from tui.keys.key_table import Scope
from tui.model import verbs
from tui.model.recording_feed import FeedPhase, RecordingFeed
from tui.model.run_end import RunEndWatch
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.model.verbs import RunNotices
from tui.terminal.gc_tuning import ROWS_BETWEEN_FREEZES, freeze
from tui.text.formats import format_count
from workers.audio.source import Source
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.jobs.node_status import NodeState
from workers.protocol.messages import UpdateConfiguration

NEW_ROWS_BUDGET_S = 0.01
"""Maximum seconds per tick to add rows of recordings that were found; enough for some hundred."""

NODE_LOOK_INTERVAL_S = 0.5
"""Seconds between two looks at the nodes of a fleet."""

NEW_ROWS_BATCH = 100
"""Rows to add between two checks of the clock."""


class JobActions(RunActions):
    """The verbs of a live run. Session states are updated only from the supervisor's reports."""

    scopes = (Scope.JOBS,)

    def __init__(
        self, desk: DeskParts, supervisor: SupervisorProtocol, feed: RecordingFeed | None = None
    ) -> None:
        """``feed``: queues recordings that are found while the desk is open."""
        super().__init__(desk, supervisor.sent_position)
        self.supervisor = supervisor
        self.queue_editor = QueueEditor(
            desk.state, supervisor, desk.look.keymap, desk.endpoint_kind
        )
        self._notices, self._run_end = RunNotices(supervisor, desk.look), RunEndWatch(desk.state)
        self._announce_end = desk.announce_end
        self._drain_scheduled = False
        self._picker_folder = ""
        self._forecaster = desk.forecaster
        self._has_named_pre_recorded = False
        self._feed = feed
        self._frozen_rows = len(desk.state.job_states)
        self._node_states: dict[str, NodeState] = {}
        self._nodes_due_at = 0.0

    def update_state(self, now: float) -> None:
        self.state.tick(now)
        self._show_fed_jobs()
        self.drain()
        self._freeze_new_rows()
        run = self.supervisor
        self.state.update_forecast(
            run.queue,
            run.next_start_at,
            run.max_sessions,
            held=run.holding,
            over_budget=run.spending.is_reached,
        )
        self._update_nodes(now)
        if notice := self._notices.poll():
            self.show_notice(notice)
        searching = self._feed is not None and self._feed.phase is not FeedPhase.ENDED
        if self._run_end.has_ended(more_may_come=searching):
            self._announce_end()

    def _update_nodes(self, now: float) -> None:
        """Looks at the nodes of a fleet, and says which have joined or no longer take sessions."""
        if now < self._nodes_due_at:
            return
        self._nodes_due_at = now + NODE_LOOK_INTERVAL_S
        self.state.nodes = sorted(self.supervisor.nodes(), key=lambda node: node.name)
        for node in self.state.nodes:
            if self._node_states.get(node.name) is not node.state:
                self._node_states[node.name] = node.state
                why = f": {node.problem}" if node.problem else ""
                self.show_notice(f"Node {node.name} is {node.state.value}{why}")

    def machines(self) -> None:
        """Opens or closes the list of nodes."""
        from tui.screens.frame import FramedScreen
        from tui.screens.nodes import NodesScreen

        top = self.app.screen
        if isinstance(top, NodesScreen):
            self.app.pop_screen()
        elif isinstance(top, FramedScreen):
            screen = NodesScreen(self.state, self.look, top.frame)
            screen.supervisor = self.supervisor
            self.app.push_screen(screen)

    def _show_fed_jobs(self) -> None:
        """Shows rows of recordings that were queued since the last tick."""
        if self._feed is None:
            return
        end = monotonic() + NEW_ROWS_BUDGET_S
        while monotonic() < end and (queued := self._feed.take_queued(NEW_ROWS_BATCH)):
            self.state.add_jobs([job for job, _ in queued], [source for _, source in queued])
        if (problem := self._feed.take_problem()) is not None:
            self.skipped_paths.add(problem.reason, problem.hint)
            self.show_notice(problem.reason[:1].upper() + problem.reason[1:])

    def _freeze_new_rows(self) -> None:
        """Leaves the rows of a large run out of garbage collections, which would stop the desk."""
        if len(self.state.job_states) - self._frozen_rows >= ROWS_BETWEEN_FREEZES:
            self._frozen_rows = len(self.state.job_states)
            freeze()

    def drain(self) -> None:
        """Applies pending reports; if there are too many, pauses for keys and then continues."""
        if not drain_reports(self.state, self.supervisor.reports) and not self._drain_scheduled:
            self._drain_scheduled = True
            self.app.set_timer(DRAIN_PAUSE_S, self._resume_drain)

    def _resume_drain(self) -> None:
        self._drain_scheduled = False
        self.drain()

    # --- sessions

    def cancel(self) -> None:
        """Cancels the target jobs; asks first if there are several and one of them is live."""
        targets, state = self.targets, self.state
        live = [job for job in targets if state.job_states[job].is_live]
        not_stopping = [job for job in live if not state.is_stopping(job)]
        if len(targets) < 2 or not not_stopping:
            self.show_notice(self.queue_editor.cancel(targets))
            return
        from tui.screens.dialogs import ConfirmDialog

        question = f"Cancel {format_count(len(not_stopping), 'running session')}?"
        retry = self.look.key_hint(Scope.JOBS, "retry")
        consequence = f"Transcripts are kept; {retry} continues from there."

        def confirmed(yes: bool | None) -> None:
            if yes:
                self.show_notice(self.queue_editor.cancel(targets))

        self.app.push_screen(ConfirmDialog(self.look, question, consequence), confirmed)

    def retry(self) -> None:
        self.show_notice(verbs.retry(self.state, self.supervisor, self.targets))

    def retry_failed(self) -> None:
        states = self.state.job_states.values()
        failed = [state.job for state in states if state.status is JobStatus.FAILED]
        self.show_notice(verbs.retry(self.state, self.supervisor, failed))

    def hold(self) -> None:
        self.show_notice(verbs.toggle_hold(self.supervisor))

    def end_turn(self) -> None:
        self.show_notice(verbs.end_turn(self.supervisor, self.targets))

    def configure(self) -> None:
        from tui.screens.live_config import ConfigureDialog

        targets, states = self.targets, self.state.job_states
        models = {
            job: began.model
            for job in targets
            if states[job].status is JobStatus.STREAMING and (began := states[job].began)
        }

        def send(changes: dict[JobId, UpdateConfiguration] | None) -> None:
            if changes:
                others = len(targets) - len(changes)
                self.show_notice(verbs.configure(self.supervisor, changes, others))

        self.app.push_screen(ConfigureDialog(self.look, models), send)

    # --- the queue

    def remove(self) -> None:
        self.show_notice(self.queue_editor.remove(self.targets))

    def shift(self, by: int) -> None:
        self.show_notice(self.queue_editor.move_in_queue(self.targets, by))

    def allow(self, by: int) -> None:
        self.show_notice(self.queue_editor.change_concurrency(by))

    def undo(self) -> None:
        self.show_notice(self.queue_editor.undo())

    def add(self, text: str = "") -> None:
        from tui.screens.add_recordings import AddDialog

        dialog = AddDialog(
            self.look, self.source_rules, text, self._picker_folder, self._forecaster
        )
        dialog.names_pre_recorded = not self._has_named_pre_recorded

        def queue_sources(sources: list[Source] | None) -> None:
            self._picker_folder = dialog.folder
            self._has_named_pre_recorded |= dialog.forecast is not None
            if sources:
                self.skipped_paths.extend(dialog.skipped)
                key = self.look.key_hint(Scope.JOBS, "skipped")
                note = path_input.skipped_note(dialog.skipped, key)
                self.show_notice(self.queue_editor.add(sources) + note)

        self.app.push_screen(dialog, queue_sources)

    def add_pasted(self, text: str) -> None:
        self.add(path_input.join_pasted_paths(text))
