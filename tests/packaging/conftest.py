"""Fixtures of the stage: the wheel and the sdist, and the figures that it prints at its end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environments import STAGE

RecordFigure = Callable[[str], None]


@pytest.fixture(scope="session")
def wheel() -> Path:
    """Built by `make package`, from the sdist."""
    return next((STAGE / "dist").glob("*.whl"))


@pytest.fixture(scope="session")
def sdist() -> Path:
    return next((STAGE / "dist").glob("*.tar.gz"))


@pytest.fixture(scope="session")
def record_figure() -> RecordFigure:
    """Adds a line to those that `make package` prints."""

    def record(line: str) -> None:
        with (STAGE / "figures.txt").open("a") as file:
            file.write(line + "\n")

    return record
