"""A cluster with three nodes for each module, if Ray is installed."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.ray_cluster import RayCluster, running_cluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("ray") is None:
        skip = pytest.mark.skip(reason="Ray is not installed: make fleet installs it")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """A cluster with three nodes."""
    with running_cluster(3) as running:
        yield running
