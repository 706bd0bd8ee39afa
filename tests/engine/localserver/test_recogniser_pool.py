"""The pool with real recogniser processes: cancelled or failing while it starts."""

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.engine.support.localserver_harness import LONG_ENOUGH
from tests.engine.support.stub_recogniser import install_stub_recogniser
from workers.errors import EngineUnavailable
from workers.localserver.recognisers import RecogniserPool


@pytest.mark.parametrize("steps", range(5))
@pytest.mark.slow
async def test_who_is_cancelled_while_it_loads_ends_its_processes(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step of the start is tested, since Ctrl-C can come at any time."""
    install_stub_recogniser(tmp_path, monkeypatch, seconds=0.3)
    before = set(psutil.Process().children())
    entering = asyncio.create_task(RecogniserPool().__aenter__())
    for _ in range(steps):
        await asyncio.sleep(0)
    entering.cancel()
    done, _ = await asyncio.wait([entering], timeout=LONG_ENOUGH)

    assert done
    assert set(psutil.Process().children()) <= before


async def test_recognisers_that_fail_one_after_the_other_are_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first failure must not be taken for a process that is ready."""
    package = tmp_path / "moonshine_voice"
    package.mkdir()
    (package / "__init__.py").write_text(FAILS_IN_TURN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async with asyncio.timeout(LONG_ENOUGH):
        with pytest.raises(EngineUnavailable, match="could not be loaded"):
            async with RecogniserPool():
                pass


def test_a_recogniser_whose_server_is_gone_when_it_is_ready_ends_quietly() -> None:
    """This happens after a second Ctrl-C during the start."""
    with subprocess.Popen(
        [sys.executable, "-m", "workers.localserver.recognition.recogniser"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()  # with its stdin still open, so that it is being read

        assert (0, "") == (process.wait(LONG_ENOUGH), errors)


FAILS_IN_TURN = """
import pathlib
import time

first = pathlib.Path(__file__).with_name("first")
try:
    first.touch(exist_ok=False)
except FileExistsError:
    time.sleep(1)
raise ImportError("no such weights")
"""
