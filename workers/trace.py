"""The trace: everything an attempt sent, received and measured, one JSON object a line.

Append-only, written by the session's process before anybody else hears of an event. ``t`` is
seconds since that process started, on its monotonic clock; the first line anchors it to the wall
clock. The chunk with number k was due at ``t(began) + k * chunk / rate`` (later by a chunk with
release ``end``, and later by every slip before it), and left ``lag_us`` microseconds after that.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from workers import events
from workers.errors import Malformed
from workers.events import TraceEvent
from workers.speech import codec
from workers.speech.codec import Json, JsonObject

VERSION = 1
SUFFIX = ".trace.jsonl"


# Made once: `json.dumps` makes a new encoder at every call that asks for anything special.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class TraceWriter:
    """Writes one trace; the file must not exist yet."""

    def __init__(self, path: Path, facts: Mapping[str, Json]) -> None:
        self._file = path.open("xb", buffering=0)  # what is written is out of our hands
        self._write(
            {
                "t": 0.0,
                "type": "trace",
                "version": VERSION,
                "wall": datetime.now(UTC).isoformat(),
                **facts,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, t: float, event: TraceEvent) -> None:
        """Appends an event and hands it to the operating system; raises `OSError`."""
        self._write({"t": round(t, 6), **events.to_json(event)})

    def _write(self, record: Mapping[str, Json]) -> None:
        text = _encoded(record)
        line = text.encode("utf-8", "replace") + b"\n"  # JSON may hold half a surrogate pair
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(frozen=True, slots=True)
class Traced:
    """One event of a trace and when it happened."""

    t: float
    event: TraceEvent


@dataclass(frozen=True, slots=True)
class TraceHead:
    """The first line of a trace: whose it is."""

    version: int
    wall: str
    job: int
    attempt: int
    file: str


def head(path: Path) -> TraceHead:
    """The first line; raises `Malformed` for something that is no trace, or of a newer format."""
    first = next(_records(path), {})
    if first.get("type") != "trace":
        raise Malformed(f"{path.name} is not a trace")
    found = codec.read(TraceHead, first, path.name)
    if found.version != VERSION:
        raise Malformed(
            f"{path.name} has format version {found.version}",
            f"This program reads version {VERSION}.",
        )
    return found


def read(path: Path) -> Iterator[Traced]:
    """All events in order. A torn last line ends it; any other bad line is `Malformed`."""
    head(path)
    for number, record in enumerate(_records(path), start=1):
        if number == 1:
            continue
        t = record.pop("t", None)
        if not isinstance(t, int | float):
            raise Malformed(f"{path.name}, line {number}, has no time")
        yield Traced(float(t), events.from_json(record))


def _records(path: Path) -> Iterator[JsonObject]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                record = json.loads(line)
            except ValueError as error:
                if not line.endswith(b"\n"):
                    return  # torn: the writer was killed, or the disk was full
                raise Malformed(f"{path.name}, line {number}, is not JSON") from error
            if not isinstance(record, dict):
                raise Malformed(f"{path.name}, line {number}, is not an object")
            yield record
