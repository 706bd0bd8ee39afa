"""The dialog that changes sessions while they stream."""

from collections.abc import Callable, Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.widgets import Input

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model import live_config, verbs
from tui.model.live_config import LIVE_FIELD_LABELS, LiveConfigForm
from tui.render.sentences import wrap_sentence
from tui.screens.dialog import Dialog
from tui.text.width import clean
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_widgets import LineBlock
from workers.errors import PacelineError
from workers.jobs.job import JobId
from workers.protocol.configuration import NO_CHANGES, changeable_fields, supported_changes
from workers.protocol.messages import UpdateConfiguration

LIVE_FIELD_HINTS = {
    "keyterms_prompt": "commas between; a comma alone for none",
    "min_turn_silence": "ms, 50 to 10000",
    "max_turn_silence": "ms, 50 to 10000",
}


class LiveFieldInput(Input):
    """One line; pasted lines have commas between."""

    def on_paste(self, event: Paste) -> None:
        event.text = ", ".join(line for line in event.text.splitlines() if line.strip())


class ConfigureDialog(Dialog[dict[JobId, UpdateConfiguration]]):
    """Gives what each session is to be sent: of what was typed, what its model takes."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.CONFIGURING))

    DEFAULT_CSS = """
    ConfigureDialog {
        Horizontal { height: 1; margin-top: 1; }
        .label { width: 14; }
        LiveFieldInput, LiveFieldInput:focus {
            border: none; height: 1; padding: 0; background: $panel;
        }
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
            for name, label in LIVE_FIELD_LABELS.items():
                with Horizontal():
                    yield LineBlock(self.look, self._label_source(label, name), id=f"{name}-label")
                    yield LiveFieldInput(
                        placeholder=LIVE_FIELD_HINTS[name]
                        if self._is_supported(name)
                        else self._unsupported_text,
                        disabled=not self._is_supported(name),
                        id=name,
                        select_on_focus=False,
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
        self.action_submit()  # the input takes Enter itself, after all that was typed before it

    def action_submit(self) -> None:
        typed = LiveConfigForm(
            **{name: self.query_one(f"#{name}", Input).value for name in LIVE_FIELD_LABELS}
        )
        try:
            asked = live_config.parse_form(typed)
        except PacelineError as problem:
            self._problem = problem
            self.query_one("#outcome", LineBlock).redraw()
            return
        if asked is None:
            self._notice = "Nothing is changed yet."
            self.query_one("#outcome", LineBlock).redraw()
            return
        each = {job: supported_changes(asked, model) for job, model in self._models.items()}
        self.dismiss({job: changes for job, changes in each.items() if changes != NO_CHANGES})

    # --- lines

    def _intro_lines(self, _width: int) -> list[StyledLine]:
        count = verbs.session_count(len(self._models))
        return [[], [(count, Role.STRONG), ("; what is left empty stays as it is", Role.MUTED)]]

    def _label_source(self, label: str, field: str) -> Callable[[int], list[StyledLine]]:
        role = Role.TEXT if self._is_supported(field) else Role.FAINT
        return lambda _: [[(label, role)]]

    def _outcome_lines(self, width: int) -> list[StyledLine]:
        if self._problem is None:
            return [[(self._notice, Role.WARNING)]]
        rows = wrap_sentence(
            self.look.symbols.warning, clean(self._problem.reason), Role.ERROR, width
        )
        return rows + wrap_sentence(
            self.look.symbols.hint, clean(self._problem.hint), Role.TEXT, width
        )
