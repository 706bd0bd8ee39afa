"""The user's verbs: each acts on the marked rows, else on the current one, and says what it did.

The sentences and what they reach are in `verbs` (sessions) and `edits` (the queue).
"""

from collections.abc import Sequence
from pathlib import Path

from textual.app import App

from tui.app.queue_edits import QueueEditor
from tui.config.settings import DeskSettings
from tui.files import path_input
from tui.keys.key_table import Scope
from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.screens.reading_screen import ReadingScreen
from tui.theme.roles import Look
from tui.widgets.messages import PathsPasted
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.protocol.messages import UpdateConfiguration


class JobActions(App[None]):
    """The part of the desk that steers sessions. Dialogs load when asked for: the first screen
    comes sooner."""

    settings: DeskSettings

    def __init__(
        self, state: DeskState, supervisor: SupervisorProtocol, look: Look, run_folder: Path
    ) -> None:
        super().__init__()
        self.state = state
        self.supervisor = supervisor
        self.look = look
        self.run_folder = run_folder
        self.queue_editor = QueueEditor(state, supervisor, look.keymap)
        self.skipped_paths: list[tuple[str, str]] = []
        """What was named and is no recording: its path, and why, in words."""
        self._picker_folder = ""
        """Where the picker was last."""

    def show_notice(self, notice: str) -> None:
        """Puts a sentence at the foot of the screen."""
        raise NotImplementedError  # the desk does: it has the foot; an App cannot be abstract

    @property
    def targets(self) -> list[JobId]:
        """The marked rows, else the current one; while reading, what is being read."""
        if isinstance(self.screen, ReadingScreen):
            return [] if self.state.table.current is None else [self.state.table.current]
        return self.state.table.targets()

    # --- sessions

    def action_cancel(self) -> None:
        targets, state = self.targets, self.state
        live = [job for job in targets if state.job_states[job].status.is_live]
        unasked = [job for job in live if not state.is_stopping(job)]
        if len(targets) < 2 or not unasked:
            self.show_notice(self.queue_editor.cancel(targets))
            return
        from tui.screens.confirm import ConfirmDialog

        asked = f"Cancel {verbs.session_count(len(unasked))} at work?"
        after = f"What was heard is kept; {self._key_label('retry')} goes on from there."
        dialog = ConfirmDialog(self.look, asked, after)
        self.push_screen(
            dialog, lambda yes: self.show_notice(self.queue_editor.cancel(targets)) if yes else None
        )

    def action_retry(self) -> None:
        self.show_notice(verbs.retry(self.state, self.supervisor, self.targets))

    def action_retry_failed(self) -> None:
        failed = [job for job in self.state.job_states if self._status_of(job) is JobStatus.FAILED]
        self.show_notice(verbs.retry_failed(self.state, self.supervisor, failed))

    def action_hold(self) -> None:
        self.show_notice(verbs.toggle_hold(self.supervisor))

    def action_end_turn(self) -> None:
        self.show_notice(verbs.end_turn(self.supervisor, self.targets))

    def action_configure(self) -> None:
        from tui.screens.live_config import ConfigureDialog

        targets = self.targets
        models = {
            job: began.model
            for job in targets
            if self._status_of(job) is JobStatus.STREAMING
            and (began := self.state.job_states[job].began) is not None
        }
        if not models:
            self.show_notice(verbs.nothing_message(len(targets), "not streaming"))
            return

        def send(changes: dict[JobId, UpdateConfiguration] | None) -> None:
            if changes:
                others = len(targets) - len(changes)
                self.show_notice(verbs.configure(self.supervisor, changes, others))

        self.push_screen(ConfigureDialog(self.look, models), send)

    def _key_label(self, action: str) -> str:
        """What is pressed for a verb."""
        return self.look.key_hint(Scope.JOBS, action)

    def _status_of(self, job: JobId) -> JobStatus:
        return self.state.job_states[job].status

    # --- the queue

    def action_remove(self) -> None:
        self.show_notice(self.queue_editor.remove(self.targets))

    def action_shift(self, by: int) -> None:
        self.show_notice(self.queue_editor.move_in_queue(self.targets, by))

    def action_allow(self, by: int) -> None:
        self.show_notice(self.queue_editor.change_concurrency(by))

    def action_undo(self) -> None:
        self.show_notice(self.queue_editor.undo())

    def action_add(self, text: str = "") -> None:
        from tui.screens.add_recordings import AddDialog

        dialog = AddDialog(self.look, text, self._picker_folder)
        self.push_screen(
            dialog, lambda files: self._queue_files(files, dialog.folder, dialog.skipped)
        )

    def on_paths_pasted(self, message: PathsPasted) -> None:
        self.action_add(path_input.join_pasted_paths(message.text))

    def _queue_files(
        self, files: list[str] | None, folder: str, skipped: Sequence[tuple[str, str]]
    ) -> None:
        self._picker_folder = folder
        if files:
            self.skipped_paths += skipped
            self.show_notice(
                self.queue_editor.add(files)
                + path_input.skipped_note(skipped, self._key_label("skipped"))
            )

    def announce_skipped(self) -> None:
        """What the command line named in vain, when the desk opens."""
        if self.skipped_paths:
            count = f"{len(self.skipped_paths)} of what was named is skipped"
            first, key = ": ".join(self.skipped_paths[0]), self._key_label("skipped")
            self.show_notice(f"{count}, as {first}; {key} lists all")

    def action_skipped(self) -> None:
        if not self.skipped_paths:
            self.show_notice("Nothing was skipped: every recording that was found is in the table")
            return
        from tui.screens.skipped import SkippedDialog

        self.push_screen(SkippedDialog(self.look, self.skipped_paths))

    # --- exports

    def action_export(self, everything: bool = False) -> None:
        from tui.model.export_choice import ExportChoice
        from tui.model.export_job import export_groups
        from tui.screens.export import ExportDialog

        wanted = list(self.state.job_states) if everything else self.targets
        if not wanted:
            self.show_notice(verbs.NO_ROW_MESSAGE)
            return
        if not any(len(self.state.job_states[job].transcript) for job in wanted):
            self.show_notice("Nothing was heard yet that could be exported")
            return
        offered = export_groups(self.state, [] if everything else wanted)
        first = len(offered) - 1 if everything else 0
        choice = ExportChoice.load(self.settings.export)
        dialog = ExportDialog(self.look, self.state, offered, first, self.run_folder, choice)
        self.push_screen(dialog)
