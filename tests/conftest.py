"""What all tests share: no key and no folder of the user's is ever touched."""

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile(
    "paceline",
    deadline=None,
    max_examples=50,  # the same ones each time, so twice as many would find nothing new tomorrow
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,  # a suite that passed passes again; new examples come with new code
)
settings.load_profile("paceline")

# All that is imported and collected stays to the end: to look for garbage among it again and again
# takes a fifth of the time of a test with a screen.
gc.disable()

# Else numpy starts a thread for each core, in every process that loads it, and none has any work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Programs that tests start inherit it: under nohup, say, they would not heed a closed window.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class GroupedLoadFileScheduling(LoadFileScheduling):
    """A file goes to one worker as a whole; those of `clients` do together, and share an engine."""

    def _split_scope(self, nodeid: str) -> str:
        clients = "tests/clients"
        return clients if nodeid.startswith(clients) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)  # where tests are not spread there is no such hook
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> GroupedLoadFileScheduling | None:
    return (
        GroupedLoadFileScheduling(config, log) if config.getoption("dist") == "loadfile" else None
    )


def pytest_collection_finish() -> None:
    """From here on garbage is looked for, though seldom."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


@pytest.fixture(autouse=True)
def _hermetic(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.delenv("ASSEMBLYAI_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(home))
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
