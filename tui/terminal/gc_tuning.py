"""Garbage collection: how often Python searches for cycles."""

import gc


def tune_gc() -> None:
    """Makes garbage collections rarer, for a desk.

    A desk creates few cycles, and a search of all its transcripts stops it for a tenth of a second.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)  # new objects, then collections until the next generation
