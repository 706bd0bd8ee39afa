"""The session table: the rows that are shown, drawn line by line, only those that are visible."""

from itertools import islice

from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.strip import Strip

from tui.keys.key_table import Scope
from tui.model.desk_state import Changes, DeskState
from tui.model.row_order import Column
from tui.render import table_head
from tui.render.columns import ALL, MOST_NAME, Columns, columns
from tui.render.table_row import name, row, stance
from tui.text.width import width as cell_width
from tui.theme.roles import Line, Look
from tui.widgets.messages import Ordered, Picked
from tui.widgets.painted import Painted, strip
from tui.widgets.scrolled import Scrolled


class SessionTable(Scrolled):
    """Rows of the state. (DataTable repaints all that is visible when one cell changes.)

    ``shown``: the columns that the user wants to see at all.
    """

    def __init__(
        self, state: DeskState, look: Look, shown: frozenset[Column] = ALL, *, id: str
    ) -> None:
        super().__init__(id=id)
        self._state = state
        self._look = look
        self._shown = shown
        self._longest_name = 0
        self._measured = 0
        """So many names were."""
        self._row = 0
        """Where the current row was last."""
        self._base = Style()
        self._top = 0
        self._columns = Columns(0, 0)

    def show(self, changes: Changes) -> None:
        """Draws what changed; costs as much as there is to see, however many rows there are."""
        if changes.order:
            self._measure()
            self._follow()
        if changes.order or self.columns != self._columns:
            self.refresh()
            return
        top, height = self.scroll_offset.y, self.size.height
        visible = self._state.order[top : top + height]
        for first, rows in _runs([job in changes.jobs for job in visible]):
            self.refresh(Region(0, first, self.size.width, rows))

    def _follow(self) -> None:
        """Rows moved: a current row that was in view stays there; the view ends with the rows."""
        top, height = self.scroll_offset.y, self.size.height
        if top <= self._row < top + height:
            self.show_current()
        last = max(len(self._state.order) - height, 0)
        if self.scroll_offset.y > last:
            self.scroll_to_row(last)
        self._row = self._state.row

    def show_current(self) -> None:
        """Scrolls no further than it takes to see the current row."""
        self._measure()  # rows may just have come back
        self._row = self._state.row
        self.bring_into_view(self._row)

    @property
    def columns(self) -> Columns:
        """What there is room for now."""
        return columns(
            self.scrollable_content_region.width,
            hours=self._state.longest_seconds >= 3600,
            longest_name=self._longest_name,
            tries=self._state.most_attempts > 1,
            shown=self._shown,
        )

    def head_line(self, _width: int) -> list[Line]:
        """The columns' names, for the line above the rows."""
        state, symbols, room = self._state, self._look.symbols, self.columns
        note = table_head.standing(
            state.sorting,
            room,
            symbols,
            marked=len(state.marked),
            frozen=state.frozen,
            newcomers=state.newcomers,
        )
        return [table_head.head(room, symbols, state.sorting, note)]

    def _measure(self) -> None:
        histories = self._state.histories
        if len(histories) < self._measured:  # some were removed
            self._measured = 0
        new = islice(histories.values(), self._measured, None)
        longest = max((cell_width(name(history)) for history in new), default=0)
        self._longest_name = min(MOST_NAME, max(self._longest_name, longest))
        self._measured = len(histories)
        self.hold(max(len(self._state.order), 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many as there are jobs: what stands below does not move while the filter is typed."""
        return max(len(self._state.histories), 1)

    def column_at(self, x: int) -> Column:
        """Whose name stands there in the line above the rows."""
        return table_head.column_at(x, self.columns)

    def on_mount(self) -> None:
        self._measure()

    def on_resize(self, event: Resize) -> None:
        self.refresh()
        self.show_current()

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._state.order):
            self.post_message(Picked(self._state.order[row], twice=event.chain > 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines of one paint; what they share is looked up once, which halves the paint."""
        self._base, self._columns = self.rich_style, self.columns
        self._top = self.scroll_offset.y
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        state, base = self._state, self._base
        width, index = self.cells, y + self._top
        if index >= len(state.order):
            if index == 0 and state.histories:
                back = self._look.keys.shown(Scope.SESSIONS, "back")
                return strip(table_head.nobody(back), self._look, width, base)
            return Strip.blank(width, base)
        job = state.order[index]
        if job == state.current:
            base += self._look.cursor
        stands = stance(state, job)
        line = row(state.histories[job], self._columns, stands, self._look.symbols)
        return strip(line, self._look, width, base)


class Heads(Painted):
    """The line above the rows; a click on a name sorts by it."""

    def __init__(self, look: Look, table: SessionTable, *, id: str) -> None:
        super().__init__(look, table.head_line, id=id)
        self._table = table

    def on_click(self, event: Click) -> None:
        self.post_message(Ordered(self._table.column_at(event.x)))


def _runs(changed: list[bool]) -> list[tuple[int, int]]:
    """Where rows changed that stand together: the first of them, and how many."""
    runs: list[tuple[int, int]] = []
    for y, is_so in enumerate(changed):
        if not is_so:
            continue
        if runs and sum(runs[-1]) == y:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((y, 1))
    return runs
