"""What the architecture page names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
FILE = re.compile(r"`((?:tui|workers|tests)/[\w/]+\.py)`")
WALK_ROWS = re.findall(r"^\| `([\w/]+\.py)` \| (.+) \|$", PAGE, re.MULTILINE)
MAX_FILES = {"One chunk": 16, "One turn": 18}
"""The goal for each walk, so that it stays short."""


def defined_names(path: Path) -> set[str]:
    """Top-level names of a module, and ``Class.method``."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{method.name}"
                for method in node.body
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize(("file", "step"), WALK_ROWS, ids=[file for file, _ in WALK_ROWS])
def test_a_step_of_a_walk_names_what_is_there(file: str, step: str) -> None:
    """The first name of each step is defined in that file."""
    named = re.findall(r"`([A-Za-z_][\w.]*)`", step)

    assert named
    assert named[0] in defined_names(ROOT / file)


def test_every_file_that_is_named_exists() -> None:
    """Wherever the page names one."""
    assert [file for file in FILE.findall(PAGE) if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("walk", MAX_FILES)
def test_a_walk_stays_short(walk: str) -> None:
    """One row a file."""
    section = PAGE.split(f"### {walk}")[1].split("\n### ")[0]

    assert 0 < len(re.findall(r"^\| `[\w/]+\.py`", section, re.MULTILINE)) <= MAX_FILES[walk]


def test_every_room_is_in_the_picture() -> None:
    """Each folder of the two packages, by its name."""
    picture = PAGE.split("```")[1]
    rooms = {
        path.parent.name
        for package in ("tui", "workers")
        for path in (ROOT / package).glob("*/__init__.py")
    }

    assert {room for room in rooms if f"{room}/" not in picture} == set()
