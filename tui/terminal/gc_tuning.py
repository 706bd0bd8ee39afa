"""Garbage collection: how often Python searches for cycles."""

import gc


def tune_gc() -> None:
    """Makes garbage collections rarer, for a desk.

    A desk creates few cycles, but each search for them stops it for a tenth of a second.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)  # new objects, then collections until the next generation
