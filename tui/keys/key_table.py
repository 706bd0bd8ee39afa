"""Every key of the desk, in one table: bindings, footer, help and palette are made from it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from textual.binding import Binding, BindingType


class Scope(Enum):
    """Where a key works; the value is its heading in the help."""

    SESSIONS = "Sessions"
    JOBS = "Jobs"
    VIEW = "One session"
    TRANSCRIPT = "In a tab of a session"
    EVENTS = "In its events"
    SEARCH = "Searching"
    READING = "Reading, full screen"
    WALL = "Wall"
    REPLAY = "Looking back at a run"
    DESK = "Desk"
    DIALOG = "Dialogs"
    FILTERING = "Filtering"
    SORTING = "Sorting"
    ADDING = "Adding files"
    PICKING = "Adding files, in the list"
    CONFIGURING = "Changing sessions"
    CONFIRMING = "Questions"
    EXPORTING = "Exporting"
    HELP = "Help"


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """One thing that keys do."""

    scope: Scope
    keys: tuple[str, ...]
    """As Textual names them; any of them works."""
    action: str
    key_display: str
    """The keys as a person reads them."""
    description: str
    """What it does, in help and palette."""
    footer_label: str = ""
    """A word for the footer; empty keeps it out of there."""
    priority: bool = False
    """Before the focused widget sees the key."""

    @property
    def id(self) -> str:
        """What settings call it; empty for what nobody may change, so that none is kept in."""
        return "" if self.priority else f"{self.scope.name.lower()}.{self.action}"


KEY_BINDINGS = (
    KeyBinding(Scope.SESSIONS, ("down", "j"), "move(1)", "↓ j", "next session"),
    KeyBinding(Scope.SESSIONS, ("up", "k"), "move(-1)", "↑ k", "previous session"),
    KeyBinding(Scope.SESSIONS, ("pagedown", "ctrl+d"), "page(1)", "PgDn ^d", "a page down"),
    KeyBinding(Scope.SESSIONS, ("pageup", "ctrl+u"), "page(-1)", "PgUp ^u", "a page up"),
    KeyBinding(Scope.SESSIONS, ("home", "g"), "edge(-1)", "Home g", "first session"),
    KeyBinding(Scope.SESSIONS, ("end", "G"), "edge(1)", "End G", "last session"),
    KeyBinding(
        Scope.SESSIONS, ("enter",), "read", "Enter", "read the transcript full screen", "read"
    ),
    KeyBinding(
        Scope.SESSIONS, ("space",), "mark", "Space", "mark for the verbs, and go on", "mark"
    ),
    KeyBinding(
        Scope.SESSIONS, ("ctrl+a",), "mark_all", "^a", "mark all that are shown; again none"
    ),
    KeyBinding(Scope.SESSIONS, ("i",), "invert_marks", "i", "mark the others instead"),
    KeyBinding(
        Scope.SESSIONS, ("slash",), "filter", "/", "show only some: filter as you type", "filter"
    ),
    KeyBinding(Scope.SESSIONS, ("s",), "sort", "s", "sort by a column", "sort"),
    KeyBinding(Scope.SESSIONS, ("S",), "reverse", "S", "the same order the other way round"),
    KeyBinding(Scope.SESSIONS, ("f",), "freeze", "f", "keep rows where they are, or let them move"),
    KeyBinding(Scope.SESSIONS, ("tab",), "other_pane", "Tab", "to the transcript beside, and back"),
    KeyBinding(
        Scope.SESSIONS, ("escape",), "back", "Esc", "back; takes marks, then the filter away"
    ),
    KeyBinding(Scope.JOBS, ("a",), "add", "a", "add files or folders", "add"),
    KeyBinding(
        Scope.JOBS, ("x",), "cancel", "x", "cancel, keep what was heard; again forces", "cancel"
    ),
    KeyBinding(Scope.JOBS, ("r",), "retry", "r", "go on with what broke or was cancelled", "retry"),
    KeyBinding(Scope.JOBS, ("R",), "retry_failed", "R", "go on with all that failed"),
    KeyBinding(Scope.JOBS, ("e",), "export", "e", "export transcripts to files", "export"),
    KeyBinding(Scope.JOBS, ("E",), "export(True)", "E", "export all that was heard"),
    KeyBinding(Scope.JOBS, ("p",), "hold", "p", "hold new starts, or let them go on", "hold"),
    KeyBinding(Scope.JOBS, ("plus",), "allow(1)", "+", "let one more run at once"),
    KeyBinding(Scope.JOBS, ("minus",), "allow(-1)", "-", "let one fewer run at once"),
    KeyBinding(Scope.JOBS, ("J",), "shift(1)", "J", "move down in the queue"),
    KeyBinding(Scope.JOBS, ("K",), "shift(-1)", "K", "move up in the queue"),
    KeyBinding(Scope.JOBS, ("d",), "remove", "d", "take off the table, and out of the queue"),
    KeyBinding(Scope.JOBS, ("u",), "undo", "u", "undo the last edit of the queue"),
    KeyBinding(Scope.JOBS, ("full_stop",), "end_turn", ".", "end the open turn now"),
    KeyBinding(
        Scope.JOBS, ("c",), "configure", "c", "change key terms or turn silence in mid-stream"
    ),
    KeyBinding(
        Scope.JOBS, ("exclamation_mark",), "skipped", "!", "what was skipped when it was added"
    ),
    KeyBinding(
        Scope.JOBS, ("w",), "wall", "w", "several transcripts side by side, and back", "wall"
    ),
    KeyBinding(Scope.JOBS, ("y",), "copy", "y", "copy the transcript to the clipboard", "copy"),
    KeyBinding(Scope.JOBS, ("Y",), "copy_path", "Y", "copy the path of the trace"),
    KeyBinding(Scope.VIEW, ("1",), "tab('transcript')", "1", "transcript of the session"),
    KeyBinding(Scope.VIEW, ("2",), "tab('timing')", "2", "timing: how late its chunks left"),
    KeyBinding(Scope.VIEW, ("3",), "tab('events')", "3", "events: all that was said, both ways"),
    KeyBinding(Scope.VIEW, ("4",), "tab('job')", "4", "job: file, parameters, attempts, errors"),
    KeyBinding(Scope.VIEW, ("left_square_bracket",), "tabs(-1)", "[", "the tab before"),
    KeyBinding(Scope.VIEW, ("right_square_bracket",), "tabs(1)", "]", "the next tab"),
    KeyBinding(Scope.VIEW, ("t",), "stamps", "t", "time stamps: beginnings, all, none"),
    KeyBinding(Scope.TRANSCRIPT, ("down", "j"), "lines(1)", "↓ j", "a line down"),
    KeyBinding(Scope.TRANSCRIPT, ("up", "k"), "lines(-1)", "↑ k", "a line up; stops following"),
    KeyBinding(Scope.TRANSCRIPT, ("pagedown", "ctrl+d"), "pages(1)", "PgDn ^d", "a page down"),
    KeyBinding(Scope.TRANSCRIPT, ("pageup", "ctrl+u"), "pages(-1)", "PgUp ^u", "a page up"),
    KeyBinding(Scope.TRANSCRIPT, ("home", "g"), "beginning", "Home g", "the beginning"),
    KeyBinding(Scope.TRANSCRIPT, ("end", "G"), "follow", "End G", "the end, and follow it"),
    KeyBinding(
        Scope.TRANSCRIPT, ("slash",), "search", "/", "search the words, filter the events", "search"
    ),
    KeyBinding(Scope.TRANSCRIPT, ("n",), "found(1)", "n", "the next place found"),
    KeyBinding(Scope.TRANSCRIPT, ("N",), "found(-1)", "N", "the place found before"),
    KeyBinding(Scope.EVENTS, ("enter",), "unfold", "Enter", "all of this line; again folds it"),
    KeyBinding(
        Scope.SEARCH, ("enter",), "submit", "Enter", "keep it, and go on with n and N", "keep"
    ),
    KeyBinding(Scope.SEARCH, ("down",), "found(1)", "↓", "the next place found", "next"),
    KeyBinding(Scope.SEARCH, ("up",), "found(-1)", "↑", "the place found before", "previous"),
    KeyBinding(Scope.SEARCH, ("escape",), "leave", "Esc", "end it", "end"),
    KeyBinding(Scope.READING, ("escape",), "back", "Esc", "back to the sessions", "back"),
    KeyBinding(
        Scope.READING, ("left", "h"), "neighbour(-1)", "← h", "the session before", "previous"
    ),
    KeyBinding(Scope.READING, ("right", "l"), "neighbour(1)", "→ l", "the session after", "next"),
    KeyBinding(Scope.WALL, ("left", "h"), "step(-1, 0)", "← h", "the tile at the left"),
    KeyBinding(Scope.WALL, ("right", "l"), "step(1, 0)", "→ l", "the tile at the right"),
    KeyBinding(Scope.WALL, ("up", "k"), "step(0, -1)", "↑ k", "the tile above"),
    KeyBinding(Scope.WALL, ("down", "j"), "step(0, 1)", "↓ j", "the tile below"),
    KeyBinding(Scope.WALL, ("pagedown", "ctrl+d"), "pages(1)", "PgDn ^d", "the next sessions"),
    KeyBinding(Scope.WALL, ("pageup", "ctrl+u"), "pages(-1)", "PgUp ^u", "the sessions before"),
    KeyBinding(Scope.WALL, ("home", "g"), "edge(-1)", "Home g", "the first tile of all"),
    KeyBinding(Scope.WALL, ("end", "G"), "edge(1)", "End G", "the last tile of all"),
    KeyBinding(Scope.WALL, ("enter",), "read", "Enter", "read this session full screen", "read"),
    KeyBinding(Scope.WALL, ("s",), "choose", "s", "choose sessions by something else", "choose"),
    KeyBinding(Scope.WALL, ("f",), "pin", "f", "keep these sessions, or no longer", "pin"),
    KeyBinding(Scope.WALL, ("space",), "mark", "Space", "mark for the verbs, and go on", "mark"),
    KeyBinding(Scope.WALL, ("escape",), "back", "Esc", "back to the sessions", "back"),
    KeyBinding(Scope.REPLAY, ("p",), "play", "p", "play or pause; at the end, anew", "play"),
    KeyBinding(Scope.REPLAY, ("plus",), "faster(1)", "+", "faster: 4 or 16 times", "faster"),
    KeyBinding(Scope.REPLAY, ("minus",), "faster(-1)", "-", "slower", "slower"),
    KeyBinding(Scope.REPLAY, ("full_stop",), "skip(10)", ".", "10 seconds on", "10 s on"),
    KeyBinding(Scope.REPLAY, ("comma",), "skip(-10)", ",", "10 seconds back", "back"),
    KeyBinding(Scope.REPLAY, ("greater_than_sign",), "skip(60)", ">", "a minute on"),
    KeyBinding(Scope.REPLAY, ("less_than_sign",), "skip(-60)", "<", "a minute back"),
    KeyBinding(Scope.REPLAY, ("b",), "beginning_of_run", "b", "to the beginning"),
    KeyBinding(Scope.REPLAY, ("B",), "end_of_run", "B", "to the end"),
    KeyBinding(Scope.DESK, ("question_mark", "f1"), "help", "?", "keys and signs", "help"),
    KeyBinding(Scope.DESK, ("ctrl+p",), "command_palette", "^p", "every action by name"),
    KeyBinding(
        Scope.DESK, ("q",), "quit", "q", "leave: sessions end politely; again forces", "quit"
    ),
    KeyBinding(
        Scope.DESK, ("ctrl+c", "ctrl+q"), "quit", "^c", "the same, also in a dialog", "", True
    ),
    KeyBinding(Scope.DIALOG, ("escape",), "close", "Esc", "close", "close"),
    KeyBinding(
        Scope.FILTERING, ("enter",), "keep", "Enter", "to the rows; the filter stays", "keep"
    ),
    KeyBinding(Scope.FILTERING, ("escape",), "clear", "Esc", "show all again", "show all"),
    KeyBinding(Scope.SORTING, ("o",), "choose('QUEUE')", "o", "queue order"),
    KeyBinding(Scope.SORTING, ("s",), "choose('STATE')", "s", "state"),
    KeyBinding(Scope.SORTING, ("f",), "choose('FILE')", "f", "file"),
    KeyBinding(Scope.SORTING, ("p",), "choose('PROGRESS')", "p", "progress"),
    KeyBinding(Scope.SORTING, ("t",), "choose('LEFT')", "t", "time left"),
    KeyBinding(Scope.SORTING, ("l",), "choose('LAG')", "l", "lag"),
    KeyBinding(Scope.SORTING, ("v",), "choose('LEVEL')", "v", "level"),
    KeyBinding(Scope.SORTING, ("a",), "choose('ATTEMPTS')", "a", "attempts"),
    KeyBinding(Scope.SORTING, ("w",), "choose('WORDS')", "w", "newest words"),
    KeyBinding(Scope.SORTING, ("down", "j"), "move(1)", "↓ j", "next column"),
    KeyBinding(Scope.SORTING, ("up", "k"), "move(-1)", "↑ k", "previous column"),
    KeyBinding(Scope.SORTING, ("enter", "space"), "choose_here", "Enter", "sort by it", "sort"),
    KeyBinding(Scope.ADDING, ("enter",), "submit", "Enter", "add what is named, or open", "add"),
    KeyBinding(
        Scope.ADDING, ("tab",), "complete", "Tab", "complete the path; back to it", "complete"
    ),
    KeyBinding(Scope.ADDING, ("down",), "browse", "↓", "into the list"),
    KeyBinding(Scope.PICKING, ("down", "j"), "move(1)", "↓ j", "next"),
    KeyBinding(
        Scope.PICKING, ("up", "k"), "move(-1)", "↑ k", "previous; from the first to the path"
    ),
    KeyBinding(Scope.PICKING, ("pagedown", "ctrl+d"), "page(1)", "PgDn ^d", "a page down"),
    KeyBinding(Scope.PICKING, ("pageup", "ctrl+u"), "page(-1)", "PgUp ^u", "a page up"),
    KeyBinding(Scope.PICKING, ("home", "g"), "edge(-1)", "Home g", "first"),
    KeyBinding(Scope.PICKING, ("end", "G"), "edge(1)", "End G", "last"),
    KeyBinding(Scope.PICKING, ("right", "l"), "open", "→ l", "open the folder"),
    KeyBinding(Scope.PICKING, ("left", "h", "backspace"), "up", "← h", "the folder above"),
    KeyBinding(Scope.PICKING, ("space",), "mark", "Space", "mark, and go on", "mark"),
    KeyBinding(Scope.PICKING, ("ctrl+a",), "mark_all", "^a", "mark every recording here"),
    KeyBinding(Scope.CONFIGURING, ("enter",), "submit", "Enter", "send what was typed", "send"),
    KeyBinding(Scope.CONFIRMING, ("y",), "confirm", "y", "yes", "yes"),
    KeyBinding(Scope.CONFIRMING, ("n", "enter"), "close", "n", "no", "no"),
    KeyBinding(Scope.EXPORTING, ("enter",), "write", "Enter", "write the files", "write"),
    KeyBinding(Scope.EXPORTING, ("r",), "choose('r')", "r", "which rows"),
    KeyBinding(Scope.EXPORTING, ("t",), "choose('txt')", "t", "plain text"),
    KeyBinding(Scope.EXPORTING, ("s",), "choose('srt')", "s", "SubRip subtitles"),
    KeyBinding(Scope.EXPORTING, ("v",), "choose('vtt')", "v", "WebVTT subtitles"),
    KeyBinding(Scope.EXPORTING, ("j",), "choose('json')", "j", "JSON with every word"),
    KeyBinding(Scope.EXPORTING, ("c",), "choose('csv')", "c", "a table, one turn a line"),
    KeyBinding(Scope.EXPORTING, ("a",), "choose('a')", "a", "one file each, or one for all"),
    KeyBinding(Scope.EXPORTING, ("o",), "choose('o')", "o", "files that exist"),
    KeyBinding(Scope.EXPORTING, ("f",), "choose('f')", "f", "the folder"),
    KeyBinding(Scope.EXPORTING, ("tab",), "complete", "Tab", "to the folder; complete it"),
    KeyBinding(Scope.EXPORTING, ("down",), "move(1)", "↓", "next choice"),
    KeyBinding(Scope.EXPORTING, ("up",), "move(-1)", "↑", "previous choice"),
    KeyBinding(Scope.EXPORTING, ("space",), "choose_here", "Space", "choose, or not", "choose"),
    KeyBinding(Scope.EXPORTING, ("y",), "copy", "y", "copy the folder's path"),
    KeyBinding(Scope.HELP, ("question_mark", "f1", "q", "enter"), "close", "?", "close"),
    KeyBinding(Scope.HELP, ("down", "j"), "lines(1)", "↓ j", "a line down"),
    KeyBinding(Scope.HELP, ("up", "k"), "lines(-1)", "↑ k", "a line up"),
    KeyBinding(Scope.HELP, ("pagedown", "ctrl+d"), "lines(12)", "PgDn ^d", "down"),
    KeyBinding(Scope.HELP, ("pageup", "ctrl+u"), "lines(-12)", "PgUp ^u", "up"),
)

SCOPE_STACKS = (
    (Scope.SESSIONS, Scope.VIEW, Scope.JOBS, Scope.DESK),
    (Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.JOBS, Scope.DESK),
    (Scope.READING, Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.JOBS, Scope.DESK),
    (Scope.WALL, Scope.JOBS, Scope.DESK),
    (Scope.SESSIONS, Scope.VIEW, Scope.REPLAY, Scope.DESK),
    (Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.REPLAY, Scope.DESK),
    (Scope.READING, Scope.EVENTS, Scope.TRANSCRIPT, Scope.VIEW, Scope.REPLAY, Scope.DESK),
    (Scope.WALL, Scope.REPLAY, Scope.DESK),
    (Scope.FILTERING,),
    (Scope.SEARCH,),
    (Scope.DIALOG, Scope.SORTING),
    (Scope.DIALOG, Scope.ADDING),
    (Scope.DIALOG, Scope.PICKING),
    (Scope.DIALOG, Scope.CONFIGURING),
    (Scope.DIALOG, Scope.CONFIRMING),
    (Scope.DIALOG, Scope.EXPORTING),
    (Scope.DIALOG, Scope.HELP),
)
"""Scopes whose keys work together somewhere: there, none may mean two things."""


def bindings_in(*scopes: Scope) -> list[KeyBinding]:
    """The keys that work there, in the order of the scopes."""
    return [key for scope in scopes for key in KEY_BINDINGS if key.scope is scope]


READ_ONLY_ACTION_PREFIXES = ("export", "wall", "copy")
"""How the actions of those verbs begin that touch no session."""


def replay_bindings(bindings: Iterable[KeyBinding]) -> list[KeyBinding]:
    """How a run that was is played, then those of these keys that work on one.

    What steers sessions is none of them.
    """
    left = [
        key
        for key in bindings
        if key.scope is not Scope.JOBS or key.action.startswith(READ_ONLY_ACTION_PREFIXES)
    ]
    own = [replace(key, description="leave") if key.footer_label == "quit" else key for key in left]
    return [*bindings_in(Scope.REPLAY), *own]


def textual_bindings(key_bindings: Iterable[KeyBinding]) -> list[BindingType]:
    """As Textual wants them."""
    return [
        Binding(
            ",".join(key.keys),
            key.action,
            key.description,
            show=False,
            priority=key.priority,
            id=key.id or None,
        )
        for key in key_bindings
    ]
