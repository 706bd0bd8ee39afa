"""The base class of full screens: a banner above the body, a footer below it, and their lines."""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.events import Click, Paste
from textual.screen import Screen

from tui.keys.key_table import KeyBinding, Scope, bindings_in
from tui.model.desk_state import DeskState
from tui.model.first_hint import FirstHint
from tui.model.recording_feed import FeedPhase, RecordingFeed
from tui.model.run_end import RunEnd
from tui.model.shutdown import Shutdown, ShutdownPhase
from tui.model.supervisor_protocol import SupervisorStatus
from tui.model.table_view import Changes
from tui.model.totals import SteadyPace, Totals, totals_in_steps
from tui.render import banner, footer, welcome
from tui.render.banner import Destination, RunStatus
from tui.render.footer import KeyHint, hint_at
from tui.render.panel import first_hint_lines, run_end_lines
from tui.screens.available_actions import keys_in_focus
from tui.text.formats import format_count
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_widgets import LineBlock, StyledWidget
from tui.widgets.messages import PathsPasted, RowSelected
from workers.jobs.job_state import JobStatus

NOTICE_DURATION_S = 5.0
"""Seconds for which a notice replaces the key hints in the footer."""

MIN_TALL_BANNER_ROWS = 20
"""Screens with fewer rows have a banner of one row."""

TOTALS_INTERVAL_S = 1.0
"""Seconds between two computations of the totals, which read the state of every job."""

TOTALS_PAUSE_PER_JOB_S = 0.00015
"""Least time between two computations, for each job: so they take about 2 % of a core at most, also
with 20,000 jobs."""

TOTALS_STEPS = 3
"""Steps of a computation that are taken at once, so that keys need not wait for the rest. They take
one to three milliseconds; a thousand jobs need no more."""

TOTALS_PAUSE_S = 0.1
"""Least seconds between two such steps: a draw after each key must not compute."""


_ONLY_AT_THE_END = ("jobs.retry_failed", "jobs.export(True)")
_FIRST_AT_THE_END = (*_ONLY_AT_THE_END, "sessions.read")
"""What the footer offers first when all sessions have finished."""


def is_too_small(cells: int, rows: int) -> bool:
    """Whether a screen of this size shows only a message that it is too small."""
    return cells < 30 or rows < 6


class ScreenFrame:
    """Builds the lines of banner and footer; holds only the current notice and the totals.
    ``verbs``: the verbs of this run, for the footer. ``footer_bar``: lines above the footer.
    ``feed``: queues recordings that are found while the desk is open. ``is_of_use``: whether a verb
    would do something now."""

    def __init__(
        self,
        state: DeskState,
        supervisor: SupervisorStatus,
        shutdown: Shutdown,
        look: Look,
        destination: Destination,
        verbs: Sequence[KeyBinding] = (),
        footer_bar: Callable[[int], list[StyledLine]] = lambda _: [],
        feed: RecordingFeed | None = None,
        is_of_use: Callable[[KeyBinding], bool] = lambda _: True,
        first_hint: FirstHint | None = None,
    ) -> None:
        self._state, self._supervisor, self._shutdown = state, supervisor, shutdown
        self._look, self._destination = look, destination
        self._verbs, self._footer_bar = verbs, footer_bar
        self._feed, self._is_of_use = feed, is_of_use
        self.first_hint = first_hint
        self.draw_changes: Callable[[], None] = lambda: None
        """Redraws what changed on all screens that are visible; set by the desk."""
        self._pace = SteadyPace()
        self._end: RunEnd | None = None
        """What the run came to, while that is shown."""
        self._notice, self._notice_until = "", 0.0
        self._totals, self._totals_time = Totals(), float("-inf")
        self._totals_counts = Counter[JobStatus]()
        self._totals_due = float("-inf")
        self._totals_steps: Generator[None, None, Totals] | None = None
        """The computation that has begun; None after it has ended."""
        self._next_steps_at = float("-inf")
        """When its next steps may be taken."""

    def show_notice(self, notice: str, now: float) -> None:
        """Shows a sentence in the footer for `NOTICE_DURATION_S`."""
        self._notice, self._notice_until = notice, now + NOTICE_DURATION_S

    def show_sentence(self, sentence: str) -> None:
        """Shows a sentence in the footer from now on."""
        self.show_notice(sentence, monotonic())

    def show_end(self, end: RunEnd) -> None:
        """Shows what the run came to, until `hide_panel` or until a session starts."""
        self._end = end

    def hide_panel(self) -> bool:
        """Hides what the run came to, or else the hint, which then never returns. Returns False if
        neither was shown."""
        was_shown, self._end = self._end is not None, None
        return was_shown or (self.first_hint is not None and self.first_hint.close())

    def end_lines(self, cells: int) -> list[StyledLine]:
        """What the run came to; while sessions stream or wait, the hint for somebody new, if it is
        shown."""
        if self._end is not None and not self._state.is_over:
            self._end = None
        if not cells or not self._state.job_states:
            return []
        if self._end is not None:
            return run_end_lines(self._end, self._state.exported_to, self._look, cells)
        if self.first_hint is not None and self.first_hint.is_shown:
            return first_hint_lines(self._look, cells)
        return []

    @property
    def window_title(self) -> str:
        """How many recordings are done, of how many, and how long the rest takes; the name alone
        while there are none."""
        counts, remaining_s = self._state.status_counts, self._totals.remaining_s
        total = sum(counts.values())
        if not total:
            return banner.PRODUCT_NAME
        finished = sum(count for status, count in counts.items() if status.is_finished)
        left = "" if remaining_s is None else f" {banner.format_rough_duration(remaining_s)}"
        return f"{finished}/{total}{left} {banner.PRODUCT_NAME}"

    def _update_totals(self, now: float) -> None:
        """Recomputes the totals once per `TOTALS_INTERVAL_S`, and when a job changes its status. Of
        many jobs, over the next draws."""
        state, supervisor, counts = self._state, self._supervisor, self._state.status_counts
        due = now - self._totals_time >= TOTALS_INTERVAL_S or counts != self._totals_counts
        if self._totals_steps is None and due and now >= self._totals_due:
            self._totals_time, self._totals_counts = now, counts.copy()
            self._totals_due = now + TOTALS_PAUSE_PER_JOB_S * len(state.job_states)
            self._totals_steps = totals_in_steps(
                state.job_states,
                supervisor.queue,
                supervisor.max_sessions,
                held=supervisor.holding or supervisor.spending.is_reached,
                start_simulator=supervisor.start_simulator(),
                all_job_states=state.all_job_states,
            )
            self._next_steps_at = now
        if self._totals_steps is not None and now >= self._next_steps_at:
            self._next_steps_at = now + TOTALS_PAUSE_S
            try:
                for _ in range(TOTALS_STEPS):
                    next(self._totals_steps)
            except StopIteration as computed:
                self._totals, self._totals_steps = computed.value, None
                self._pace.update(self._totals.pace, now)

    def run_status(self, now: float) -> RunStatus:
        """The numbers of the banner."""
        self._update_totals(now)
        state, supervisor, counts = self._state, self._supervisor, self._state.status_counts
        waiting = counts[JobStatus.QUEUED] + counts[JobStatus.RETRYING]
        live = state.live_session_count
        can_start = waiting and live < supervisor.max_sessions
        next_start = supervisor.next_start_at if can_start else None
        return RunStatus(
            queued=counts[JobStatus.QUEUED],
            live=live,
            retrying=counts[JobStatus.RETRYING],
            done=counts[JobStatus.DONE],
            failed=counts[JobStatus.FAILED],
            cancelled=counts[JobStatus.CANCELLED],
            max_sessions=supervisor.max_sessions,
            starts_held=supervisor.holding,
            next_start_in_s=None if next_start is None else next_start - now,
            totals=self._totals,
            pace=self._pace.shown,
            spending=supervisor.spending,
            interrupted=counts[JobStatus.INTERRUPTED],
            connecting=counts[JobStatus.CONNECTING],
            feed_phase=FeedPhase.ENDED if self._feed is None else self._feed.phase,
            growing_files=0 if self._feed is None else self._feed.growing_count,
        )

    def banner_lines(self, cells: int, rows: int, now: float) -> list[StyledLine]:
        """The one or two rows of the banner: product name, destination and status."""
        symbols, run_status = self._look.symbols, self.run_status(now)
        if rows >= MIN_TALL_BANNER_ROWS:
            return banner.two_line_banner(self._destination, run_status, cells, symbols)
        return [banner.one_line_banner(self._destination, run_status, cells, symbols)]

    def welcome_lines(self, cells: int) -> list[StyledLine]:
        """The lines that are shown instead of an empty table."""
        look = self._look
        return welcome.welcome_lines(self._destination, look.keymap, cells, look.symbols)

    def footer_keys(self, screen_keys: Sequence[KeyBinding]) -> list[KeyBinding]:
        """The keys of the replay, the screen, the jobs and the desk, in this order; but first what
        is needed now: the verbs of marked rows, or what remains to do after the last session."""
        verbs = [verb for verb in self._verbs if verb.footer_label and self._is_of_use(verb)]
        replay = [verb for verb in verbs if verb.scope is Scope.REPLAY]
        others = [verb for verb in verbs if verb.scope is not Scope.REPLAY]
        keys = [*replay, *screen_keys, *others, *bindings_in(Scope.DESK)]
        if self._state.is_over and not replay:
            order = {id: place for place, id in enumerate(_FIRST_AT_THE_END)}
            return sorted(keys, key=lambda key: order.get(key.id, len(order)))
        keys = [key for key in keys if key.id not in _ONLY_AT_THE_END]
        return sorted(keys, key=lambda key: not (self._marked_count and key.needs.acts_on_marks))

    @property
    def _marked_count(self) -> int:
        """How many rows the verbs act on because they are marked; a transcript that is shown full
        screen goes before them."""
        table = self._state.table
        return 0 if table.is_reading else len(table.marked)

    def footer_hints(
        self, bindings: Sequence[KeyBinding], cells: int, now: float
    ) -> list[KeyHint] | None:
        """The keys that the footer shows; None while it shows a sentence instead."""
        if self._shutdown.phase is not ShutdownPhase.RUNNING or now < self._notice_until:
            return None
        if not self._state.job_states:
            bindings = [b for b in bindings if b.action == "add" or b.scope is Scope.DESK]
        return footer.fitting_hints(bindings, cells, self._look.symbols, self._marked_count)

    def footer_lines(
        self, bindings: Sequence[KeyBinding], cells: int, now: float
    ) -> list[StyledLine]:
        """The footer bar, then one line: the progress of quitting, the notice or the keys."""
        symbols = self._look.symbols
        if self._shutdown.phase is not ShutdownPhase.RUNNING:
            key = self._look.keymap.key_display(Scope.DESK, "quit")
            sentence = self._shutdown.status_text(self._state, now, key)
            line = footer.message_line(sentence, Role.ALARM, cells, symbols)
        elif now < self._notice_until:
            line = footer.message_line(self._notice, Role.STRONG, cells, symbols)
        else:
            line = footer.key_hints_line(self.footer_hints(bindings, cells, now) or [])
        return [*self._footer_bar(cells), line]


class FramedScreen(StyledWidget, Screen[None]):
    """A screen with banner and footer around what `compose_body` yields."""

    DEFAULT_CSS = """
    FramedScreen {
        layers: default above;
        overflow: hidden;
        #small { layer: above; width: 100%; height: 100%; background: $background; display: none; }
        &.-small #small { display: block; }
    }
    """

    FOOTER_KEYS: ClassVar[Sequence[KeyBinding]] = ()
    """The screen's own keys, for the footer."""

    def __init__(self, state: DeskState, look: Look, frame: ScreenFrame) -> None:
        super().__init__()
        self.state, self.look, self.frame = state, look, frame

    def compose(self) -> ComposeResult:
        too_small: StyledLine = [("Window too small", Role.ALARM)]
        yield LineBlock(self.look, self._banner_lines, id="banner")
        yield from self.compose_body()
        yield LineBlock(self.look, self.frame.end_lines, id="end")
        yield LineBlock(self.look, self._footer_lines, id="foot")
        yield LineBlock(self.look, lambda _: [too_small], id="small")

    def compose_body(self) -> ComposeResult:
        yield from ()

    def show_changes(self, changes: Changes) -> None:
        """Draws what changed. Called on every tick and after every key."""
        self.set_class(is_too_small(*self.app.size), "-small")
        self.query_one("#banner", LineBlock).redraw()
        self.query_one("#end", LineBlock).redraw()
        self.query_one("#foot", LineBlock).redraw()

    def on_screen_resume(self) -> None:
        """Draws everything, because changes are not shown while another screen covers this one."""
        if self.is_mounted:
            self.show_changes(Changes(frozenset(self.state.job_states), order_changed=True))

    def request_redraw(self) -> None:
        """Redraws now, because the user changed what is shown. A message to the desk would come
        after the next paint, and the one after that is a frame later."""
        self.frame.draw_changes()

    async def on_row_selected(self, message: RowSelected) -> None:
        self.state.table.select(message.job)
        self.request_redraw()
        if message.double_click:
            await self.run_action("read")

    def on_text_selected(self) -> None:
        """Copies what the user has selected with the mouse."""
        if text := self.get_selected_text():
            self.app.copy_to_clipboard(text)
            self.frame.show_notice(f"Copied {format_count(len(text.split()), 'word')}", monotonic())
            self.request_redraw()

    def on_paste(self, event: Paste) -> None:
        self.post_message(PathsPasted(event.text))

    def _banner_lines(self, width: int) -> list[StyledLine]:
        return self.frame.banner_lines(width, self.app.size.height, monotonic())

    def _footer_lines(self, width: int) -> list[StyledLine]:
        return self.frame.footer_lines(self._footer_keys, width, monotonic())

    @property
    def _footer_keys(self) -> list[KeyBinding]:
        keys = self.frame.footer_keys(self.FOOTER_KEYS)
        return keys_in_focus(self.focused, keys, self.look.keymap)

    def on_click(self, event: Click) -> None:
        """Presses a key of the footer that was clicked."""
        foot = self.query_one("#foot", LineBlock)
        if event.widget is not foot or event.y != foot.size.height - 1:
            return
        hints = self.frame.footer_hints(self._footer_keys, foot.size.width, monotonic())
        if hints and (hint := hint_at(hints, event.x)) is not None:
            # by the app, as a key that this screen sends would not get beyond it
            self.app.call_later(self.app.simulate_key, hint.key.keys[0])
