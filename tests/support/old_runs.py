"""Run folders as earlier versions of the program left them, one of each kind; never rewritten.

Their recordings are `tests.engine.support.ground_truth.write_numbered_recording` with these jobs
and tenths: 0 with 22, 1 with 26, 2 with 34, in a folder ``recordings``.
"""

from pathlib import Path

OLD_RUNS = Path(__file__).parents[1] / "fixtures" / "old-runs"
OLD_TRACES = sorted(OLD_RUNS.glob("*/*.trace.jsonl"))
RECORDED_TENTHS = (22, 26, 34)
