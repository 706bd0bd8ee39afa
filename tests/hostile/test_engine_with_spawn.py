"""The engine's own tests with sessions that are spawned, as on a system without a fork server."""

import os
import subprocess
import sys

import pytest

from tests.engine.cli.test_program import ROOT
from tests.hostile.test_spawned_sessions import SPAWN

FILES = (
    "scenarios/test_cancelled_before_start.py",
    "scenarios/test_process_signals.py",
    "scenarios/test_session_process_killed.py",
    "scheduling",
    "session/test_lease.py",
    "session/test_session_process.py",
)
"""Those that start, strike and end sessions; docs/platforms.md says how to run all."""


@pytest.mark.parametrize("name", FILES)
def test_the_tests_of_the_engine_pass(name: str) -> None:
    """They know nothing of spawning. Together they take three minutes."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-m",
        "",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    done = subprocess.run(
        [*command, "--timeout", "200", f"tests/engine/{name}"],
        env={**os.environ, **SPAWN},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    assert done.returncode == 0, done.stdout
