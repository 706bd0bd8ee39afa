"""Keys as settings change them, and as people read them."""

from collections import Counter

import pytest

from tests.unit.render.test_banner import text
from tui.keys.key_names import keys_display, parse_key_name
from tui.keys.key_table import KEY_BINDINGS, Scope
from tui.keys.keymap import Keymap
from tui.render.help import ALWAYS_LISTED_SCOPES, help_lines
from tui.text.width import cell_width
from tui.theme.roles import Look
from tui.theme.symbols import ASCII, UNICODE, Symbols


@pytest.mark.parametrize(
    ("written", "name", "shown"),
    [
        ("a", "a", "a"),
        ("?", "question_mark", "?"),
        (",", "comma", ","),
        ("+", "plus", "+"),
        ("ü", "ü", "ü"),
        ("ctrl+k", "ctrl+k", "^k"),
        ("alt+x", "alt+x", "Alt-x"),
        ("shift+up", "shift+up", "Shift-↑"),
        ("f5", "f5", "F5"),
        ("pagedown", "pagedown", "PgDn"),
        ("question_mark", "question_mark", "?"),
    ],
)
def test_keys_may_be_called_as_people_do(written: str, name: str, shown: str) -> None:
    """A sign, or the name that Textual has for it."""
    assert name == parse_key_name(written)
    assert shown == keys_display([name])


@pytest.mark.parametrize(
    "written", ["", "esc", "pgdn", "ctrl+", "+a", "ctl+a", "a,b", "a b", " ", "\n"]
)
def test_what_is_no_key_has_no_name(written: str) -> None:
    """A name that is not a key is refused, because nobody could press it."""
    assert parse_key_name(written) is None


def test_every_key_of_the_table_is_one_and_can_be_named_in_settings() -> None:
    """Every key that can be changed has a unique id, and no two keys conflict."""
    ids = [key.id for key in KEY_BINDINGS if not key.priority]

    assert len(set(ids)) == len(ids)
    assert all(ids)
    assert {
        name for key in KEY_BINDINGS for name in key.keys if parse_key_name(name) != name
    } == set()
    assert not list(Keymap().conflicts())


def test_a_changed_key_is_changed_in_its_place_only() -> None:
    """The same action elsewhere keeps its keys."""
    keymap = Keymap({"sessions.move(1)": ("n", "f9")})
    (key,) = [key for key in keymap.bindings_in(Scope.SESSIONS) if key.action == "move(1)"]

    assert (("n", "f9"), "n F9") == (key.keys, key.key_display)
    assert {"sessions.move(1)": "n,f9"} == keymap.textual_keymap
    assert keymap.bindings_in(Scope.WALL) == Keymap().bindings_in(Scope.WALL)


HERE = Keymap().bindings_in(Scope.WALL, Scope.JOBS, Scope.DESK)


@pytest.mark.parametrize("cells", [26, 76, 103, 104, 116, 196])
@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_help_has_every_key_of_here_and_elsewhere(cells: int, symbols: Symbols) -> None:
    """All of what each does, wrapped; no line is wider than the window."""
    lines = [text(line) for line in help_lines(HERE, cells, Keymap(), symbols)]
    words = Counter(word for line in lines for word in line.split())

    assert all(cell_width(line) <= cells for line in lines)
    for key in (*HERE, *Keymap().bindings_in(*ALWAYS_LISTED_SCOPES, Scope.DESK)):
        assert all(words[word] for word in key.description.split())


def test_a_sentence_names_one_key() -> None:
    """The shortest of those that do it, as they are now; arrows where they can be drawn."""
    look = Look(UNICODE, Keymap({"jobs.undo": ("ctrl+z", "U")}))

    assert "U" == look.key_hint(Scope.JOBS, "undo")
    assert "G" == look.key_hint(Scope.TRANSCRIPT, "follow")
    assert "→" == look.key_hint(Scope.PICKING, "open")
    assert "Down" == Look(ASCII).key_hint(Scope.ADDING, "browse")


def test_help_begins_with_here() -> None:
    """Then what the signs and words mean, then the keys of other places; once each."""
    lines = [text(line) for line in help_lines(HERE, 80, Keymap(), UNICODE)]
    told = [line for line in lines if line and not line.startswith(" ")]
    rest = [scope.value for scope in ALWAYS_LISTED_SCOPES if scope is not Scope.WALL]

    assert ["Wall", Scope.JOBS.value, "Desk", "Good to know", "Signs", *rest, "Columns"] == told
    beside = text(help_lines(HERE, 120, Keymap(), UNICODE)[0])
    assert ["Wall", "Good to know"] == [beside[:50].strip(), beside[50:].strip()]
