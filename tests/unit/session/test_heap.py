"""How the memory that sessions share is arranged."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import CodeType

from workers.session import heap

ROOT = Path(__file__).parents[3]


def new_function() -> Callable[[list[int]], list[int]]:
    """A function that adds one to each number, with another one inside."""

    def outer(numbers: list[int]) -> list[int]:
        def add(number: int) -> int:
            return number + 1

        return [add(number) for number in numbers]

    return outer


def inner_code(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def test_gathered_code_does_the_same() -> None:
    """Only the code of the function is another object, which is equal."""
    function = new_function()
    code = function.__code__

    heap.gather_code([code])

    assert code is not function.__code__
    assert code == function.__code__
    assert [2, 3] == function([1, 2])


def test_only_code_that_was_executed_is_copied() -> None:
    """Everything else stays where it is."""
    function = new_function()
    code = function.__code__

    heap.gather_code([])

    assert code is function.__code__


def test_code_inside_other_code_is_gathered_too() -> None:
    """A nested function is copied with the one that defines it."""
    function = new_function()
    nested = inner_code(function.__code__)

    heap.gather_code(nested)

    assert not {*map(id, nested)} & {*map(id, inner_code(function.__code__))}
    assert [2] == function([1])


def test_after_the_holes_are_filled_new_objects_lie_together() -> None:
    """Objects of one size that are made one after the other are neighbours then, upwards or
    downwards; where a pool of the allocator ends, the next one may be elsewhere. In a program of
    its own, without the packages installed: what else runs in this one leaves holes at any time."""
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from workers.session import heap
objects = [bytes(400) for _ in range(1000)]
del objects[::2]
heap.fill_holes()
print(*map(id, [bytes(400) for _ in range(8)]))
"""

    done = subprocess.run(
        [sys.executable, "-IS", "-c", program], stdout=subprocess.PIPE, check=True
    )

    gaps = [abs(later - earlier) for earlier, later in pairwise(map(int, done.stdout.split()))]
    assert gaps.count(448) >= 6
