"""A replacement for the recogniser's package that loads no weights, so processes start sooner.

For tests of processes, not of recognition. The server, the recogniser process, and how they start
and end are the real ones. Loading the weights takes a second of CPU time for each process, and such
tests start a dozen.
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
    """Lets processes that start from now on load this package, in this many seconds."""
    package = folder / "weightless" / "moonshine_voice"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STUB_PACKAGE_SOURCE.format(seconds=seconds))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
