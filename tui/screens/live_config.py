"""The dialog that changes parameters of streaming sessions."""

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.widgets import Input

from tui.keys.key_table import Scope, textual_bindings
from tui.model import live_config, verbs
from tui.model.live_config import LIVE_FIELDS, LiveConfigForm
from tui.render.sentences import wrap_sentence
from tui.screens.dialogs import Dialog
from tui.text.width import clean
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_input import LineInput
from tui.widgets.line_widgets import LineBlock
from workers.errors import PacelineError
from workers.jobs.job import JobId
from workers.protocol.configuration import NO_CHANGES, changeable_fields, supported_changes
from workers.protocol.messages import UpdateConfiguration


class LiveFieldInput(LineInput):
    """An input that turns pasted lines into a comma-separated list."""

    def on_paste(self, event: Paste) -> None:
        event.text = ", ".join(line for line in event.text.splitlines() if line.strip())


class ConfigureDialog(Dialog[dict[JobId, UpdateConfiguration]]):
    """A form that returns each session's changes, if its model in ``models`` supports them."""

    BINDINGS = textual_bindings(Scope.CONFIGURING)

    DEFAULT_CSS = """
    ConfigureDialog {
        Horizontal { height: 1; margin-top: 1; }
        Horizontal LineBlock { width: 14; }
        #outcome { margin-top: 1; }
    }
    """

    def __init__(self, look: Look, models: Mapping[JobId, str]) -> None:
        super().__init__(look)
        self._models = models
        self._problem: PacelineError | None = None
        self._notice = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Change while streaming"
            box.border_subtitle = self.hints((Scope.CONFIGURING, "submit", "send  Tab next"))
            yield LineBlock(self.look, self._intro_lines, id="about")
            models = sorted(set(self._models.values()))
            for field in LIVE_FIELDS:
                supported = any(field.name in changeable_fields(model) for model in models)
                label: StyledLine = [(field.label, Role.TEXT if supported else Role.FAINT)]
                refusal = f"{clean(', '.join(models))} does not support this"
                hint = field.hint if supported else refusal
                with Horizontal():
                    yield self._label(label, f"{field.name}-label")
                    yield LiveFieldInput(placeholder=hint, disabled=not supported, id=field.name)
            yield LineBlock(self.look, self._outcome_lines, id="outcome")

    def _label(self, line: StyledLine, id: str) -> LineBlock:
        return LineBlock(self.look, lambda _: [line], id=id)

    def _show_outcome(self, problem: PacelineError | None, notice: str = "") -> None:
        self._problem, self._notice = problem, notice
        self.query_one("#outcome", LineBlock).redraw()

    def on_input_changed(self) -> None:
        self._show_outcome(None)

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input itself receives Enter, after all text typed before it

    def action_submit(self) -> None:
        names = [field.name for field in LIVE_FIELDS]
        form = LiveConfigForm(**{name: self.query_one(f"#{name}", Input).value for name in names})
        try:
            changes = live_config.parse_form(form)
        except PacelineError as problem:
            self._show_outcome(problem)
            return
        if changes is None:
            self._show_outcome(None, "No changes yet.")
            return
        by_job = {job: supported_changes(changes, model) for job, model in self._models.items()}
        self.dismiss({job: own for job, own in by_job.items() if own != NO_CHANGES})

    def _intro_lines(self, _width: int) -> list[StyledLine]:
        count = verbs.session_count(len(self._models))
        return [[], [(count, Role.STRONG), ("; empty fields change nothing", Role.MUTED)]]

    def _outcome_lines(self, width: int) -> list[StyledLine]:
        if self._problem is None:
            return [[(self._notice, Role.WARNING)]]
        symbols, problem = self.look.symbols, self._problem
        return [
            *wrap_sentence(symbols.warning, clean(problem.reason), Role.ERROR, width),
            *wrap_sentence(symbols.hint, clean(problem.hint), Role.TEXT, width),
        ]
