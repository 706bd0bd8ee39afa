"""The dialog that changes sessions while they stream."""

from collections.abc import Callable, Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.widgets import Input

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model import live_config, verbs
from tui.model.live_config import FIELDS, Typed
from tui.render.transcript_layout import said
from tui.screens.dialog import Dialog
from tui.text.width import clean
from tui.theme.roles import Line, Look, Role
from tui.widgets.painted import Painted
from workers.errors import PacelineError
from workers.jobs.job import JobId
from workers.protocol.configuration import UNCHANGED, allowed, changeable
from workers.protocol.messages import UpdateConfiguration

HINTS = {
    "keyterms_prompt": "commas between; a comma alone for none",
    "min_turn_silence": "ms, 50 to 10000",
    "max_turn_silence": "ms, 50 to 10000",
}


class Field(Input):
    """One line; pasted lines have commas between."""

    def on_paste(self, event: Paste) -> None:
        event.text = ", ".join(line for line in event.text.splitlines() if line.strip())


class Configuring(Dialog[dict[JobId, UpdateConfiguration]]):
    """Gives what each session is to be sent: of what was typed, what its model takes."""

    BINDINGS = key_table.bindings(key_table.of(Scope.CONFIGURING))

    DEFAULT_CSS = """
    Configuring {
        Horizontal { height: 1; margin-top: 1; }
        .label { width: 14; }
        Field, Field:focus { border: none; height: 1; padding: 0; background: $panel; }
        #outcome { margin-top: 1; }
    }
    """

    def __init__(self, look: Look, models: Mapping[JobId, str]) -> None:
        super().__init__(look)
        self._models = models
        self._problem: PacelineError | None = None
        self._note = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Change while streaming"
            box.border_subtitle = self.hints((Scope.CONFIGURING, "submit", "send  Tab next"))
            yield Painted(self.look, self._about, id="about")
            for name, label in FIELDS.items():
                with Horizontal():
                    yield Painted(self.look, self._label(label, name), id=f"{name}-label")
                    yield Field(
                        placeholder=HINTS[name] if self._taken(name) else self._refusal,
                        disabled=not self._taken(name),
                        id=name,
                        select_on_focus=False,
                    )
            yield Painted(self.look, self._outcome, id="outcome")

    def on_mount(self) -> None:
        for painted in self.query("Horizontal Painted"):
            painted.add_class("label")

    def _taken(self, name: str) -> bool:
        return any(name in changeable(model) for model in self._models.values())

    @property
    def _refusal(self) -> str:
        models = ", ".join(sorted({clean(model) for model in self._models.values()}))
        return f"{models} cannot change it"

    def on_input_changed(self) -> None:
        self._problem, self._note = None, ""
        self.query_one("#outcome", Painted).redraw()

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input takes Enter itself, after all that was typed before it

    def action_submit(self) -> None:
        typed = Typed(**{name: self.query_one(f"#{name}", Input).value for name in FIELDS})
        try:
            asked = live_config.changes(typed)
        except PacelineError as problem:
            self._problem = problem
            self.query_one("#outcome", Painted).redraw()
            return
        if asked is None:
            self._note = "Nothing is changed yet."
            self.query_one("#outcome", Painted).redraw()
            return
        each = {job: allowed(asked, model) for job, model in self._models.items()}
        self.dismiss({job: changes for job, changes in each.items() if changes != UNCHANGED})

    # --- lines

    def _about(self, _width: int) -> list[Line]:
        count = verbs.sessions(len(self._models))
        return [[], [(count, Role.STRONG), ("; what is left empty stays as it is", Role.MUTED)]]

    def _label(self, label: str, name: str) -> Callable[[int], list[Line]]:
        role = Role.TEXT if self._taken(name) else Role.FAINT
        return lambda _: [[(label, role)]]

    def _outcome(self, width: int) -> list[Line]:
        if self._problem is None:
            return [[(self._note, Role.LATE)]]
        rows = said(self.look.symbols.warning, clean(self._problem.reason), Role.BAD, width)
        return rows + said(self.look.symbols.hint, clean(self._problem.hint), Role.TEXT, width)
