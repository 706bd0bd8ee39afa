"""The trace: everything an attempt sent, received and measured, one JSON object a line.

Append-only, written by the session's process before anybody else hears of an event. ``t`` is
seconds since that process started, on its monotonic clock; the first line anchors it to the wall
clock. The chunk with number k was due at ``t(began) + k * chunk / rate`` (later by a chunk with
release ``end``, and later by every slip before it), and left ``lag_us`` microseconds after that.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from workers.errors import Malformed
from workers.jobs import events
from workers.jobs.events import TraceEvent
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject

TRACE_VERSION = 1
TRACE_SUFFIX = ".trace.jsonl"

MAX_LINE_BYTES = 128 * 1024 * 1024
"""Bytes. The longest message there can be, written with every default, takes less."""


# Made once: `json.dumps` makes a new encoder at every call that asks for anything special.
_encode_line = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class TraceWriter:
    """Writes one trace; the file must not exist yet."""

    def __init__(self, path: Path, header: Mapping[str, Json]) -> None:
        self._file = path.open("xb", buffering=0)  # what is written is out of our hands
        self._write_record(
            {
                "t": 0.0,
                "type": "trace",
                "version": TRACE_VERSION,
                "wall": datetime.now(UTC).isoformat(),
                **header,
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
        record = events.event_to_json(event)
        record.pop("t", None)  # a server may call a field of its own so
        self._write_record({"t": round(t, 6), **record})

    def _write_record(self, record: Mapping[str, Json]) -> None:
        text = _encode_line(record)
        line = text.encode("utf-8", "backslashreplace") + b"\n"  # half a pair, as JSON escapes it
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(frozen=True, slots=True)
class TimedEvent:
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


@dataclass(frozen=True, slots=True)
class _LineTime:
    t: float


def read_head(path: Path) -> TraceHead:
    """The first line; raises `Malformed` for something that is no trace, or of a newer format."""
    return _parse_head(next(_read_records(path), (1, {}))[1], path)


def _parse_head(first: JsonObject, path: Path) -> TraceHead:
    if first.get("type") != "trace":
        raise Malformed(f"{path.name} is not a trace")
    found = codec.load(TraceHead, first, path.name)
    if found.version != TRACE_VERSION:
        raise Malformed(
            f"{path.name} has format version {found.version}",
            f"This program reads version {TRACE_VERSION}.",
        )
    return found


def read_trace(path: Path, containing: Sequence[bytes] = ()) -> Iterator[TimedEvent]:
    """All events in order; with ``containing`` at least those whose line holds one of these bytes.

    A torn last line ends it, be it the first: then there is no event. Any other bad line is
    `Malformed`, and named.
    """
    records = _read_records(path, containing)
    first = next(records, None)
    if first is None:
        return
    _parse_head(first[1], path)
    for number, record in records:
        where = f"{path.name}, line {number}"
        t = codec.load(_LineTime, record, where).t
        del record["t"]
        try:
            event = events.event_from_json(record)
        except Malformed as error:
            raise Malformed(f"{where}: {error.reason}") from error
        yield TimedEvent(t, event)


def _read_records(path: Path, containing: Sequence[bytes] = ()) -> Iterator[tuple[int, JsonObject]]:
    """The objects of all whole lines, and of the last one if only its end of line is missing.

    Each with the number of its line. With ``containing`` those of the others are passed over that
    hold none of these bytes; but for the first.
    """
    with path.open("rb") as file:
        for number in count(1):
            where = f"{path.name}, line {number}"
            line = file.readline(MAX_LINE_BYTES)
            if len(line) == MAX_LINE_BYTES:
                raise Malformed(f"{where} is too long")
            if not line:
                return
            if containing and number > 1 and not any(part in line for part in containing):
                continue
            try:
                record = codec.parse_object(line, where)
            except Malformed:
                if line.endswith(b"\n"):
                    raise
                return  # torn: the writer was killed, the disk was full, or the power failed
            yield number, record
