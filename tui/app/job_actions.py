"""The user's verbs: each acts on the marked rows, else on the current one, and says what it did.

The sentences and what they reach are in `verbs` (sessions) and `edits` (the queue).
"""

from collections.abc import Sequence
from pathlib import Path

from textual.app import App

from tui.app.queue_edits import Edits
from tui.config.settings import DeskSettings
from tui.files import path_input
from tui.keys.key_table import Scope
from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import Supervision
from tui.screens.reader import Reading
from tui.theme.roles import Look
from tui.widgets.messages import Dropped
from workers.jobs.job import JobId
from workers.jobs.job_state import Status
from workers.protocol.messages import UpdateConfiguration


class Steering(App[None]):
    """The part of the desk that steers sessions. Dialogs load when asked for: the first screen
    comes sooner."""

    settings: DeskSettings

    def __init__(
        self, state: DeskState, supervisor: Supervision, look: Look, run_folder: Path
    ) -> None:
        super().__init__()
        self.state = state
        self.supervisor = supervisor
        self.look = look
        self.run_folder = run_folder
        self.edits = Edits(state, supervisor, look.keys)
        self.skipped: list[tuple[str, str]] = []
        """What was named and is no recording: its path, and why, in words."""
        self._folder = ""
        """Where the picker was last."""

    def say(self, sentence: str) -> None:
        """Puts a sentence at the foot of the screen."""
        raise NotImplementedError  # the desk does: it has the foot; an App cannot be abstract

    @property
    def targets(self) -> list[JobId]:
        """The marked rows, else the current one; while reading, what is being read."""
        if isinstance(self.screen, Reading):
            return [] if self.state.current is None else [self.state.current]
        return self.state.targets()

    # --- sessions

    def action_cancel(self) -> None:
        targets, state = self.targets, self.state
        live = [job for job in targets if state.histories[job].status.live]
        unasked = [job for job in live if not state.stopping(job)]
        if len(targets) < 2 or not unasked:
            self.say(self.edits.cancel(targets))
            return
        from tui.screens.confirm import Confirming

        asked = f"Cancel {verbs.sessions(len(unasked))} at work?"
        after = f"What was heard is kept; {self._key('retry')} goes on from there."
        dialog = Confirming(self.look, asked, after)
        self.push_screen(dialog, lambda yes: self.say(self.edits.cancel(targets)) if yes else None)

    def action_retry(self) -> None:
        self.say(verbs.retry(self.state, self.supervisor, self.targets))

    def action_retry_failed(self) -> None:
        failed = [job for job in self.state.histories if self._status(job) is Status.FAILED]
        self.say(verbs.retry_failed(self.state, self.supervisor, failed))

    def action_hold(self) -> None:
        self.say(verbs.hold(self.supervisor))

    def action_end_turn(self) -> None:
        self.say(verbs.end_turn(self.supervisor, self.targets))

    def action_configure(self) -> None:
        from tui.screens.live_config import Configuring

        targets = self.targets
        models = {
            job: began.model
            for job in targets
            if self._status(job) is Status.STREAMING
            and (began := self.state.histories[job].began) is not None
        }
        if not models:
            self.say(verbs.nothing(len(targets), "not streaming"))
            return

        def send(changes: dict[JobId, UpdateConfiguration] | None) -> None:
            if changes:
                others = len(targets) - len(changes)
                self.say(verbs.configure(self.supervisor, changes, others))

        self.push_screen(Configuring(self.look, models), send)

    def _key(self, action: str) -> str:
        """What is pressed for a verb."""
        return self.look.key(Scope.JOBS, action)

    def _status(self, job: JobId) -> Status:
        return self.state.histories[job].status

    # --- the queue

    def action_remove(self) -> None:
        self.say(self.edits.remove(self.targets))

    def action_shift(self, by: int) -> None:
        self.say(self.edits.shift(self.targets, by))

    def action_allow(self, by: int) -> None:
        self.say(self.edits.allow(by))

    def action_undo(self) -> None:
        self.say(self.edits.undo())

    def action_add(self, line: str = "") -> None:
        from tui.screens.add_recordings import Adding

        dialog = Adding(self.look, line, self._folder)
        self.push_screen(dialog, lambda files: self._add(files, dialog.folder, dialog.skipped))

    def on_dropped(self, message: Dropped) -> None:
        self.action_add(path_input.dropped(message.text))

    def _add(
        self, files: list[str] | None, folder: str, skipped: Sequence[tuple[str, str]]
    ) -> None:
        self._folder = folder
        if files:
            self.skipped += skipped
            self.say(self.edits.add(files) + path_input.told(skipped, self._key("skipped")))

    def tell_skipped(self) -> None:
        """What the command line named in vain, when the desk opens."""
        if self.skipped:
            count = f"{len(self.skipped)} of what was named is skipped"
            self.say(f"{count}, as {': '.join(self.skipped[0])}; {self._key('skipped')} lists all")

    def action_skipped(self) -> None:
        if not self.skipped:
            self.say("Nothing was skipped: every recording that was found is in the table")
            return
        from tui.screens.skipped import SkippedPaths

        self.push_screen(SkippedPaths(self.look, self.skipped))

    # --- exports

    def action_export(self, everything: bool = False) -> None:
        from tui.model.export_job import Choice, groups
        from tui.screens.export import Exporting

        wanted = list(self.state.histories) if everything else self.targets
        if not wanted:
            self.say(verbs.NOTHING_THERE)
            return
        if not any(len(self.state.histories[job].transcript) for job in wanted):
            self.say("Nothing was heard yet that could be exported")
            return
        offered = groups(self.state, [] if everything else wanted)
        first = len(offered) - 1 if everything else 0
        choice = Choice.recalled(self.settings.export)
        dialog = Exporting(self.look, self.state, offered, first, self.run_folder, choice)
        self.push_screen(dialog)
