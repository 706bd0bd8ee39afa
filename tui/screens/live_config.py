"""The dialog that changes parameters of streaming sessions."""

from collections.abc import Mapping
from functools import partial

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
    """Pasted lines become a list with commas."""

    def on_paste(self, event: Paste) -> None:
        event.text = ", ".join(line for line in event.text.splitlines() if line.strip())


class ConfigureDialog(Dialog[dict[JobId, UpdateConfiguration]]):
    """Returns the changes for each session, as far as its model supports them.

    ``models``: the speech model of each session.
    """

    BINDINGS = textual_bindings(Scope.CONFIGURING)

    DEFAULT_CSS = """
    ConfigureDialog {
        Horizontal { height: 1; margin-top: 1; }
        .label { width: 14; }
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
            for field in LIVE_FIELDS:
                supported = self._is_supported(field.name)
                label = partial(
                    self._label_lines, field.label, Role.TEXT if supported else Role.FAINT
                )
                with Horizontal():
                    yield LineBlock(self.look, label, id=f"{field.name}-label")
                    yield LiveFieldInput(
                        placeholder=field.hint if supported else self._unsupported_text,
                        disabled=not supported,
                        id=field.name,
                    )
            yield LineBlock(self.look, self._outcome_lines, id="outcome")

    def on_mount(self) -> None:
        for painted in self.query("Horizontal LineBlock"):
            painted.add_class("label")

    def _is_supported(self, field: str) -> bool:
        return any(field in changeable_fields(model) for model in self._models.values())

    @property
    def _unsupported_text(self) -> str:
        models = ", ".join(sorted({clean(model) for model in self._models.values()}))
        return f"{models} cannot change it"

    def on_input_changed(self) -> None:
        self._problem, self._notice = None, ""
        self.query_one("#outcome", LineBlock).redraw()

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input itself receives Enter, after all text typed before it

    def action_submit(self) -> None:
        names = [field.name for field in LIVE_FIELDS]
        form = LiveConfigForm(**{name: self.query_one(f"#{name}", Input).value for name in names})
        try:
            changes = live_config.parse_form(form)
        except PacelineError as problem:
            self._problem = problem
            self.query_one("#outcome", LineBlock).redraw()
            return
        if changes is None:
            self._notice = "No changes yet."
            self.query_one("#outcome", LineBlock).redraw()
            return
        by_job = {job: supported_changes(changes, model) for job, model in self._models.items()}
        self.dismiss({job: own for job, own in by_job.items() if own != NO_CHANGES})

    # --- lines

    def _intro_lines(self, _width: int) -> list[StyledLine]:
        count = verbs.session_count(len(self._models))
        return [[], [(count, Role.STRONG), ("; empty fields change nothing", Role.MUTED)]]

    def _label_lines(self, label: str, role: Role, _width: int) -> list[StyledLine]:
        return [[(label, role)]]

    def _outcome_lines(self, width: int) -> list[StyledLine]:
        if self._problem is None:
            return [[(self._notice, Role.WARNING)]]
        rows = wrap_sentence(
            self.look.symbols.warning, clean(self._problem.reason), Role.ERROR, width
        )
        return rows + wrap_sentence(
            self.look.symbols.hint, clean(self._problem.hint), Role.TEXT, width
        )
