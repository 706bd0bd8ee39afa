"""The process that scores for the desk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.cli.test_program import ROOT
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support.scored_run import write_scored_run

ASK = """
import sys
from pathlib import Path
from workers import processes
from workers.evaluation.scorer import DescribeJob, Scorer
from workers.jobs.job import JobId

if __name__ == "__main__":
    processes.warm_up(processes.mp_context())  # as for sessions, with their limit of memory
    scorer = Scorer(Path(sys.argv[1]))
    scorer.request(DescribeJob(JobId(1)))
    _, answer = scorer.results.get(timeout=60)
    scorer.close()
    print(type(answer).__name__, getattr(answer, "hint", ""))
"""

BLOCK = """
import sys

sys.modules["rapidfuzz"] = sys.modules["rapidfuzz.distance"] = None
"""


def ask(tmp_path: Path, *python_path: Path) -> str:
    folder = write_scored_run(tmp_path / "runs")
    program = tmp_path / "ask.py"
    program.write_text(ASK)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*python_path, ROOT)))}
    command = [sys.executable, "-P", str(program), str(folder)]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=LONG_ENOUGH, env=environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.slow
def test_without_the_packages_it_says_what_to_install(tmp_path: Path) -> None:
    """The desk shows that in place of scores; it works without the extra."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(BLOCK)
    assert ask(tmp_path, blocked) == (
        "ScoringUnavailable Install them with: pip install 'paceline[evaluation]'"
    )


def test_with_the_packages_it_describes_a_job(tmp_path: Path) -> None:
    """The same program gets an answer."""
    assert ask(tmp_path).startswith("JobDetail")
