"""Every key of the desk, in one table: bindings, footer, help and palette are made from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from textual.binding import Binding, BindingType


class Scope(Enum):
    """Where a key works; the value is its heading in the help."""

    SESSIONS = "Sessions"
    JOBS = "Jobs"
    TRANSCRIPT = "Transcript"
    READING = "Reading, full screen"
    DESK = "Desk"
    DIALOG = "Dialogs"
    ADDING = "Adding files"
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


KEYS = (
    Key(Scope.SESSIONS, ("down", "j"), "move(1)", "↓ j", "next session"),
    Key(Scope.SESSIONS, ("up", "k"), "move(-1)", "↑ k", "previous session"),
    Key(Scope.SESSIONS, ("pagedown", "ctrl+d"), "page(1)", "PgDn ^d", "a page down"),
    Key(Scope.SESSIONS, ("pageup", "ctrl+u"), "page(-1)", "PgUp ^u", "a page up"),
    Key(Scope.SESSIONS, ("home", "g"), "edge(-1)", "Home g", "first session"),
    Key(Scope.SESSIONS, ("end", "G"), "edge(1)", "End G", "last session"),
    Key(Scope.SESSIONS, ("enter",), "read", "Enter", "read the transcript full screen", "read"),
    Key(Scope.SESSIONS, ("space",), "mark", "Space", "mark for the verbs, and go on", "mark"),
    Key(Scope.SESSIONS, ("tab",), "other_pane", "Tab", "to the transcript beside, and back"),
    Key(Scope.SESSIONS, ("escape",), "back", "Esc", "back to the sessions; takes marks away"),
    Key(Scope.JOBS, ("a",), "add", "a", "add files or folders", "add"),
    Key(Scope.JOBS, ("x",), "cancel", "x", "cancel, keep what was heard; again forces", "cancel"),
    Key(Scope.JOBS, ("r",), "retry", "r", "go on with what broke or was cancelled", "retry"),
    Key(Scope.JOBS, ("e",), "export", "e", "export transcripts to files", "export"),
    Key(Scope.JOBS, ("p",), "hold", "p", "hold new starts, or let them go on", "hold"),
    Key(Scope.TRANSCRIPT, ("down", "j"), "lines(1)", "↓ j", "a line down"),
    Key(Scope.TRANSCRIPT, ("up", "k"), "lines(-1)", "↑ k", "a line up; stops following"),
    Key(Scope.TRANSCRIPT, ("pagedown", "ctrl+d"), "pages(1)", "PgDn ^d", "a page down"),
    Key(Scope.TRANSCRIPT, ("pageup", "ctrl+u"), "pages(-1)", "PgUp ^u", "a page up"),
    Key(Scope.TRANSCRIPT, ("home", "g"), "beginning", "Home g", "the beginning"),
    Key(Scope.TRANSCRIPT, ("end", "G"), "follow", "End G", "the end, and follow it"),
    Key(Scope.READING, ("escape", "enter"), "back", "Esc", "back to the sessions", "back"),
    Key(Scope.READING, ("left", "h"), "neighbour(-1)", "← h", "the session before", "previous"),
    Key(Scope.READING, ("right", "l"), "neighbour(1)", "→ l", "the session after", "next"),
    Key(Scope.DESK, ("question_mark", "f1"), "help", "?", "keys and signs", "help"),
    Key(Scope.DESK, ("ctrl+p",), "command_palette", "^p", "every action by name"),
    Key(Scope.DESK, ("q",), "quit", "q", "leave: sessions end politely; again forces", "quit"),
    Key(Scope.DESK, ("ctrl+c", "ctrl+q"), "quit", "^c", "the same, also in a dialog", "", True),
    Key(Scope.DIALOG, ("escape",), "close", "Esc", "close", "close"),
    Key(Scope.ADDING, ("enter",), "submit", "Enter", "add what the path names", "add"),
    Key(Scope.ADDING, ("tab",), "complete", "Tab", "complete the path", "complete"),
    Key(Scope.EXPORTING, ("enter",), "write", "Enter", "write the files", "write"),
    Key(Scope.EXPORTING, ("t",), "choose('txt')", "t", "plain text"),
    Key(Scope.EXPORTING, ("s",), "choose('srt')", "s", "SubRip subtitles"),
    Key(Scope.EXPORTING, ("v",), "choose('vtt')", "v", "WebVTT subtitles"),
    Key(Scope.EXPORTING, ("j",), "choose('json')", "j", "JSON with every word"),
    Key(Scope.EXPORTING, ("c",), "choose('csv')", "c", "a table, one turn a line"),
    Key(Scope.EXPORTING, ("down",), "move(1)", "↓", "next choice"),
    Key(Scope.EXPORTING, ("up",), "move(-1)", "↑", "previous choice"),
    Key(Scope.EXPORTING, ("space",), "choose_here", "Space", "choose, or not", "choose"),
    Key(Scope.EXPORTING, ("o",), "replace", "o", "replace files that exist"),
    Key(Scope.HELP, ("question_mark", "f1", "q", "enter"), "close", "?", "close"),
    Key(Scope.HELP, ("down", "j"), "lines(1)", "↓ j", "a line down"),
    Key(Scope.HELP, ("up", "k"), "lines(-1)", "↑ k", "a line up"),
    Key(Scope.HELP, ("pagedown", "ctrl+d"), "lines(12)", "PgDn ^d", "down"),
    Key(Scope.HELP, ("pageup", "ctrl+u"), "lines(-12)", "PgUp ^u", "up"),
)


def of(*scopes: Scope) -> list[Key]:
    """The keys that work there, in the order of the scopes."""
    return [key for scope in scopes for key in KEYS if key.scope is scope]


def bindings(keys: Iterable[Key]) -> list[BindingType]:
    """As Textual wants them."""
    return [
        Binding(",".join(key.keys), key.action, key.says, show=False, priority=key.priority)
        for key in keys
    ]
