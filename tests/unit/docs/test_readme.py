"""The README and the pages of the documentation say what the code does."""

import re
from pathlib import Path

import pytest

from tui.cli.registry import COMMANDS
from workers.jobs.events import Outcome
from workers.localserver.parameters import MODE_DEFAULTS

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
MAX_README_LINES = 150

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_readme_is_short() -> None:
    """What the product is, how to start it, and where to read on."""
    assert len(README.splitlines()) <= MAX_README_LINES


def test_every_command_is_there() -> None:
    """The desk is the command without a name."""
    command_line = (ROOT / "docs" / "command-line.md").read_text()
    for name in set(COMMANDS) - {"desk"}:
        assert f"`paceline {name}" in README
        assert f"`paceline {name}" in command_line


def test_every_outcome_is_explained() -> None:
    """And none that does not exist."""
    page = (ROOT / "docs" / "reference" / "events.md").read_text()
    table = page.split("<!-- outcomes -->")[1].split("<!-- /outcomes -->")[0]

    named = re.findall(r"^\| `(\w+)` \| [a-z]", table, re.MULTILINE)
    assert set(named) - {"outcome"} == {outcome.value for outcome in Outcome}


def test_the_silences_of_each_mode_are_there() -> None:
    """They are our own, so nobody can look them up elsewhere."""
    page = (ROOT / "docs" / "engine.md").read_text()
    for mode, rules in MODE_DEFAULTS.items():
        assert f"`{mode.value}` {rules.min_turn_silence} and {rules.max_turn_silence} ms" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    """The site's own check covers only what is in the site."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []
