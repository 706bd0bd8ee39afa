"""Limits that are found with many sessions, which takes longer."""

from pathlib import Path

import pytest

from tests.engine.support.limited_servers import limited_server, search_limit
from workers.limit_search.diagnosis import Side
from workers.limit_search.search import LimitSearch


@pytest.mark.parametrize("slows", [False, True], ids=["refuses", "slows"])
@pytest.mark.parametrize("limit", [3, 7])
def test_the_limit_is_found_exactly(limit: int, slows: bool, tmp_path: Path) -> None:
    """Whether the server refuses further sessions or all of them become slow."""
    with limited_server(limit, slows=slows) as url:
        report = search_limit(url, tmp_path, LimitSearch(64, repeats=1))

    assert report.limit == limit
    assert report.first_failing == limit + 1
    assert report.diagnosis.side is Side.SERVICE
