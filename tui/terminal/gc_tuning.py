"""Garbage collection: how often Python searches for cycles."""

import gc


def tune_gc() -> None:
    """Makes collections rarer, for a desk.

    The desk makes few cycles and holds many transcripts; Python's defaults would stop it again and
    again for a tenth of a second, to search all of them.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)  # new objects, then collections until the next generation
