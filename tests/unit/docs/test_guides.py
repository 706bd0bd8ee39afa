"""The pages for each task show commands that exist, with options and thresholds that exist."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import click
import pytest

from tui.cli.registry import COMMANDS, paceline
from workers.evaluation.gate import parse_threshold

GUIDES = sorted((Path(__file__).parents[3] / "docs" / "guides").glob("*.md"))


def command_lines() -> list[str]:
    """What the pages' blocks for a shell run of ours."""
    blocks = [
        block
        for page in GUIDES
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    return [line for block in blocks for line in block.splitlines() if line.startswith("paceline ")]


def test_each_user_has_a_page() -> None:
    """Batch, CI, evaluation, fleet and monitoring."""
    assert [page.stem for page in GUIDES] == ["batch", "ci", "evaluation", "fleet", "monitoring"]


@pytest.mark.parametrize("line", command_lines())
def test_a_command_of_a_page_exists(line: str) -> None:
    """Its words are taken as a user's would be; nothing is started."""
    _, *words = shlex.split(line)
    name, arguments = (words[0], words[1:]) if words[0] in COMMANDS else ("desk", words)
    context = click.Context(paceline)
    command = paceline.get_command(context, name)
    assert command is not None

    known = {name for option in command.params for name in option.opts}
    assert {word for word in arguments if word.startswith("--")} <= known


@pytest.mark.parametrize("line", [line for line in command_lines() if "--fail-if" in line])
def test_a_threshold_of_a_page_can_be_read(line: str) -> None:
    """Those of `compare` are about a difference."""
    words = shlex.split(line)
    for option, text in pairwise(words):
        if option == "--fail-if":
            parse_threshold(text, is_delta=words[1] == "compare")
