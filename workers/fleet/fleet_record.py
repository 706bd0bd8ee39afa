"""What a run folder keeps of its fleet, in ``fleet.json``: how to find its sessions again, and on
which machines it ran."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from workers import files
from workers.protocol import codec
from workers.ranges import Range

RECORD_NAME = "fleet.json"
_RUN = Range(1, 1 << 62)
_CLOCK_MS = Range(-1e15, 1e15)


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node of the fleet, and how its clock compares with the program's."""

    name: str
    host: str
    system: str
    python: str
    cores: Annotated[int, Range(1, 1 << 20)]
    nice: Annotated[int, Range(-20, 19)]
    """The niceness of its sessions; above 0, other programs delay chunks."""
    clock_offset_ms: Annotated[float, _CLOCK_MS] | None = None
    """How far its wall clock was ahead. Latencies are times of one node, so this is not in them."""
    clock_error_ms: Annotated[float, _CLOCK_MS] | None = None


@dataclass(frozen=True, slots=True)
class FleetRecord:
    """The fleet of a run."""

    address: str
    """As the user named it: ``auto`` or ``ray://…``."""
    run: str
    """The identity of the run, which its agents have in their names."""
    epoch: Annotated[int, _RUN] = 1
    """Counts the programs that have worked on the run."""
    holders: tuple[str, ...] = ()
    """Who may hold leases that such a program has granted."""
    nodes: tuple[NodeRecord, ...] = ()

    def next_epoch(self) -> "FleetRecord":
        """The record for the next program."""
        return replace(self, epoch=self.epoch + 1)


def load_record(folder: Path) -> FleetRecord | None:
    """The record of a run; None if it has no fleet. Raises `Malformed`."""
    with suppress(FileNotFoundError):
        data = files.read_bytes(folder / RECORD_NAME)
        return codec.load(FleetRecord, codec.parse_object(data, RECORD_NAME), RECORD_NAME)
    return None


def save_record(folder: Path, record: FleetRecord) -> None:
    """Replaces the record of a run. Raises `OSError`."""
    import json

    text = json.dumps(codec.dump(record), ensure_ascii=False, indent=1) + "\n"
    files.replace_file(folder / RECORD_NAME, text.encode(errors="backslashreplace"))
