"""How often the desk stops to collect garbage."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import gc
from tui.terminal.gc_tuning import tune_gc

before = gc.get_threshold()[0]
tune_gc()
print(gc.isenabled(), gc.get_threshold()[0] > before, gc.get_freeze_count() > 1000)
"""


def test_collections_are_rarer_and_skip_what_was_there_before() -> None:
    """They still happen: what the desk drops is collected."""
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, check=True)

    assert "True True True\n" == done.stdout
