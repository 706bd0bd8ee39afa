"""Prints how much of each room tests reach: ``python -m tests.coverage_by_room``.

Reads what ``coverage combine`` left, and counts lines and branches together, as coverage does.
Files of ``workers`` below `WANTED_PERCENT` follow with the lines that are missing;
docs/development/coverage.md says why they may stay there.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

WANTED_PERCENT = 90.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(report)]
        subprocess.run(command, check=True)
        files: dict[str, Any] = json.loads(report.read_text())["files"]
    rooms: defaultdict[str, list[dict[str, int]]] = defaultdict(list)
    for name, found in files.items():
        rooms[str(Path(*Path(name).parts[:2]))].append(found["summary"])
    for room, summaries in sorted(rooms.items()):
        print(f"{_percent(summaries):6.1f} %  {room}")
    print(f"{_percent([found['summary'] for found in files.values()]):6.1f} %  in all")
    for name, found in sorted(files.items()):
        if name.startswith("workers/") and _percent([found["summary"]]) < WANTED_PERCENT:
            lines = ", ".join(map(str, found["missing_lines"])) or "only branches"
            print(f"{_percent([found['summary']]):6.1f} %  {name}: {lines}")


def _percent(summaries: list[dict[str, int]]) -> float:
    reached = sum(each["covered_lines"] + each["covered_branches"] for each in summaries)
    there = sum(each["num_statements"] + each["num_branches"] for each in summaries)
    return 100 * reached / there if there else 100.0


if __name__ == "__main__":
    main()
