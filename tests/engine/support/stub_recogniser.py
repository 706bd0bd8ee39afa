"""A stand-in for the recogniser's package: no weights, so that its processes are there sooner.

For tests of what becomes of the processes, whatever they hear. All of ours is as it is: the server,
the recogniser's process, how they start and how they end. Loading the weights takes a second of the
processor's time for each process, and tests of this kind start a dozen.
"""

from pathlib import Path

import pytest

STUB_PACKAGE_SOURCE = """
import time

time.sleep({seconds})


class ModelArch:
    TINY = 0


class Transcriber:
    def __init__(self, path, arch, options):
        pass


def get_model_path(name):
    return name
"""


def install_stub_recogniser(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0
) -> None:
    """From here on, processes that are started load this one; ``seconds``: how long that takes."""
    package = folder / "weightless" / "moonshine_voice"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STUB_PACKAGE_SOURCE.format(seconds=seconds))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
