"""Where the API key comes from, and the message when there is none."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from tests.support.keyring_backends import BrokenKeyring, FileKeyring, LockedKeyring
from tests.unit.cli.test_run_options import parse_command_line
from tui.cli.run_options import RunOptions
from workers.errors import UsageProblem


@pytest.fixture(autouse=True)
def _variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "fr0m-environment")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("fr0m-file\n")
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def ring(tmp_path: Path) -> Iterator[FileKeyring]:
    """The system's keyring, as far as this process is concerned; still empty."""
    before = keyring.get_keyring()
    ring = FileKeyring()
    ring.file = str(tmp_path / "keyring.json")
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def key(options: RunOptions) -> str:
    assert options.key is not None
    return options.key.reveal()


def test_the_environment_forgets_the_key(file: Path, ring: FileKeyring) -> None:
    """So no child process inherits it, even if another key is used."""
    ring.set_password("paceline", "ASSEMBLYAI_API_KEY", "fr0m-keyring")
    for chosen in ({}, {"local": True}, {"key_file": file}, {"keyring": True}):
        os.environ["ASSEMBLYAI_API_KEY"] = "fr0m-environment"
        parse_command_line(**chosen)

        assert "ASSEMBLYAI_API_KEY" not in os.environ, chosen


def test_one_place_of_a_key_is_enough(file: Path) -> None:
    """Two that are named contradict each other."""
    with pytest.raises(UsageProblem, match="--api-key-file and --keyring"):
        parse_command_line(key_file=file, keyring=True)


# --- a file


def test_a_key_file_wins_over_the_environment(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed, and the key does not show when options end up in a log."""
    chosen = parse_command_line(key_file=file)

    assert key(chosen) == "fr0m-file"
    assert "fr0m-file" not in repr(chosen)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["\ufefffr0m-file", "fr0m-file\r\n\r\n", "  fr0m-file"])
def test_what_an_editor_puts_around_a_key_is_no_part_of_it(file: Path, text: str) -> None:
    """Marks of the byte order, ends of lines, spaces."""
    file.write_bytes(text.encode())

    assert key(parse_command_line(key_file=file)) == "fr0m-file"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"fr0m-file\nfr0m-file\n", "more than a key"),
        (b"KEY = fr0m-file\n", "more than a key"),
        ("fr0m-file".encode("utf-16"), "not a text file"),
        ("fr0m-file\u200b".encode(), "contains invalid characters"),
        (b'"fr0m-file"', "contains invalid characters"),
    ],
)
def test_a_file_that_holds_no_key_is_refused_without_repeating_it(
    file: Path, data: bytes, words: str
) -> None:
    """The sentence says what is wrong; not even the cause of the problem holds what was read."""
    file.write_bytes(data)
    with pytest.raises(UsageProblem, match=words) as refused:
        parse_command_line(key_file=file)

    assert "fr0m-file" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_file_that_others_can_read_gets_a_warning(
    file: Path, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, and the key is used: it may be intended."""
    file.chmod(mode)

    assert key(parse_command_line(key_file=file)) == "fr0m-file"
    out, errors = capsys.readouterr()
    assert "" == out
    assert 1 == errors.count("\n")
    assert f"other users of this machine can read {file}" in errors


# --- a keyring


def test_the_keyring_wins_over_the_environment(ring: FileKeyring) -> None:
    """It is read only with --keyring."""
    ring.set_password("paceline", "ASSEMBLYAI_API_KEY", "fr0m-keyring\n")

    assert key(parse_command_line(keyring=True)) == "fr0m-keyring"
    assert parse_command_line().key is None
    assert parse_command_line(local=True, keyring=True).key is None


def test_a_keyring_without_the_key_is_refused() -> None:
    """The message says how to store it; the key of the environment is not used instead."""
    with pytest.raises(UsageProblem, match="keyring set paceline ASSEMBLYAI_API_KEY"):
        parse_command_line(keyring=True)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (fail.Keyring, "no keyring was found"),
        (LockedKeyring, "is locked"),
        (BrokenKeyring, r"cannot be read \(RuntimeError\)"),
    ],
)
def test_a_keyring_that_fails_is_refused(kind: type[FileKeyring], words: str) -> None:
    """Missing, locked, or broken in its own way."""
    keyring.set_keyring(kind())
    with pytest.raises(UsageProblem, match=words):
        parse_command_line(keyring=True)


def test_the_package_of_keyrings_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words name it; nothing else needs it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageProblem, match=r"pip install 'paceline\[keyring\]'"):
        parse_command_line(keyring=True)
