"""Programs whose changes on the disk are recorded and may fail, see `disk_faults`."""

import errno
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

_PRELOADED = Path(__file__).parent / "disk_faults"


@dataclass(frozen=True)
class DiskFault:
    """The changes that fail: those from number ``first`` to ``last``, counted from 1."""

    first: int
    last: int
    error: int = errno.ENOSPC

    @property
    def name(self) -> str:
        numbers = f"change {self.first}" if self.first == self.last else f"from {self.first} on"
        return f"{errno.errorcode[self.error]} at {numbers}"


@dataclass(frozen=True)
class DiskChange:
    """A change below the folder that was watched; paths are relative to it."""

    name: str
    path: str
    failed: bool
    to: str = ""
    """The new name of a file that was renamed."""
    at: int = 0
    data: bytes = b""
    size: int = 0
    """To which a file was truncated."""


class RecordedDisk:
    """Watches ``folder``; the environment of a program is what makes it recorded."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self._log = log

    def environment(self, fault: DiskFault | None = None) -> dict[str, str]:
        """The environment of a program to record, with a fault."""
        faults = f"{fault.first}:{fault.error}:{fault.last}" if fault else "0:0:0"
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(_PRELOADED), os.environ.get("PYTHONPATH", "")]),
            "DISK_FOLDER": str(self.folder),
            "DISK_LOG": str(self._log),
            "DISK_FAULT": faults,
        }

    @property
    def changes(self) -> Sequence[DiskChange]:
        """What was changed so far, in order."""
        if not self._log.exists():
            return []
        records = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [
            DiskChange(
                record["name"],
                os.path.relpath(record["path"], self.folder),
                record["failed"],
                os.path.relpath(record["to"], self.folder) if "to" in record else "",
                record.get("at", 0),
                bytes.fromhex(record.get("data", "")),
                record.get("size", 0),
            )
            for record in records
        ]


class Loss(Enum):
    """What a failure takes with it."""

    NOTHING = "killed"
    """Only the program has ended: the system still has what was written."""
    DATA = "data"
    """The power failed. Of each file there is what was waited for; names are as they were."""
    SOME_DATA = "some data"
    """The same, but half of what was not waited for has reached the disk."""
    ZEROS = "zeros"
    """The same, but a file has its length, with zeros in the place of lost data."""
    NAMES = "names"
    """The same as DATA, and also lost is each new, changed or removed name not waited for."""


@dataclass
class _Content:
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""

    def after(self, loss: Loss) -> bytes:
        """What is left of it. Data is only appended or truncated, so a part of it is a start."""
        if loss is Loss.NOTHING:
            return bytes(self.data)
        pairs = zip(self.data, self.synced, strict=False)
        shorter = min(len(self.data), len(self.synced))
        kept = next((at for at, (a, b) in enumerate(pairs) if a != b), shorter)
        lost = len(self.data) - kept
        if loss is Loss.SOME_DATA:
            return bytes(self.data[: kept + lost // 2])
        return self.synced + (bytes(lost) if loss is Loss.ZEROS else b"")


def write_image(changes: Iterable[DiskChange], loss: Loss, folder: Path) -> None:
    """Creates what is on the disk if a failure comes after these changes."""
    names: dict[str, _Content | None] = {}  # None: a folder
    synced_names = names.copy()
    for change in changes:
        content = names.get(change.path)
        match change.name:
            case _ if change.failed:
                continue
            case "mkdir":
                names[change.path] = None
            case "create":
                names[change.path] = _Content()
            case "write" if content is not None:
                content.data[change.at :] = change.data
            case "truncate" if content is not None:
                del content.data[change.size :]
            case "rename":
                names[change.to] = names.pop(change.path)
            case "unlink" | "rmdir":
                del names[change.path]
            case "fsync" if content is not None:
                content.synced = bytes(content.data)
            case "fsync":
                synced_names = _with_names_of(change.path, names, synced_names)
            case "syncfs":
                synced_names = names.copy()
                for each in filter(None, names.values()):
                    each.synced = bytes(each.data)
    folder.mkdir()
    for name, content in (synced_names if loss is Loss.NAMES else names).items():
        if content is None:
            (folder / name).mkdir(exist_ok=True)
        elif (folder / name).parent.exists():  # otherwise its folder is lost
            (folder / name).write_bytes(content.after(loss))


def _with_names_of(
    folder: str, names: dict[str, "_Content | None"], before: dict[str, "_Content | None"]
) -> dict[str, "_Content | None"]:
    """``before``, with the present names in one folder."""

    def is_inside(name: str) -> bool:
        return (os.path.dirname(name) or ".") == folder

    kept = {name: content for name, content in before.items() if not is_inside(name)}
    return kept | {name: content for name, content in names.items() if is_inside(name)}
