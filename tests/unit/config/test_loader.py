"""The settings file: what it may contain, and the messages for what it may not."""

import os
import random
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tui.cli import settings_toml
from tui.cli.desk import load_desk_settings
from tui.cli.registry import paceline
from tui.config import loader
from tui.config.settings import DeskSettings, ExportSettings, ListenSettings
from workers.errors import UsageProblem


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file that does not exist yet."""
    monkeypatch.setenv("PACELINE_SETTINGS", str(tmp_path / "my.toml"))
    return tmp_path / "my.toml"


def run(*arguments: str) -> tuple[int, str]:
    """Runs ``paceline settings``; returns its exit code and output."""
    result = CliRunner().invoke(paceline, ["settings", *arguments])
    return result.exit_code, result.output


def test_without_a_file_there_are_defaults() -> None:
    """The file is in the user's config folder and need not exist."""
    assert DeskSettings() == load_desk_settings()
    assert loader.settings_path() == Path.home() / ".config" / "paceline" / "settings.toml"


def test_a_file_can_set_everything(file: Path) -> None:
    """Every setting is loaded, with keys as users write them."""
    file.write_text(
        """
        theme = "nord"
        ascii = true
        refresh = 1
        bell = false
        notify = true
        columns = ["lag", "words"]
        export.formats = ["srt", "csv"]
        export.folder = "~/subtitles"
        export.together = true
        export.existing = "number"
        export.csv_bom = true
        listen.backend = "alsa"
        keys.jobs.cancel = "ctrl+k"
        [keys.sessions]
        "move(1)" = ["down", "%", "f9"]
        """
    )

    assert load_desk_settings() == DeskSettings(
        theme="nord",
        ascii=True,
        refresh=1.0,
        bell=False,
        notify=True,
        columns=frozenset({"lag", "words"}),
        export=ExportSettings(("srt", "csv"), "~/subtitles", True, "number", True),
        listen=ListenSettings("alsa"),
        keys={
            "jobs.cancel": ("ctrl+k",),
            "sessions.move(1)": ("down", "percent_sign", "f9"),
        },
    )


WRONG = {
    "a line that is no TOML": ("\n\na = = 1", 3, "this is not TOML"),
    "a text without an end": ('ascii = true\nx = """\n\n', 2, "this is not TOML"),
    "a line that is none to TOML": ("# a\u2028b\x85\nrefrsh = 1", 2, "no setting"),
    "an unknown setting": ("\nrefrsh = 1", 2, "no setting “refrsh”. Did you mean “refresh”?"),
    "an unknown theme": ('theme = "paceline-lite"', 1, "Did you mean “paceline-light”?"),
    "a theme of another kind": ("theme = 7", 1, "theme must be the name of a theme"),
    "no flag": ('ascii = "yes"', 1, "ascii must be true or false"),
    "too rarely": ("# often\nrefresh = 9", 2, "refresh is 9; it must be from 0.1 to 2 seconds"),
    "too often": ("refresh = 0.01", 1, "refresh is 0.01; it must be from 0.1"),
    "a flag for a number": ("refresh = true", 1, "refresh is true; it must be from 0.1"),
    "an unknown column": ('\ncolumns = [\n"lag",\n"lags",\n]', 2, "no column “lags”"),
    "one column": ('columns = "lag"', 1, "columns must be a list of names"),
    "an unknown format": ('[export]\n\nformats = ["doc"]', 3, "Valid names: txt, srt"),
    "an unknown sound system": ('listen.backend = "tape"', 1, "no sound system “tape”"),
    "an unknown way": ('export = {existing = "eat"}', 1, "no existing “eat”"),
    "a folder that is none": ("[export]\nfolder = 1", 2, "folder must be a path"),
    "no table": ("keys = 3", 1, "keys must be a table. Write [keys]."),
    "no table within one": ("[keys]\njobs = 3", 2, "Write [keys.jobs]."),
    "an unknown place": ('[keys.job]\nadd = "i"', 1, "Did you mean “jobs”?"),
    "an unknown action": ('[keys.jobs]\nad = "i"', 2, "no action “ad”. Did you mean “add”?"),
    "an unknown key": ('[keys.jobs]\nadd = "pgdn"', 2, "there is no key “pgdn”"),
    "half a key": ('[keys.jobs]\nadd = "ctrl+"', 2, "there is no key “ctrl+”"),
    "no key": ("[keys.jobs]\nadd = []", 2, "keys must be a name in quotes"),
    "a number for a key": ("[keys.jobs]\nadd = [1]", 2, "there is no key “1”"),
    "a key that is taken": ('[keys.jobs]\nadd = "q"', 2, "“q” is already used: quit"),
    "a key of another scope": ('[keys.jobs]\nadd = "j"', 2, "“j” is already used: next"),
    "one key for two": (
        '[keys.jobs]\nadd = "ctrl+k"\n\nretry = ["ctrl+k"]',
        4,
        "“^k” is already used: add files",
    ),
    "the way out": ('[keys.jobs]\nadd = "ctrl+c"', 2, "That key is fixed."),
    "to change the way out": ('[keys.desk]\n"quit_now" = "z"', 2, "no action “quit_now”"),
}


@pytest.mark.parametrize(("text", "line", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_with_its_line(
    file: Path, text: str, line: int, words: str
) -> None:
    """The error contains the line and the name of the file."""
    file.write_text(text)
    with pytest.raises(UsageProblem) as problem:
        load_desk_settings()

    assert str(problem.value).startswith(f"{file}, line {line}: ")
    assert words in str(problem.value)


def test_a_file_that_cannot_be_read_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing although it was named, a folder, not UTF-8, too deep, or in an unknown home."""
    with pytest.raises(UsageProblem, match="does not exist"):
        load_desk_settings()
    file.write_bytes(b"ascii = true\n# \xff")
    with pytest.raises(UsageProblem, match="line 2 is not UTF-8"):
        load_desk_settings()
    for endless in ("refresh = " + "9" * 5000, "theme = " + "[" * 5000):
        file.write_text(endless)
        with pytest.raises(UsageProblem, match="cannot be read"):
            load_desk_settings()
    file.unlink()
    file.mkdir()
    with pytest.raises(UsageProblem, match="cannot be read"):
        load_desk_settings()
    monkeypatch.setenv(loader.SETTINGS_VARIABLE, "~no-such-user/settings.toml")
    with pytest.raises(UsageProblem, match="does not exist"):
        load_desk_settings()


def test_the_environment_names_a_theme_before_the_file_does(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The theme of the environment may be Textual's or Paceline's, but must exist."""
    file.write_text('theme = "nord"')
    monkeypatch.setenv("TEXTUAL_THEME", "paceline-light")
    assert "paceline-light" == load_desk_settings().theme

    monkeypatch.setenv("TEXTUAL_THEME", "pacelin")
    with pytest.raises(UsageProblem, match="TEXTUAL_THEME: there is no theme “pacelin”"):
        load_desk_settings()


def test_two_keys_may_change_places(file: Path) -> None:
    """Conflicts are those of the changed keys."""
    file.write_text('[keys.jobs]\ncancel = "a"\nadd = "x"')

    assert {"jobs.cancel": ("a",), "jobs.add": ("x",)} == load_desk_settings().keys


def test_a_created_file_lists_everything_and_changes_nothing(file: Path) -> None:
    """Every line is a comment; uncommented, the lines are the defaults."""
    assert (0, f"Written: {file}\n") == run("--create")
    assert DeskSettings() == load_desk_settings()

    shown = list(settings_toml.settings_lines(DeskSettings()))
    assert all(f"# {line}" in file.read_text() for line in shown if " = " in line)
    file.write_text("\n".join(shown))
    assert {**tomllib.loads(file.read_text())}.keys() == {*DeskSettings.__slots__}
    assert list(settings_toml.settings_lines(load_desk_settings())) == shown


def test_an_existing_file_is_never_overwritten(file: Path) -> None:
    """The user may have edited it."""
    file.write_text("ascii = true")
    code, output = run("--create")

    assert (2, "ascii = true") == (code, file.read_text())
    assert f"{file} already exists" in output


def test_settings_are_printed_with_their_file(file: Path) -> None:
    """The output is a valid settings file; an invalid file gives the exit code for wrong usage."""
    file.write_text('[keys.jobs]\nadd = "?"\n[keys.desk]\nhelp = "f1"\n')
    code, output = run()
    assert 0 == code
    assert output.startswith(f"# {file}\n")
    assert '"add" = ["question_mark"]' in output

    file.write_text("ascii = 3")
    assert (2, f"paceline: {file}, line 1: ascii must be true or false\n") == run()


def _random_toml(chance: random.Random) -> tuple[str, int]:
    """A file with one wrong value, and the line where that begins."""
    lines = ["theme = 'paceline'", "# a comment", "", "ascii = false"]
    wrong = chance.choice((["refresh = 9"], ["refresh = [", "1,", "# two", "2", "]"]))
    long = ["columns = [", *["'lag',"] * chance.randrange(50), "]"]
    parts = [*[[line] for line in lines], long, wrong]
    chance.shuffle(parts)
    before = [line for part in parts[: parts.index(wrong)] for line in part]
    return "\n".join(line for part in parts for line in part), len(before) + 1


def test_the_line_of_a_wrong_value_is_found_among_values_of_many_lines(file: Path) -> None:
    """However long the file is."""
    chance = random.Random(1)
    for _ in range(50):
        text, line = _random_toml(chance)
        file.write_text(text)
        with pytest.raises(UsageProblem, match=f"line {line}: refresh is"):
            loader.load_settings(lambda: ["lag"])


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_is_not_read(file: Path, make: Callable[[Path], None]) -> None:
    """Reading would never end."""
    make(file)
    with pytest.raises(UsageProblem, match="is not a file"):
        loader.load_settings(list)


def test_a_settings_file_may_be_a_link(tmp_path: Path, file: Path) -> None:
    """Many people keep their settings elsewhere. One that is too large is none."""
    kept = tmp_path / "kept.toml"
    kept.write_text("refresh = 0.5")
    file.symlink_to(kept)
    assert loader.load_settings(list).refresh == 0.5

    kept.write_text("# x\n" * 100_000)
    with pytest.raises(UsageProblem, match="is larger than 256 KB"):
        loader.load_settings(list)
