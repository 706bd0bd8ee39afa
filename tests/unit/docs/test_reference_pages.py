"""The reference pages that are generated from the code."""

import pytest
from click.testing import CliRunner

from tests.reference_pages import PAGES, REFERENCE_PATH, commands_reference, exit_codes_reference
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import COMMANDS, paceline


def test_every_command_has_its_options() -> None:
    """Each command is a heading, with its usage and a table of options."""
    sections = dict(
        part.split("\n", 1) for part in commands_reference().split("\n## paceline ")[1:]
    )

    assert sections.keys() == {*COMMANDS}
    assert "paceline resume [OPTIONS] [RUN]" in sections["resume"]
    assert "| `--overwrite` | Replace files that already exist. |" in sections["export"]
    assert "| `--start-rate auto\\|N` |" in sections["run"]


def test_a_command_that_ran_changes_no_page() -> None:
    """Click keeps the help option of a command with the names of its first use."""
    CliRunner().invoke(paceline, ["runs", "-h"])

    assert "--help" not in commands_reference()


def test_every_exit_code_is_explained() -> None:
    """The table has a row for each, with its meaning."""
    rows = [line for line in exit_codes_reference().splitlines() if line[:3].strip("| ").isdigit()]

    assert [f"| {code.value} | {code.meaning} | {code.when} |" for code in ExitCode] == rows


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    """``python -m tests.reference_pages`` was run after the last change."""
    assert (REFERENCE_PATH / name).read_text() == PAGES[name]()
