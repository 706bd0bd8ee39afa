"""What a run folder keeps of its fleet."""

from pathlib import Path

import pytest

from workers.errors import Malformed
from workers.fleet import fleet_record
from workers.fleet.fleet_record import FleetRecord, NodeRecord


def test_a_record_is_read_back(tmp_path: Path) -> None:
    """With offsets, where they were measured."""
    nodes = (
        NodeRecord("a", "berlin", "Linux", "3.11.7", 2, 15, 0.25, 0.125),
        NodeRecord("b", "bonn", "Linux", "3.11.7", 64, 0),
    )
    record = FleetRecord("ray://head:10001", "5f0c7a", 3, ("a:1", "b:2"), nodes)
    assert fleet_record.load_record(tmp_path) is None
    fleet_record.save_record(tmp_path, record)

    assert record == fleet_record.load_record(tmp_path)
    assert record.next_epoch().epoch == 4


@pytest.mark.parametrize("text", ["{", "[]", '{"address": 1}', '{"address": "auto", "run": null}'])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    """Nobody would find the sessions again by it."""
    (tmp_path / fleet_record.RECORD_NAME).write_text(text)

    with pytest.raises(Malformed):
        fleet_record.load_record(tmp_path)
