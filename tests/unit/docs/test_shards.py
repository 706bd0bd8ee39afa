"""The page about several machines says what the program does."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.unit.cli.test_run_options import OPEN_ENDPOINT, parse_command_line
from tui.cli.registry import COMMANDS, paceline
from workers.runs.merge_plan import ConflictKind
from workers.sources.shard import shard_number

PAGE = (Path(__file__).parents[3] / "docs" / "shards.md").read_text()
COMMAND_LINES = re.findall(r"^(?: *- run: )?(paceline .+?)(?: +#.*)?$", PAGE, re.MULTILINE)


def test_other_programs_compute_the_same_shard() -> None:
    """With the code on the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    defined: dict[str, Any] = {}
    exec(code, defined)  # our own page
    for path in ("a.wav", "deep/b.wav", "x\\y.wav", "cafe\u0301.wav", "./q.wav"):
        assert shard_number(path, 8) == defined["shard"](path, 8)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_every_command_line_has_valid_options(line: str) -> None:
    """The examples can be typed as they stand, or copied into a workflow."""
    line = line.replace("${{ matrix.shard }}", "2").replace("runs/*", ".").replace("run-", "")
    name, *arguments = shlex.split(line)[1:]
    command = paceline.get_command(click.Context(paceline), name)
    assert name in COMMANDS
    assert command is not None
    taken = [argument for argument in arguments if argument.startswith("--")]
    known = {name for parameter in command.params for name in parameter.opts}

    assert set(taken) <= known
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0


def test_the_shares_of_limits_are_right() -> None:
    """Those of the table."""
    rows = re.findall(r"^\| `--([a-z-]+) (\d+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 3
    for option, limit, cells in rows:
        name = option.replace("-", "_")
        for number, cell in enumerate(cells.split(" | "), 1):
            limits: dict[str, Any] = {"sessions": 30, name: int(limit), "shard": f"{number}/3"}
            notice = parse_command_line(url=OPEN_ENDPOINT, **limits).shard_notice
            if option == "sessions":
                expected = f"has {cell} of {limit} sessions"
            elif "every" in cell:
                expected = f"a start {cell.removeprefix('one ')}."
            else:
                expected = f"and {cell.split()[0]} of {limit} starts a minute."
            assert expected in notice


def test_every_kind_of_conflict_is_in_the_table() -> None:
    """With what to do about it."""
    table = PAGE.split("| conflict |")[1].split("\n\n")[0]

    assert len(ConflictKind) == len(table.splitlines()) - 2
