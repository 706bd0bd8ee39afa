"""The verbs of a run: the methods that implement the entries of the key table.

`RunActions` has those that only read, so they work on a finished run too. `JobActions` adds those
that control sessions, `ReplayActions` those that move the clock of a replay. A verb's action in
`tui.keys.key_table` is the name of such a method, with its arguments.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from pathlib import Path

from textual import actions
from textual.app import App
from textual.events import Click

from tui.config.settings import DeskSettings
from tui.keys.key_table import KeyBinding, Needs, Scope
from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.listening import Listening
from tui.model.run_forecast import RunForecaster
from tui.model.wall import Wall
from tui.theme.roles import Look, StyledLine
from tui.widgets.messages import RedrawRequested
from workers.audio.discovery import SkippedPaths
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.jobs.pair import PairState
from workers.jobs.sent_position import SentPosition
from workers.playback.player import Player
from workers.protocol.endpoint import EndpointKind
from workers.sources.manifest import SourceRules

MAX_TARGETS_LOOKED_AT = 500
"""The footer asks on each tick what is of use; with more marked rows, it takes that for granted."""

_ENDED_EARLY = frozenset(
    {JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.INTERRUPTED, JobStatus.RETRYING}
)


@dataclass(frozen=True, slots=True)
class DeskParts:
    """The parts of the desk that verbs use."""

    app: App[None]
    state: DeskState
    look: Look
    run_folder: Path
    settings: DeskSettings
    rules: SourceRules
    """How names of recordings are understood."""
    endpoint_kind: EndpointKind | None
    """Who runs the endpoint; None in a replay."""
    show_notice: Callable[[str], None]
    """Shows a sentence in the footer."""
    announce_end: Callable[[], None]
    """Shows that all sessions have finished."""
    tick: Callable[[], None]
    """Updates state and screen."""
    forecaster: RunForecaster | None = None
    """Says what further recordings will take; None in a replay."""


class RunActions(ABC):
    """The verbs that work on every run. Dialog modules are imported when a dialog opens, so that
    the first screen appears sooner."""

    scopes: Sequence[Scope]
    """The key scopes of the verbs that this run offers."""

    def __init__(
        self,
        desk: DeskParts,
        sent_position: Callable[[JobId], SentPosition | None] | None = None,
    ) -> None:
        """``sent_position``: what a live session has sent; a finished run has no such function."""
        self.app, self.state, self.look = desk.app, desk.state, desk.look
        self.run_folder, self.settings = desk.run_folder, desk.settings
        self.source_rules = desk.rules
        self.show_notice = desk.show_notice
        self.skipped_paths = SkippedPaths()
        """Paths that are not recordings, of all searches."""
        self.wall_state = Wall(desk.state)
        player = Player(desk.settings.listen.backend)
        self.listening = Listening(desk.state, desk.run_folder, player, sent_position)

    def update(self, now: float) -> None:
        """Updates the state, and what is heard. ``now``: monotonic time in seconds."""
        self.update_state(now)
        self._update_scores(now)
        if notice := self.listening.update():
            self.show_notice(notice)

    def _update_scores(self, now: float) -> None:
        """Takes scores that were computed since the last tick."""
        scores = self.state.scores
        if self.state.update_scores(now):
            from tui.screens.references import ReferencesDialog

            if isinstance(self.app.screen, ReferencesDialog):
                self.app.screen.show_problem()
        for notice in scores.take_notices():
            self.show_notice(notice)

    @abstractmethod
    def update_state(self, now: float) -> None:
        """Updates the state of the jobs."""

    @abstractmethod
    def add_pasted(self, text: str) -> None:
        """Adds recordings whose paths were pasted onto a screen."""

    def footer_bar(self, cells: int) -> list[StyledLine]:
        """The lines above the footer; a live run has none."""
        return []

    def click_footer_bar(self, event: Click) -> None:  # noqa: B027  only some runs have one
        """Handles a click on the first line of the footer."""

    # --- running a verb

    @property
    def targets(self) -> list[JobId]:
        """The jobs that a verb acts on: the one shown full screen, else those of the marked rows,
        else the current one."""
        table = self.state.table
        if not table.is_reading:
            return table.targets()
        return [] if table.current_job is None else [table.current_job]

    def offers(self, verb: KeyBinding) -> bool:
        return verb.scope in self.scopes

    def why_not(self, verb: KeyBinding) -> str:
        """The reason why a verb cannot act now; empty if it can."""
        targets, job_states = self.targets, self.state.job_states
        match verb.needs:
            case Needs.NOTHING | Needs.WAITING:
                return ""
            case Needs.FAILED:
                failed = self.state.status_counts[JobStatus.FAILED]
                return "" if failed else "No session has failed"
            case Needs.SKIPPED:
                return "" if self.skipped_paths else "No path was skipped"
            case Needs.FLEET:
                return "" if self.state.nodes else "All sessions run on this machine"
            case Needs.ANY_TRANSCRIPT:
                any_text = any(len(state.transcript) for state in job_states.values())
                return "" if any_text else "There is no transcript yet"
        if not targets:
            return verbs.NO_ROW_MESSAGE
        chosen = [job_states[job] for job in targets]
        if verb.needs is Needs.TRANSCRIPT and not any(len(state.transcript) for state in chosen):
            return "There is no transcript yet"
        streaming = any(state.status is JobStatus.STREAMING for state in chosen)
        if verb.needs is Needs.STREAMING and not streaming:
            return verbs.nothing_message(len(targets), "not streaming")
        return ""

    def is_of_use(self, verb: KeyBinding) -> bool:
        """Whether a verb would do something now, so that the footer offers it."""
        if verb.needs is Needs.WAITING:
            return not self.state.is_over
        targets = self.targets
        if len(targets) > MAX_TARGETS_LOOKED_AT:
            return True
        if self.why_not(verb):
            return False
        statuses = [self.state.job_states[job].status for job in targets]
        match verb.needs:
            case Needs.UNFINISHED:
                return any(not status.is_finished for status in statuses)
            case Needs.ENDED_EARLY:
                return any(status in _ENDED_EARLY for status in statuses)
        return True

    async def run_verb(self, verb: KeyBinding) -> None:
        """Runs a verb, or shows why it cannot act now."""
        if reason := self.why_not(verb):
            self.show_notice(reason)
            return
        _, method, arguments = actions.parse(verb.action)
        done = getattr(self, method)(*arguments)
        if isawaitable(done):
            await done

    # --- the verbs

    def export(self, everything: bool = False) -> None:
        from tui.model.export_choice import ExportChoice
        from tui.model.export_job import export_groups
        from tui.screens.export import ExportDialog

        groups = export_groups(self.state, [] if everything else self.targets)
        first = len(groups) - 1 if everything else 0
        choice = ExportChoice.load(self.settings.export)
        dialog = ExportDialog(self.look, self.state, groups, first, self.run_folder, choice)
        self.app.push_screen(dialog)

    def unfold(self) -> None:
        pairs = [job for job in self.targets if isinstance(self.state.job_states[job], PairState)]
        if not pairs:
            self.show_notice("Only a call that was split has two halves to show")
            return
        self.state.table.toggle_fold(pairs)
        self.app.post_message(RedrawRequested())

    def skipped(self) -> None:
        from tui.render.file_picker_lines import skipped_lines
        from tui.screens.dialogs import TextDialog

        lines = partial(skipped_lines, self.skipped_paths, self.look.symbols)
        self.app.push_screen(TextDialog(self.look, "Skipped", lines))

    def wall(self) -> None:
        """Opens or closes the wall; closes a transcript that was opened from the wall."""
        from tui.screens.frame import FramedScreen
        from tui.screens.reading_screen import ReadingScreen
        from tui.screens.wall import WallScreen

        top = self.app.screen
        if isinstance(top, WallScreen) or isinstance(self.app.screen_stack[-2:][0], WallScreen):
            self.app.pop_screen()
        elif isinstance(top, FramedScreen):
            wall = WallScreen(self.state, self.look, top.frame, self.wall_state)
            if isinstance(top, ReadingScreen):
                self.app.switch_screen(wall)
            else:
                self.app.push_screen(wall)

    def dashboard(self) -> None:
        """Opens or closes the dashboard."""
        from tui.screens.dashboard import DashboardScreen
        from tui.screens.frame import FramedScreen

        top = self.app.screen
        if isinstance(top, DashboardScreen):
            self.app.pop_screen()
        elif isinstance(top, FramedScreen):
            self.app.push_screen(DashboardScreen(self.state, self.look, top.frame))

    def references(self) -> None:
        from tui.screens.references import ReferencesDialog, reference_path

        def attach(typed: str | None) -> None:
            if typed is not None:
                self.state.scores.attach_references(reference_path(typed))
                self.show_notice("Scoring with these references")

        self.app.push_screen(ReferencesDialog(self.look, self.state.scores), attach)

    def listen(self) -> None:
        """Starts listening to the current session, or stops."""
        from tui.screens.reading_screen import DetailScreen

        screen = self.app.screen
        first_word_ms = screen.detail.first_word_ms if isinstance(screen, DetailScreen) else 0
        self.show_notice(self.listening.toggle(first_word_ms))

    async def copy(self) -> None:
        from tui.app.clipboard import copy_transcripts

        job_states = [self.state.job_states[job].copy() for job in self.targets]
        copied = await asyncio.to_thread(copy_transcripts, job_states, self.run_folder)
        self._put_on_clipboard(copied.text, copied.notice)

    async def copy_path(self) -> None:
        from tui.app.clipboard import copy_trace_paths

        jobs = [id for job in self.targets for id in self.state.session_jobs(job)]
        copied = await asyncio.to_thread(copy_trace_paths, jobs, self.run_folder)
        self._put_on_clipboard(copied.text, copied.notice)

    def _put_on_clipboard(self, text: str, notice: str) -> None:
        if text:
            self.app.copy_to_clipboard(text)
        self.show_notice(notice)
