"""All actions of the desk: keys, description, footer label, and when each action is available.

Bindings, footer, command palette, help, settings and the reference page read these entries.
Verbs, the actions of `Scope.JOBS` and `Scope.REPLAY`, are methods of `tui.app.run_actions` and
its two subclasses. All other actions are ``action_…`` methods of a screen or widget.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial

from textual.binding import Binding, BindingType

from tui.keys.key_names import keys_display


class Scope(Enum):
    """The part of the UI where a key works; the value is its heading in the help."""

    SESSIONS = "In the table"
    JOBS = "Sessions and recordings"
    VIEW = "One session"
    TRANSCRIPT = "In a tab of a session"
    EVENTS = "In the events tab"
    SEARCH = "Searching"
    READING = "Reading, full screen"
    WALL = "Wall"
    DASHBOARD = "Dashboard"
    NODES = "Nodes of a fleet"
    REPLAY = "Replaying a run"
    DESK = "Desk"
    DIALOG = "Dialogs"
    FILTERING = "Filtering"
    SORTING = "Sorting"
    ADDING = "Adding files"
    PICKING = "Adding files, in the list"
    CONFIGURING = "Changing sessions"
    CONFIRMING = "Questions"
    EXPORTING = "Exporting"
    ATTACHING = "Attaching references"
    HELP = "Help"


class Needs(Enum):
    """What a verb needs before it can act."""

    NOTHING = "nothing"
    ROWS = "a current or marked row"
    CURRENT = "a current row"
    UNFINISHED = "a session among those rows that has not finished"
    ENDED_EARLY = "a session among those rows that failed or was cancelled"
    WAITING = "a recording that waits, or starts that are held"
    STREAMING = "a streaming session among those rows"
    FAILED = "a failed session"
    TRANSCRIPT = "a transcript of those rows"
    ANY_TRANSCRIPT = "a transcript of any session"
    SKIPPED = "a skipped path"
    FLEET = "a fleet"

    @property
    def acts_on_marks(self) -> bool:
        """Whether the verb acts on the marked rows, if there are any."""
        return self in _OF_MARKED_ROWS


_OF_MARKED_ROWS = frozenset(
    {Needs.ROWS, Needs.UNFINISHED, Needs.ENDED_EARLY, Needs.STREAMING, Needs.TRANSCRIPT}
)


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """One action and the keys that start it."""

    scope: Scope
    keys: tuple[str, ...]  # Textual's names of the keys
    action: str  # the method to call and its arguments; published: settings use it
    description: str  # shown in the help and the command palette
    footer_label: str = ""  # empty: not shown in the footer
    hidden_keys: int = 0  # this many keys at the end are not displayed
    priority: bool = False
    """The key works before the focused widget sees it. Users cannot change it."""
    needs: Needs = Needs.NOTHING
    in_replay: bool = True  # works on a finished run too

    @property
    def id(self) -> str:
        """The action's name in settings; empty if its keys cannot be changed."""
        return "" if self.priority else f"{self.scope.name.lower()}.{self.action}"

    @property
    def key_display(self) -> str:
        """The keys, formatted for display."""
        return _cached_display(self.keys[: len(self.keys) - self.hidden_keys])


_cached_display = lru_cache(maxsize=None)(keys_display)  # called whenever the footer is drawn


def _key(
    scope: Scope,
    keys: str,
    action: str,
    description: str,
    footer_label: str = "",
    needs: Needs = Needs.NOTHING,
    *,
    in_replay: bool = True,
    hidden_keys: int = 0,
    priority: bool = False,
) -> KeyBinding:
    names, label = tuple(keys.split()), footer_label
    return KeyBinding(
        scope, names, action, description, label, hidden_keys, priority, needs, in_replay
    )


_verb = partial(_key, Scope.JOBS, in_replay=False)

KEY_BINDINGS = (
    _key(Scope.SESSIONS, "down j", "move(1)", "next session"),
    _key(Scope.SESSIONS, "up k", "move(-1)", "previous session"),
    _key(Scope.SESSIONS, "pagedown ctrl+d", "page(1)", "page down"),
    _key(Scope.SESSIONS, "pageup ctrl+u", "page(-1)", "page up"),
    _key(Scope.SESSIONS, "home g", "edge(-1)", "first session"),
    _key(Scope.SESSIONS, "end G", "edge(1)", "last session"),
    _key(Scope.SESSIONS, "enter", "read", "read the transcript full screen", "read"),
    _key(Scope.SESSIONS, "space", "mark", "mark the session, go to the next", "mark"),
    _key(Scope.SESSIONS, "ctrl+a", "mark_all", "mark all visible sessions; press again to unmark"),
    _key(Scope.SESSIONS, "i", "invert_marks", "invert the marks"),
    _key(Scope.SESSIONS, "slash", "filter", "filter the sessions as you type", "filter"),
    _key(Scope.SESSIONS, "s", "sort", "sort by a column", "sort"),
    _key(Scope.SESSIONS, "S", "reverse", "reverse the order"),
    _key(Scope.SESSIONS, "f", "freeze", "freeze the order of the rows, or release it"),
    _key(Scope.SESSIONS, "tab", "other_pane", "switch between table and transcript"),
    _key(Scope.SESSIONS, "right_curly_bracket", "resize(1)", "make the table larger"),
    _key(Scope.SESSIONS, "left_curly_bracket", "resize(-1)", "make the table smaller"),
    _key(Scope.SESSIONS, "escape", "back", "go back; clears the marks, then the filter"),
    _verb("a", "add", "add files or folders", "add"),
    _verb(
        "x",
        "cancel",
        "cancel, keep the transcript; press again to force",
        "cancel",
        Needs.UNFINISHED,
    ),
    _verb("r", "retry", "retry failed or cancelled sessions", "retry", Needs.ENDED_EARLY),
    _verb("R", "retry_failed", "retry all failed sessions", "retry failed", Needs.FAILED),
    _verb("e", "export", "export transcripts to files", "export", Needs.TRANSCRIPT, in_replay=True),
    _verb(
        "E",
        "export(True)",
        "export all transcripts",
        "export all",
        Needs.ANY_TRANSCRIPT,
        in_replay=True,
    ),
    _verb("p", "hold", "hold new starts, or release them", "hold", Needs.WAITING),
    _verb("plus", "allow(1)", "run one more session at once"),
    _verb("minus", "allow(-1)", "run one fewer session at once"),
    _verb("J", "shift(1)", "move down in the queue", "", Needs.ROWS),
    _verb("K", "shift(-1)", "move up in the queue", "", Needs.ROWS),
    _verb("d", "remove", "remove from the table and the queue", "", Needs.ROWS),
    _verb("u", "undo", "undo the last change to the queue"),
    _verb("full_stop", "end_turn", "end the current turn now", "", Needs.ROWS),
    _verb("c", "configure", "change key terms or turn silence live", "", Needs.STREAMING),
    _verb("exclamation_mark", "skipped", "list skipped paths", "", Needs.SKIPPED),
    _verb(
        "o",
        "unfold",
        "unfold a split call to its two halves, or fold it",
        "",
        Needs.ROWS,
        in_replay=True,
    ),
    _verb("w", "wall", "show several transcripts side by side, or go back", "wall", in_replay=True),
    _verb("m", "machines", "nodes of the fleet, or go back", "nodes", Needs.FLEET),
    _verb("D", "dashboard", "accuracy and delays of all sessions, or go back", in_replay=True),
    _verb("T", "references", "attach reference texts, to score sessions", in_replay=True),
    _verb("y", "copy", "copy the transcript", "copy", Needs.TRANSCRIPT, in_replay=True),
    _verb("Y", "copy_path", "copy the path of the trace", "", Needs.ROWS, in_replay=True),
    _verb(
        "L",
        "listen",
        "listen to what is sent, or to the recording from a word on; press again to stop",
        "listen",
        Needs.CURRENT,
        in_replay=True,
    ),
    _key(Scope.VIEW, "1", "tab('transcript')", "transcript of the session"),
    _key(Scope.VIEW, "2", "tab('timing')", "timing: how late chunks were sent"),
    _key(Scope.VIEW, "3", "tab('events')", "events: all messages, in both directions"),
    _key(Scope.VIEW, "4", "tab('job')", "recording: file, parameters, attempts, errors"),
    _key(Scope.VIEW, "5", "tab('score')", "score: errors and delays, against a reference"),
    _key(Scope.VIEW, "left_square_bracket", "tabs(-1)", "previous tab"),
    _key(Scope.VIEW, "right_square_bracket", "tabs(1)", "next tab"),
    _key(Scope.VIEW, "t", "stamps", "time stamps: start, details, none"),
    _key(Scope.TRANSCRIPT, "down j", "lines(1)", "line down"),
    _key(Scope.TRANSCRIPT, "up k", "lines(-1)", "line up; stops following"),
    _key(Scope.TRANSCRIPT, "pagedown ctrl+d", "pages(1)", "page down"),
    _key(Scope.TRANSCRIPT, "pageup ctrl+u", "pages(-1)", "page up"),
    _key(Scope.TRANSCRIPT, "home g", "beginning", "go to the start"),
    _key(Scope.TRANSCRIPT, "end G", "follow", "go to the end and follow it"),
    _key(Scope.TRANSCRIPT, "ctrl+right", "words(1)", "next word, to listen from"),
    _key(Scope.TRANSCRIPT, "ctrl+left", "words(-1)", "previous word"),
    _key(Scope.TRANSCRIPT, "slash", "search", "search the tab, or filter the events", "search"),
    _key(Scope.TRANSCRIPT, "n", "found(1)", "next match"),
    _key(Scope.TRANSCRIPT, "N", "found(-1)", "previous match"),
    _key(Scope.EVENTS, "enter", "unfold", "show the whole line; press again to fold"),
    _key(Scope.SEARCH, "enter", "submit", "keep the search; n and N step through matches", "keep"),
    _key(Scope.SEARCH, "down", "found(1)", "next match", "next"),
    _key(Scope.SEARCH, "up", "found(-1)", "previous match", "previous"),
    _key(Scope.SEARCH, "escape", "leave", "end the search", "end"),
    _key(Scope.READING, "escape", "back", "back to the sessions", "back"),
    _key(Scope.READING, "left h", "neighbour(-1)", "previous session", "previous"),
    _key(Scope.READING, "right l", "neighbour(1)", "next session", "next"),
    _key(Scope.WALL, "left h", "step(-1, 0)", "tile to the left"),
    _key(Scope.WALL, "right l", "step(1, 0)", "tile to the right"),
    _key(Scope.WALL, "up k", "step(0, -1)", "tile above"),
    _key(Scope.WALL, "down j", "step(0, 1)", "tile below"),
    _key(Scope.WALL, "pagedown ctrl+d", "pages(1)", "next page of sessions"),
    _key(Scope.WALL, "pageup ctrl+u", "pages(-1)", "previous page of sessions"),
    _key(Scope.WALL, "home g", "edge(-1)", "first tile"),
    _key(Scope.WALL, "end G", "edge(1)", "last tile"),
    _key(Scope.WALL, "enter", "read", "read this session full screen", "read"),
    _key(Scope.WALL, "s", "choose", "change how sessions are chosen", "choose"),
    _key(Scope.WALL, "f", "pin", "pin these sessions, or release them", "pin"),
    _key(Scope.WALL, "space", "mark", "mark the session, go to the next", "mark"),
    _key(Scope.WALL, "escape", "back", "back to the sessions", "back"),
    _key(Scope.DASHBOARD, "down j", "lines(1)", "line down"),
    _key(Scope.DASHBOARD, "up k", "lines(-1)", "line up"),
    _key(Scope.DASHBOARD, "pagedown ctrl+d", "pages(1)", "page down"),
    _key(Scope.DASHBOARD, "pageup ctrl+u", "pages(-1)", "page up"),
    _key(Scope.DASHBOARD, "home g", "edge(-1)", "to the top"),
    _key(Scope.DASHBOARD, "end G", "edge(1)", "to the end"),
    _key(Scope.DASHBOARD, "tab", "group", "group by the next column", "group"),
    _key(Scope.DASHBOARD, "escape", "back", "back to the sessions", "back"),
    _key(Scope.NODES, "down j", "move(1)", "next node"),
    _key(Scope.NODES, "up k", "move(-1)", "previous node"),
    _key(Scope.NODES, "enter", "show_sessions", "show its sessions in the table", "sessions"),
    _key(Scope.NODES, "z", "drain", "drain the node, or give it sessions again", "drain"),
    _key(Scope.NODES, "escape", "back", "back to the sessions", "back"),
    _key(Scope.REPLAY, "p", "play", "play or pause; at the end, play from the start", "play"),
    _key(Scope.REPLAY, "plus", "faster(1)", "faster: 4 or 16 times", "faster"),
    _key(Scope.REPLAY, "minus", "faster(-1)", "slower", "slower"),
    _key(Scope.REPLAY, "full_stop", "skip(10)", "10 seconds forward", "forward"),
    _key(Scope.REPLAY, "comma", "skip(-10)", "10 seconds back", "back"),
    _key(Scope.REPLAY, "greater_than_sign", "skip(60)", "a minute forward"),
    _key(Scope.REPLAY, "less_than_sign", "skip(-60)", "a minute back"),
    _key(Scope.REPLAY, "b", "beginning_of_run", "go to the start"),
    _key(Scope.REPLAY, "B", "end_of_run", "go to the end"),
    _key(Scope.DESK, "question_mark f1", "help", "keys and symbols", "help", hidden_keys=1),
    _key(Scope.DESK, "ctrl+p", "command_palette", "all actions by name"),
    _key(Scope.DESK, "ctrl+l", "repaint", "draw the screen again"),
    _key(Scope.DESK, "ctrl+z", "suspend", "back to the shell, while sessions go on; “fg” returns"),
    _key(
        Scope.DESK,
        "q",
        "quit",
        "quit; if sessions are live, press again to end them gracefully, once more to force",
        "quit",
    ),
    _key(
        Scope.DESK,
        "ctrl+c ctrl+q",
        "quit_unasked",
        "quit, in dialogs too, ending sessions gracefully; press again to force",
        hidden_keys=1,
        priority=True,
    ),
    _key(Scope.DIALOG, "escape", "close", "close", "close"),
    _key(Scope.FILTERING, "enter", "keep", "go to the rows and keep the filter", "keep"),
    _key(Scope.FILTERING, "escape", "clear", "show all again", "show all"),
    _key(Scope.SORTING, "o", "choose('QUEUE')", "queue order"),
    _key(Scope.SORTING, "s", "choose('STATE')", "state"),
    _key(Scope.SORTING, "f", "choose('FILE')", "file"),
    _key(Scope.SORTING, "p", "choose('PROGRESS')", "progress"),
    _key(Scope.SORTING, "t", "choose('LEFT')", "time left"),
    _key(Scope.SORTING, "l", "choose('LAG')", "lag"),
    _key(Scope.SORTING, "v", "choose('LEVEL')", "level"),
    _key(Scope.SORTING, "e", "choose('WER')", "WER"),
    _key(Scope.SORTING, "i", "choose('TTFT')", "first partial"),
    _key(Scope.SORTING, "d", "choose('EOT')", "end of turn"),
    _key(Scope.SORTING, "y", "choose('VALID')", "validity"),
    _key(Scope.SORTING, "n", "choose('NODE')", "node"),
    _key(Scope.SORTING, "a", "choose('ATTEMPTS')", "attempts"),
    _key(Scope.SORTING, "w", "choose('WORDS')", "newest words"),
    _key(Scope.SORTING, "down j", "move(1)", "next column"),
    _key(Scope.SORTING, "up k", "move(-1)", "previous column"),
    _key(Scope.SORTING, "enter space", "choose_here", "sort by this column", "sort", hidden_keys=1),
    _key(Scope.ADDING, "enter", "submit", "add these recordings, or open the folder", "add"),
    _key(Scope.ADDING, "tab", "complete", "complete the path, or go back to it", "complete"),
    _key(Scope.ADDING, "down", "browse", "go to the list"),
    _key(Scope.PICKING, "down j", "move(1)", "next"),
    _key(Scope.PICKING, "up k", "move(-1)", "previous; from the first row, to the path"),
    _key(Scope.PICKING, "pagedown ctrl+d", "page(1)", "page down"),
    _key(Scope.PICKING, "pageup ctrl+u", "page(-1)", "page up"),
    _key(Scope.PICKING, "home g", "edge(-1)", "first"),
    _key(Scope.PICKING, "end G", "edge(1)", "last"),
    _key(Scope.PICKING, "right l", "open", "open the folder"),
    _key(Scope.PICKING, "left h backspace", "up", "parent folder", hidden_keys=1),
    _key(Scope.PICKING, "space", "mark", "mark, go to the next", "mark"),
    _key(Scope.PICKING, "ctrl+a", "mark_all", "mark every recording here"),
    _key(Scope.CONFIGURING, "enter", "submit", "send the changes", "send"),
    _key(Scope.CONFIRMING, "y", "confirm", "yes", "yes"),
    _key(Scope.CONFIRMING, "n enter", "close", "no", "no", hidden_keys=1),
    _key(Scope.EXPORTING, "enter", "write", "write the files", "write"),
    _key(Scope.EXPORTING, "r", "choose('r')", "which rows"),
    _key(Scope.EXPORTING, "t", "choose('txt')", "plain text"),
    _key(Scope.EXPORTING, "s", "choose('srt')", "SubRip subtitles"),
    _key(Scope.EXPORTING, "v", "choose('vtt')", "WebVTT subtitles"),
    _key(Scope.EXPORTING, "j", "choose('json')", "JSON with every word"),
    _key(Scope.EXPORTING, "c", "choose('csv')", "a table, one turn per line"),
    _key(Scope.EXPORTING, "m", "choose('stm')", "STM for scoring tools"),
    _key(Scope.EXPORTING, "k", "choose('ctm')", "CTM for scoring tools"),
    _key(Scope.EXPORTING, "g", "choose('seglst')", "SegLST for scoring tools"),
    _key(Scope.EXPORTING, "a", "choose('a')", "one file each, or one for all"),
    _key(Scope.EXPORTING, "o", "choose('o')", "what to do with existing files"),
    _key(Scope.EXPORTING, "f", "choose('f')", "the folder"),
    _key(Scope.EXPORTING, "tab", "complete", "go to the folder; complete its path"),
    _key(Scope.EXPORTING, "down", "move(1)", "next choice"),
    _key(Scope.EXPORTING, "up", "move(-1)", "previous choice"),
    _key(Scope.EXPORTING, "space", "choose_here", "choose, or undo the choice", "choose"),
    _key(Scope.EXPORTING, "y", "copy", "copy the folder's path"),
    _key(Scope.ATTACHING, "enter", "submit", "look for references there; again to use them", "use"),
    _key(Scope.ATTACHING, "tab", "complete", "complete the path", "complete"),
    _key(Scope.HELP, "question_mark f1 q", "close", "close", hidden_keys=2),
    _key(Scope.HELP, "slash", "search", "find words in this text", "find"),
    _key(Scope.HELP, "n enter", "found(1)", "next line with them", hidden_keys=1),
    _key(Scope.HELP, "N", "found(-1)", "previous line with them"),
    _key(Scope.HELP, "down j", "lines(1)", "line down"),
    _key(Scope.HELP, "up k", "lines(-1)", "line up"),
    _key(Scope.HELP, "pagedown ctrl+d", "lines(12)", "page down"),
    _key(Scope.HELP, "pageup ctrl+u", "lines(-12)", "page up"),
)

SCOPE_STACKS = (
    (Scope.SESSIONS, Scope.VIEW, Scope.JOBS, Scope.DESK),
    (Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.JOBS, Scope.DESK),
    (Scope.READING, Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.JOBS, Scope.DESK),
    (Scope.WALL, Scope.JOBS, Scope.DESK),
    (Scope.DASHBOARD, Scope.JOBS, Scope.DESK),
    (Scope.NODES, Scope.JOBS, Scope.DESK),
    (Scope.SESSIONS, Scope.VIEW, Scope.REPLAY, Scope.DESK),
    (Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.REPLAY, Scope.DESK),
    (Scope.READING, Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.REPLAY, Scope.DESK),
    (Scope.WALL, Scope.REPLAY, Scope.DESK),
    (Scope.DASHBOARD, Scope.REPLAY, Scope.DESK),
    (Scope.FILTERING,),
    (Scope.SEARCH,),
    (Scope.DIALOG, Scope.SORTING),
    (Scope.DIALOG, Scope.ADDING),
    (Scope.DIALOG, Scope.PICKING),
    (Scope.DIALOG, Scope.CONFIGURING),
    (Scope.DIALOG, Scope.CONFIRMING),
    (Scope.DIALOG, Scope.EXPORTING),
    (Scope.DIALOG, Scope.ATTACHING),
    (Scope.DIALOG, Scope.HELP),
)
"""Groups of scopes that are active together. In each group, a key must have only one meaning."""


def bindings_in(*scopes: Scope) -> list[KeyBinding]:
    """Returns the bindings of these scopes, in the order of the scopes."""
    return [key for scope in scopes for key in KEY_BINDINGS if key.scope is scope]


def textual_bindings(scope: Scope) -> list[BindingType]:
    """Returns a scope's bindings in the form that Textual's ``BINDINGS`` expects."""
    return [
        Binding(
            ",".join(key.keys),
            key.action,
            key.description,
            show=False,
            priority=key.priority,
            id=key.id or None,
        )
        for key in bindings_in(scope)
    ]
