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
class Key:
    """One thing that keys do."""

    scope: Scope
    keys: tuple[str, ...]
    """As Textual names them; any of them works."""
    action: str
    shown: str
    """The keys as a person reads them."""
    says: str
    """What it does, in help and palette."""
    label: str = ""
    """A word for the footer; empty keeps it out of there."""
    priority: bool = False
    """Before the focused widget sees the key."""

    @property
    def id(self) -> str:
        """What settings call it; empty for what nobody may change, so that none is kept in."""
        return "" if self.priority else f"{self.scope.name.lower()}.{self.action}"


KEYS = (
    Key(Scope.SESSIONS, ("down", "j"), "move(1)", "↓ j", "next session"),
    Key(Scope.SESSIONS, ("up", "k"), "move(-1)", "↑ k", "previous session"),
    Key(Scope.SESSIONS, ("pagedown", "ctrl+d"), "page(1)", "PgDn ^d", "a page down"),
    Key(Scope.SESSIONS, ("pageup", "ctrl+u"), "page(-1)", "PgUp ^u", "a page up"),
    Key(Scope.SESSIONS, ("home", "g"), "edge(-1)", "Home g", "first session"),
    Key(Scope.SESSIONS, ("end", "G"), "edge(1)", "End G", "last session"),
    Key(Scope.SESSIONS, ("enter",), "read", "Enter", "read the transcript full screen", "read"),
    Key(Scope.SESSIONS, ("space",), "mark", "Space", "mark for the verbs, and go on", "mark"),
    Key(Scope.SESSIONS, ("ctrl+a",), "mark_all", "^a", "mark all that are shown; again none"),
    Key(Scope.SESSIONS, ("i",), "invert_marks", "i", "mark the others instead"),
    Key(Scope.SESSIONS, ("slash",), "filter", "/", "show only some: filter as you type", "filter"),
    Key(Scope.SESSIONS, ("s",), "sort", "s", "sort by a column", "sort"),
    Key(Scope.SESSIONS, ("S",), "reverse", "S", "the same order the other way round"),
    Key(Scope.SESSIONS, ("f",), "freeze", "f", "keep rows where they are, or let them move"),
    Key(Scope.SESSIONS, ("tab",), "other_pane", "Tab", "to the transcript beside, and back"),
    Key(Scope.SESSIONS, ("escape",), "back", "Esc", "back; takes marks, then the filter away"),
    Key(Scope.JOBS, ("a",), "add", "a", "add files or folders", "add"),
    Key(Scope.JOBS, ("x",), "cancel", "x", "cancel, keep what was heard; again forces", "cancel"),
    Key(Scope.JOBS, ("r",), "retry", "r", "go on with what broke or was cancelled", "retry"),
    Key(Scope.JOBS, ("R",), "retry_failed", "R", "go on with all that failed"),
    Key(Scope.JOBS, ("e",), "export", "e", "export transcripts to files", "export"),
    Key(Scope.JOBS, ("E",), "export(True)", "E", "export all that was heard"),
    Key(Scope.JOBS, ("p",), "hold", "p", "hold new starts, or let them go on", "hold"),
    Key(Scope.JOBS, ("plus",), "allow(1)", "+", "let one more run at once"),
    Key(Scope.JOBS, ("minus",), "allow(-1)", "-", "let one fewer run at once"),
    Key(Scope.JOBS, ("J",), "shift(1)", "J", "move down in the queue"),
    Key(Scope.JOBS, ("K",), "shift(-1)", "K", "move up in the queue"),
    Key(Scope.JOBS, ("d",), "remove", "d", "take off the table, and out of the queue"),
    Key(Scope.JOBS, ("u",), "undo", "u", "undo the last edit of the queue"),
    Key(Scope.JOBS, ("full_stop",), "end_turn", ".", "end the open turn now"),
    Key(Scope.JOBS, ("c",), "configure", "c", "change key terms or turn silence in mid-stream"),
    Key(Scope.JOBS, ("exclamation_mark",), "skipped", "!", "what was skipped when it was added"),
    Key(Scope.JOBS, ("w",), "wall", "w", "several transcripts side by side, and back", "wall"),
    Key(Scope.JOBS, ("y",), "copy", "y", "copy the transcript to the clipboard", "copy"),
    Key(Scope.JOBS, ("Y",), "copy_path", "Y", "copy the path of the trace"),
    Key(Scope.VIEW, ("1",), "tab('transcript')", "1", "transcript of the session"),
    Key(Scope.VIEW, ("2",), "tab('timing')", "2", "timing: how late its chunks left"),
    Key(Scope.VIEW, ("3",), "tab('events')", "3", "events: all that was said, both ways"),
    Key(Scope.VIEW, ("4",), "tab('job')", "4", "job: file, parameters, attempts, errors"),
    Key(Scope.VIEW, ("left_square_bracket",), "tabs(-1)", "[", "the tab before"),
    Key(Scope.VIEW, ("right_square_bracket",), "tabs(1)", "]", "the next tab"),
    Key(Scope.VIEW, ("t",), "stamps", "t", "time stamps: beginnings, all, none"),
    Key(Scope.TRANSCRIPT, ("down", "j"), "lines(1)", "↓ j", "a line down"),
    Key(Scope.TRANSCRIPT, ("up", "k"), "lines(-1)", "↑ k", "a line up; stops following"),
    Key(Scope.TRANSCRIPT, ("pagedown", "ctrl+d"), "pages(1)", "PgDn ^d", "a page down"),
    Key(Scope.TRANSCRIPT, ("pageup", "ctrl+u"), "pages(-1)", "PgUp ^u", "a page up"),
    Key(Scope.TRANSCRIPT, ("home", "g"), "beginning", "Home g", "the beginning"),
    Key(Scope.TRANSCRIPT, ("end", "G"), "follow", "End G", "the end, and follow it"),
    Key(
        Scope.TRANSCRIPT, ("slash",), "search", "/", "search the words, filter the events", "search"
    ),
    Key(Scope.TRANSCRIPT, ("n",), "found(1)", "n", "the next place found"),
    Key(Scope.TRANSCRIPT, ("N",), "found(-1)", "N", "the place found before"),
    Key(Scope.EVENTS, ("enter",), "unfold", "Enter", "all of this line; again folds it"),
    Key(Scope.SEARCH, ("enter",), "submit", "Enter", "keep it, and go on with n and N", "keep"),
    Key(Scope.SEARCH, ("down",), "found(1)", "↓", "the next place found", "next"),
    Key(Scope.SEARCH, ("up",), "found(-1)", "↑", "the place found before", "previous"),
    Key(Scope.SEARCH, ("escape",), "leave", "Esc", "end it", "end"),
    Key(Scope.READING, ("escape",), "back", "Esc", "back to the sessions", "back"),
    Key(Scope.READING, ("left", "h"), "neighbour(-1)", "← h", "the session before", "previous"),
    Key(Scope.READING, ("right", "l"), "neighbour(1)", "→ l", "the session after", "next"),
    Key(Scope.WALL, ("left", "h"), "step(-1, 0)", "← h", "the tile at the left"),
    Key(Scope.WALL, ("right", "l"), "step(1, 0)", "→ l", "the tile at the right"),
    Key(Scope.WALL, ("up", "k"), "step(0, -1)", "↑ k", "the tile above"),
    Key(Scope.WALL, ("down", "j"), "step(0, 1)", "↓ j", "the tile below"),
    Key(Scope.WALL, ("pagedown", "ctrl+d"), "pages(1)", "PgDn ^d", "the next sessions"),
    Key(Scope.WALL, ("pageup", "ctrl+u"), "pages(-1)", "PgUp ^u", "the sessions before"),
    Key(Scope.WALL, ("home", "g"), "edge(-1)", "Home g", "the first tile of all"),
    Key(Scope.WALL, ("end", "G"), "edge(1)", "End G", "the last tile of all"),
    Key(Scope.WALL, ("enter",), "read", "Enter", "read this session full screen", "read"),
    Key(Scope.WALL, ("s",), "choose", "s", "choose sessions by something else", "choose"),
    Key(Scope.WALL, ("f",), "pin", "f", "keep these sessions, or no longer", "pin"),
    Key(Scope.WALL, ("space",), "mark", "Space", "mark for the verbs, and go on", "mark"),
    Key(Scope.WALL, ("escape",), "back", "Esc", "back to the sessions", "back"),
    Key(Scope.REPLAY, ("p",), "play", "p", "play or pause; at the end, anew", "play"),
    Key(Scope.REPLAY, ("plus",), "faster(1)", "+", "faster: 4 or 16 times", "faster"),
    Key(Scope.REPLAY, ("minus",), "faster(-1)", "-", "slower", "slower"),
    Key(Scope.REPLAY, ("full_stop",), "skip(10)", ".", "10 seconds on", "10 s on"),
    Key(Scope.REPLAY, ("comma",), "skip(-10)", ",", "10 seconds back", "back"),
    Key(Scope.REPLAY, ("greater_than_sign",), "skip(60)", ">", "a minute on"),
    Key(Scope.REPLAY, ("less_than_sign",), "skip(-60)", "<", "a minute back"),
    Key(Scope.REPLAY, ("b",), "beginning_of_run", "b", "to the beginning"),
    Key(Scope.REPLAY, ("B",), "end_of_run", "B", "to the end"),
    Key(Scope.DESK, ("question_mark", "f1"), "help", "?", "keys and signs", "help"),
    Key(Scope.DESK, ("ctrl+p",), "command_palette", "^p", "every action by name"),
    Key(Scope.DESK, ("q",), "quit", "q", "leave: sessions end politely; again forces", "quit"),
    Key(Scope.DESK, ("ctrl+c", "ctrl+q"), "quit", "^c", "the same, also in a dialog", "", True),
    Key(Scope.DIALOG, ("escape",), "close", "Esc", "close", "close"),
    Key(Scope.FILTERING, ("enter",), "keep", "Enter", "to the rows; the filter stays", "keep"),
    Key(Scope.FILTERING, ("escape",), "clear", "Esc", "show all again", "show all"),
    Key(Scope.SORTING, ("o",), "choose('QUEUE')", "o", "queue order"),
    Key(Scope.SORTING, ("s",), "choose('STATE')", "s", "state"),
    Key(Scope.SORTING, ("f",), "choose('FILE')", "f", "file"),
    Key(Scope.SORTING, ("p",), "choose('PROGRESS')", "p", "progress"),
    Key(Scope.SORTING, ("t",), "choose('LEFT')", "t", "time left"),
    Key(Scope.SORTING, ("l",), "choose('LAG')", "l", "lag"),
    Key(Scope.SORTING, ("v",), "choose('LEVEL')", "v", "level: how loud it is"),
    Key(Scope.SORTING, ("a",), "choose('ATTEMPTS')", "a", "attempts"),
    Key(Scope.SORTING, ("w",), "choose('WORDS')", "w", "newest words"),
    Key(Scope.SORTING, ("down", "j"), "move(1)", "↓ j", "next column"),
    Key(Scope.SORTING, ("up", "k"), "move(-1)", "↑ k", "previous column"),
    Key(Scope.SORTING, ("enter", "space"), "choose_here", "Enter", "sort by it", "sort"),
    Key(Scope.ADDING, ("enter",), "submit", "Enter", "add what is named, or open", "add"),
    Key(Scope.ADDING, ("tab",), "complete", "Tab", "complete the path; back to it", "complete"),
    Key(Scope.ADDING, ("down",), "browse", "↓", "into the list"),
    Key(Scope.PICKING, ("down", "j"), "move(1)", "↓ j", "next"),
    Key(Scope.PICKING, ("up", "k"), "move(-1)", "↑ k", "previous; from the first to the path"),
    Key(Scope.PICKING, ("pagedown", "ctrl+d"), "page(1)", "PgDn ^d", "a page down"),
    Key(Scope.PICKING, ("pageup", "ctrl+u"), "page(-1)", "PgUp ^u", "a page up"),
    Key(Scope.PICKING, ("home", "g"), "edge(-1)", "Home g", "first"),
    Key(Scope.PICKING, ("end", "G"), "edge(1)", "End G", "last"),
    Key(Scope.PICKING, ("right", "l"), "open", "→ l", "open the folder"),
    Key(Scope.PICKING, ("left", "h", "backspace"), "up", "← h", "the folder above"),
    Key(Scope.PICKING, ("space",), "mark", "Space", "mark, and go on", "mark"),
    Key(Scope.PICKING, ("ctrl+a",), "mark_all", "^a", "mark every recording here"),
    Key(Scope.CONFIGURING, ("enter",), "submit", "Enter", "send what was typed", "send"),
    Key(Scope.CONFIRMING, ("y",), "confirm", "y", "yes", "yes"),
    Key(Scope.CONFIRMING, ("n", "enter"), "close", "n", "no", "no"),
    Key(Scope.EXPORTING, ("enter",), "write", "Enter", "write the files", "write"),
    Key(Scope.EXPORTING, ("r",), "choose('r')", "r", "which rows"),
    Key(Scope.EXPORTING, ("t",), "choose('txt')", "t", "plain text"),
    Key(Scope.EXPORTING, ("s",), "choose('srt')", "s", "SubRip subtitles"),
    Key(Scope.EXPORTING, ("v",), "choose('vtt')", "v", "WebVTT subtitles"),
    Key(Scope.EXPORTING, ("j",), "choose('json')", "j", "JSON with every word"),
    Key(Scope.EXPORTING, ("c",), "choose('csv')", "c", "a table, one turn a line"),
    Key(Scope.EXPORTING, ("a",), "choose('a')", "a", "one file each, or one for all"),
    Key(Scope.EXPORTING, ("o",), "choose('o')", "o", "files that exist"),
    Key(Scope.EXPORTING, ("f",), "choose('f')", "f", "the folder"),
    Key(Scope.EXPORTING, ("tab",), "complete", "Tab", "to the folder; complete it"),
    Key(Scope.EXPORTING, ("down",), "move(1)", "↓", "next choice"),
    Key(Scope.EXPORTING, ("up",), "move(-1)", "↑", "previous choice"),
    Key(Scope.EXPORTING, ("space",), "choose_here", "Space", "choose, or not", "choose"),
    Key(Scope.EXPORTING, ("y",), "copy", "y", "copy the folder's path"),
    Key(Scope.HELP, ("question_mark", "f1", "q", "enter"), "close", "?", "close"),
    Key(Scope.HELP, ("down", "j"), "lines(1)", "↓ j", "a line down"),
    Key(Scope.HELP, ("up", "k"), "lines(-1)", "↑ k", "a line up"),
    Key(Scope.HELP, ("pagedown", "ctrl+d"), "lines(12)", "PgDn ^d", "down"),
    Key(Scope.HELP, ("pageup", "ctrl+u"), "lines(-12)", "PgUp ^u", "up"),
)

PLACES = (
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


def of(*scopes: Scope) -> list[Key]:
    """The keys that work there, in the order of the scopes."""
    return [key for scope in scopes for key in KEYS if key.scope is scope]


HARMLESS = ("export", "wall", "copy")
"""How the actions of those verbs begin that touch no session."""


def in_replay(keys: Iterable[Key]) -> list[Key]:
    """How a run that was is played, then those of these keys that work on one.

    What steers sessions is none of them.
    """
    left = [key for key in keys if key.scope is not Scope.JOBS or key.action.startswith(HARMLESS)]
    own = [replace(key, says="leave") if key.label == "quit" else key for key in left]
    return [*of(Scope.REPLAY), *own]


def bindings(keys: Iterable[Key]) -> list[BindingType]:
    """As Textual wants them."""
    return [
        Binding(
            ",".join(key.keys),
            key.action,
            key.says,
            show=False,
            priority=key.priority,
            id=key.id or None,
        )
        for key in keys
    ]
