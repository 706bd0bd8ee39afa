"""How often Python looks for garbage that reference counts do not find."""

import gc

GC_THRESHOLDS = 5_000, 10, 10
"""Objects more than there were, and how often that until the older ones are looked through too."""


def tune_gc() -> None:
    """For a desk: it has little such garbage and holds a great many words, and to look through
    all of them at Python's own pace stops it for a tenth of a second again and again."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
