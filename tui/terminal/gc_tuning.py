"""Garbage collection: how often Python searches for cycles, and where."""

import gc

ROWS_BETWEEN_FREEZES = 1000
"""New rows of a large folder after which `freeze` is due; a row has some twenty objects."""


def postpone_gc() -> None:
    """Collects no garbage until `tune_gc`: loading the desk makes none, and searching all that it
    loads for some takes a sixth of its time."""
    gc.disable()


def tune_gc() -> None:
    """Makes garbage collections rarer, for a desk.

    A desk creates few cycles, but each search for them stops it for a tenth of a second.
    """
    freeze()
    # new objects, then collections until the next generation: a middle one takes some ms
    gc.set_threshold(5_000, 3, 30)
    gc.enable()


def freeze() -> None:
    """Leaves what exists now out of later searches: it is needed until the desk closes."""
    gc.freeze()
