"""Garbage collection: how often Python searches for cycles."""

import gc

GC_THRESHOLDS = 5_000, 10, 10
"""As `gc.set_threshold` takes them: new objects, then collections until the next generation."""


def tune_gc() -> None:
    """Makes collections rarer, for a desk.

    The desk makes few cycles and holds many transcripts. At Python's defaults, searching all of
    them stops it for a tenth of a second again and again.
    """
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
