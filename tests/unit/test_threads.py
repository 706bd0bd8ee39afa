"""No thread dies in silence: one way to start a thread, and a record of what went wrong in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers import threads
from workers.threads import ThreadFault, first_fault, new_thread, start_thread

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    threads.forget_faults()
    yield
    threads.forget_faults()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_the_first_thread_that_dies_is_remembered(error: BaseException) -> None:
    """Also if what ends it would not be printed."""

    def die() -> None:
        raise error

    start_thread(lambda: None, "healthy").join()
    assert first_fault() is None
    start_thread(die, "ill").join()
    start_thread(die, "ill too").join()

    assert first_fault() == ThreadFault("ill", error)


def test_a_thread_ends_with_the_program() -> None:
    thread = new_thread(lambda: None, "one")
    assert thread.daemon
    assert (thread.name, thread.is_alive()) == ("one", False)


def _thread_starts(tree: ast.AST) -> Iterator[int]:
    """The lines that make a thread or a pool of threads, or name a class that does."""
    for node in ast.walk(tree):
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if name in ("Thread", "Timer", "ThreadPoolExecutor", "ThreadPool", "start_new_thread"):
            yield getattr(node, "lineno", 0)
        if isinstance(node, ast.ImportFrom) and node.module == "threading":
            yield from (node.lineno for alias in node.names if alias.name in ("Thread", "Timer"))


def test_every_thread_is_started_in_one_place() -> None:
    """An annotation may name the class; only `workers.threads` calls it."""
    found = {}
    for path in sorted([*(ROOT / "workers").rglob("*.py"), *(ROOT / "tui").rglob("*.py")]):
        name = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text())
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if name != "workers/threads.py":
            found[name] = [line for call in calls for line in _thread_starts(call)]
            imported = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
            found[name] += [line for node in imported for line in _thread_starts(node)]

    assert {} == {name: lines for name, lines in found.items() if lines}
