"""A public name stands for one thing in the whole of the code."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[3]
SAME_MEANING = {"main", "T"}
"""Entry points, and type variables of one module each."""


def public_names(path: Path) -> set[str]:
    """The names that a module defines at its top level."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def test_no_public_name_is_defined_twice() -> None:
    """Two modules never use one name for two things."""
    modules = defaultdict(list)
    for package in ("tui", "workers"):
        for path in (ROOT / package).rglob("*.py"):
            for name in public_names(path):
                modules[name].append(str(path.relative_to(ROOT)))
    twice = {name: paths for name, paths in modules.items() if len(paths) > 1}

    assert {name: paths for name, paths in twice.items() if name not in SAME_MEANING} == {}
