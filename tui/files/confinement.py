"""Confines a desk that somebody sees from elsewhere to the folders that its owner named.

It holds for the whole process, because a desk in a browser is a process of its own. Without a call
of `confine`, every path may be used.
"""

import os
from collections.abc import Iterable

_roots: tuple[str, ...] | None = None


def confine(roots: Iterable[str]) -> None:
    """From now on, only paths at or below ``roots`` may be used. No root: no path at all."""
    global _roots
    _roots = tuple(os.path.realpath(root) for root in roots)


def lift() -> None:
    """Allows every path again."""
    global _roots
    _roots = None


def is_confined() -> bool:
    return _roots is not None


def may_use(path: str | os.PathLike[str]) -> bool:
    """Whether a path, with all links followed, is at or below one of the roots."""
    if _roots is None:
        return True
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError):
        return False
    return any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in _roots)


def require_inside(path: str | os.PathLike[str]) -> None:
    """Raises `PermissionError` for a path that may not be used."""
    if not may_use(path):
        raise PermissionError("This path is outside the folders that were named.")
