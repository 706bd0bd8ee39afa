"""The manual pages are made from the commands."""

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from tui.cli.exit_codes import ExitCode
from tui.cli.registry import COMMANDS, paceline


def page(*arguments: str) -> str:
    result = CliRunner().invoke(paceline, ["man", *arguments])
    assert result.exit_code == ExitCode.DONE, result.output
    return result.stdout


def test_a_page_has_what_the_help_has() -> None:
    """Options by section, examples and exit codes."""
    text = page("run")

    for part in (
        ".SH NAME",
        ".SH WHERE TO STREAM",
        "\\-\\-sessions N",
        ".SH EXAMPLES",
        "\\fB130\\fR",
    ):
        assert part in text
    assert all(
        f"\\fBpaceline\\-{name.replace('-', chr(92) + '-')}\\fR(1)" in page() for name in COMMANDS
    )


def test_all_pages_are_written(tmp_path: Path) -> None:
    """One for each command, and one for the program."""
    page("--into", str(tmp_path / "man1"))

    written = {path.name for path in (tmp_path / "man1").iterdir()}
    assert written == {"paceline.1", *(f"paceline-{name}.1" for name in COMMANDS)}


def test_a_page_needs_a_command_that_exists() -> None:
    """A usage error otherwise."""
    assert CliRunner().invoke(paceline, ["man", "nothing"]).exit_code == ExitCode.USAGE


@pytest.mark.skipif(not shutil.which("groff"), reason="there is no groff")
def test_groff_has_nothing_to_say_of_them(tmp_path: Path) -> None:
    """Neither of requests nor of characters."""
    page("--into", str(tmp_path))
    checked = subprocess.run(
        ["groff", "-k", "-man", "-Tutf8", "-ww", "-z", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
