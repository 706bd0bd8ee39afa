"""``paceline settings``: where they are, what is in force, and a file to begin with."""

from collections.abc import Callable, Iterator

from tui.config import loader
from tui.config.settings import COLUMNS, FASTEST, OUR_THEMES, SLOWEST, DeskSettings
from tui.keys.key_table import KEYS, Scope
from tui.keys.keymap import Keymap
from tui.text.width import clean
from workers.errors import UsageProblem
from workers.exports import FORMATS, Existing


def told(say: Callable[[str], None]) -> None:
    """Says the file and, as it would be written there, what is in force."""
    path, settings = loader.path(), loader.in_force()
    there = "" if path.exists() else " (not there; --create writes it)"
    say(clean(f"# {path}{there}"))
    for line in lines(settings):
        say(clean(line))


def created(say: Callable[[str], None]) -> None:
    """Writes the file with every default in a comment; one that is there stays as it is."""
    path = loader.path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(commented())
    except FileExistsError:
        raise UsageProblem(f"{path} is there already", "It stays as it is.") from None
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written ({error.strerror})") from error
    say(clean(f"Written: {path}"))


def commented() -> str:
    """A file in which every line is a comment, so that it changes nothing."""
    head = "# Paceline's settings. Each line is what is so anyway: take its # away to change it."
    return "\n".join([head, "", *(_as_comment(line) for line in lines(DeskSettings()))]) + "\n"


def _as_comment(line: str) -> str:
    return f"# {line}" if line and not line.startswith(("#", "[")) else line


def lines(settings: DeskSettings) -> Iterator[str]:
    """The settings as lines of TOML, with what else each may be."""
    export = settings.export
    others = ", ".join(OUR_THEMES)
    yield f"theme = {_text(settings.theme)}  # {others}, or one of Textual's"
    yield f"ascii = {_flag(settings.ascii)}  # true: no signs but ASCII"
    yield f"refresh = {settings.refresh:g}  # seconds between two looks, {FASTEST} to {SLOWEST:g}"
    shown = [column.name.lower() for column in COLUMNS if column in settings.columns]
    yield f"columns = {_list(shown)}  # beside the file's name; any may be left out"
    yield ""
    yield "[export]"
    yield f"formats = {_list(export.formats)}  # {', '.join(FORMATS)}"
    yield f"folder = {_text(export.folder)}  # empty: “exports” in the run's folder"
    yield f"together = {_flag(export.together)}  # true: one file for all, in formats that can"
    yield f"existing = {_text(export.existing)}  # {', '.join(each.value for each in Existing)}"
    keymap = Keymap(settings.keys)
    for scope in Scope:
        yield ""
        yield f"[keys.{scope.name.lower()}]"
        for key in keymap(key for key in KEYS if key.scope is scope and key.id):
            yield f"{_text(key.action)} = {_list(key.keys)}  # {key.says}"


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _list(values: tuple[str, ...] | list[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"
