"""Arranges the memory that sessions share, so that each of them gets copies of fewer pages.

A page is copied for a session when the session writes to it, and CPython writes to an object
whenever it counts a reference. So what every session uses should lie together, and nothing new
should be put between objects that no session touches.
"""

import gc
import operator
from collections.abc import Collection
from types import CodeType, FunctionType

_MAX_SMALL_BYTES = 512
_SMALL_STEP_BYTES = 16
_POOL_BYTES = 16 << 10
_POOL_HEAD_BYTES = 48
"""CPython puts objects of up to 512 bytes into pools of one size each (``Objects/obmalloc.c``)."""
_BYTES_OVERHEAD = 33
"""What ``bytes`` needs beyond its content."""
_LARGE_SIZES_BYTES = range(4096, _MAX_SMALL_BYTES + 16, -64)
_IN_A_ROW = 5
"""Objects that lie one behind the other where there are no holes."""
_MAX_LARGE_HOLES = 1000
_MAX_SMALL_HOLES = 50_000
"""Limits for each size, should memory be arranged in another way than expected."""

_fillings: list[object] = []


def gather_code(executed: Collection[CodeType]) -> None:
    """Copies the code of these functions to one place. Code is written to with every call, and is
    spread over all that was ever imported."""
    wanted = {id(code) for code in executed}
    copies: dict[int, CodeType] = {}
    originals: list[CodeType] = []  # kept, since their identities are keys

    def copy(code: CodeType) -> CodeType:
        if id(code) not in copies:
            consts = tuple(
                copy(each) if isinstance(each, CodeType) else each for each in code.co_consts
            )
            is_same = all(map(operator.is_, consts, code.co_consts))
            is_kept = is_same and id(code) not in wanted
            copies[id(code)] = code if is_kept else code.replace(co_consts=consts)
            originals.append(code)
        return copies[id(code)]

    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__ is not copy(function.__code__):
            function.__code__ = copy(function.__code__)


def fill_holes() -> None:
    """Fills the room that freed objects have left between others, so that sessions put new objects
    into pages of their own."""
    for size in range(_SMALL_STEP_BYTES, _MAX_SMALL_BYTES + 1, _SMALL_STEP_BYTES):
        previous, in_a_row = 0, 0
        for number in range(_MAX_SMALL_HOLES):
            _fillings.append(filling := _new_object(size, number))
            if id(filling) % _POOL_BYTES == _POOL_HEAD_BYTES:
                in_a_row = 1
            else:
                in_a_row = in_a_row + 1 if in_a_row and id(filling) - previous == size else 0
            previous = id(filling)
            if in_a_row == _IN_A_ROW:  # a new pool; a hole may be the first of an old one
                break
    for size in _LARGE_SIZES_BYTES:
        previous, in_a_row = 0, 0
        for _ in range(_MAX_LARGE_HOLES):
            _fillings.append(filling := bytes(size - _BYTES_OVERHEAD - 16))
            in_a_row = in_a_row + 1 if id(filling) - previous == size else 0
            previous = id(filling)
            if in_a_row == _IN_A_ROW:  # no hole is as large as this
                break


def _new_object(size: int, number: int) -> object:
    """An object that takes this many bytes."""
    if size == 16:
        return object()
    return float(number) if size == 32 else bytes(size - _BYTES_OVERHEAD)
