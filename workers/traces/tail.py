"""Follows the traces of one job while they grow, to show their lines.

The trace of an hour may have a hundred megabytes, so only the positions of lines and the lags of
chunks are kept.
"""

import json
import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import monotonic

from workers.errors import Malformed
from workers.jobs.events import TraceEvent
from workers.protocol import codec
from workers.protocol.codec import JsonObject
from workers.traces.chunk_times import ChunkTimes, Timing
from workers.traces.files import COMPRESSED_SUFFIX, next_trace, open_trace, trace_files
from workers.traces.format import HEAD_TYPE, TimedEvent, TraceHead
from workers.traces.reader import LINE_TYPE, parse_event, parse_head

READ_SLICE_S = 0.008
"""Approximate duration of a `TraceTail.read`. The GIL makes the screen wait for that long."""
READ_BLOCK_BYTES = 1 << 16
MAX_SHOWN_LINE_BYTES = 1 << 16
"""At most this many bytes of a line are read, as a server may send messages of any length."""
_TIMING_TYPES = (b"began", b"chunks", b"slip", b"waited", b"read", b"ended")
"""Types of events that contain or affect the lags of chunks. Excludes progress, which is frequent
and determines only the length of the last chunk."""


def no_time_limit(attempt: int) -> float:
    """The time limit for attempts that are shown to their end."""
    return math.inf


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One line of a trace as text; it may be damaged."""

    attempt: int
    text: str  # the whole line, or its first `MAX_SHOWN_LINE_BYTES`
    size_bytes: int  # of the whole line

    @property
    def is_truncated(self) -> bool:
        """True if only a part of the line was read."""
        return self.size_bytes > MAX_SHOWN_LINE_BYTES

    @property
    def fields(self) -> JsonObject | None:
        """The object in the line; None if the line is damaged or truncated."""
        try:
            fields = json.loads(self.text)  # faster than our codec, and a search reads whole traces
        except (ValueError, RecursionError):
            return None
        return fields if isinstance(fields, dict) else None


def entry_content(fields: JsonObject) -> TraceHead | TraceEvent | None:
    """The head or event in the object of a line; None if it is damaged or of a later version. The
    words of a turn that has a transcript are left out, as they are slow to parse."""
    try:
        if fields.get("type") == HEAD_TYPE:
            return parse_head(fields, "")
        fields = {**fields, "words": None} if fields.get("transcript") else {**fields}
        return parse_event(fields, "").event
    except Malformed:
        return None


@dataclass(slots=True)
class _AttemptTail:
    """One trace: how far it was read, and the positions of its lines. Lines are never removed."""

    path: Path
    attempt: int
    inode: int = 0  # to notice that the path has become another file
    read_bytes: int = 0
    line_start: int = 0  # start of the line whose end was not read yet
    partial_line: bytes = b""  # the part of that line that was read
    chunk_times: ChunkTimes = field(default_factory=ChunkTimes)
    head: TraceHead | None = None
    latest_s: float = 0.0  # the latest time read, in seconds on the attempt's clock
    times_s: "array[float]" = field(default_factory=lambda: array("d"))
    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    sizes_bytes: "array[int]" = field(default_factory=lambda: array("Q"))
    """Appended to last for each line, so every line counted here can be looked up."""

    def __len__(self) -> int:
        return len(self.sizes_bytes)

    def is_replaced(self) -> bool:
        """True if the path is another file now: traces of refused attempts are renamed."""
        try:
            stat = self.path.lstat()
        except OSError:  # it is gone
            return True
        self.inode = self.inode or stat.st_ino
        is_shorter = stat.st_size < self.read_bytes and self.path.suffix != COMPRESSED_SUFFIX
        return stat.st_ino != self.inode or is_shorter

    def read(self) -> bool:
        """Reads the next block; returns False at the end of the file."""
        try:
            with open_trace(self.path) as file:
                file.seek(self.read_bytes)
                block = file.read(READ_BLOCK_BYTES)
        except OSError:
            return False
        *ends, rest = block.split(b"\n")
        for end in ends:
            self.read_bytes += len(end) + 1
            self._add_line(self.partial_line + end[:MAX_SHOWN_LINE_BYTES])
            self.line_start, self.partial_line = self.read_bytes, b""
        self.read_bytes += len(rest)
        self.partial_line = (self.partial_line + rest)[:MAX_SHOWN_LINE_BYTES]
        return bool(block)

    def _add_line(self, line: bytes) -> None:
        size = self.read_bytes - self.line_start - 1
        if (start := LINE_TYPE.match(line)) and size <= MAX_SHOWN_LINE_BYTES:
            with suppress(ValueError):  # a damaged line gets the time of the previous one
                self.latest_s = max(self.latest_s, float(start[1]))
            try:
                if start[2] == HEAD_TYPE.encode():
                    self.head = parse_head(codec.parse_object(line, ""), self.path.name)
                    self.chunk_times = ChunkTimes(self.head)
                elif start[2] in _TIMING_TYPES:
                    event = parse_event(codec.parse_object(line, ""), "").event
                    self.chunk_times.apply(TimedEvent(self.latest_s, event))
            except Malformed:
                self.chunk_times.damaged_lines += 1
        self.times_s.append(self.latest_s)
        self.offsets.append(self.line_start)
        self.sizes_bytes.append(size)

    def entries(self, first: int) -> Iterator[TraceEntry]:
        """The lines from number ``first`` on, read from the file one by one."""
        try:
            with open_trace(self.path) as file:
                for index in range(first, len(self)):
                    file.seek(self.offsets[index])
                    size = self.sizes_bytes[index]
                    line = file.read(min(size, MAX_SHOWN_LINE_BYTES))
                    yield TraceEntry(self.attempt, line.decode(errors="replace"), size)
        except OSError as error:
            yield TraceEntry(self.attempt, f"cannot be read ({error.strerror})", 0)


class TraceTail:
    """The lines of all attempts of a job, in order.

    All methods may be called in any thread: lines are only added. ``time_limit`` returns the time
    up to which an attempt is shown, in seconds on its clock; it changes during a replay.
    """

    def __init__(
        self, folder: Path, job: int, time_limit: Callable[[int], float] = no_time_limit
    ) -> None:
        self.job = job
        self._folder = folder
        self._time_limit = time_limit
        self._lock = Lock()
        self.version = 0  # increased when reading restarts from the first line
        self._reset()

    def _reset(self) -> None:
        self._tails: list[_AttemptTail] = []  # a new list: another thread may be using the old one
        self.is_loaded = False  # whether the traces were read to their end
        self.timings: tuple[Timing, ...] = ()
        """The timing of each attempt that sent audio. The tuple is replaced, never modified."""
        self.version += 1

    def __len__(self) -> int:
        count = 0
        for tail in self._tails:
            shown = bisect_right(tail.times_s, self._time_limit(tail.attempt), 0, len(tail))
            count += shown
            if shown < len(tail):
                break
        return count

    @property
    def chunk_times(self) -> list[ChunkTimes]:
        """When the chunks of each attempt were due and sent, as far as they were read."""
        return [tail.chunk_times for tail in self._tails]

    @property
    def paths(self) -> list[Path]:
        """The traces, in order."""
        return [tail.path for tail in self._tails]

    @property
    def head(self) -> TraceHead | None:
        """The head of the latest attempt; None if nothing was read."""
        return next((tail.head for tail in reversed(self._tails) if tail.head), None)

    def read(self) -> bool:
        """Reads for `READ_SLICE_S`; returns True while there is more. Blocks on disk reads."""
        with self._lock:
            if any(tail.is_replaced() for tail in self._tails):
                self._reset()
            end, more = monotonic() + READ_SLICE_S, True
            while more and monotonic() < end:
                more = (self._tails and self._tails[-1].read()) or self._open_next_trace()
            if not more:  # only at the end, as ranking hours of lags is slow
                limited = ((tail, self._time_limit(tail.attempt)) for tail in self._tails)
                timings = (t.chunk_times.timing(t.attempt, until_s) for t, until_s in limited)
                self.timings = tuple(timing for timing in timings if timing is not None)
                self.is_loaded = True
            return more

    def _open_next_trace(self) -> bool:
        if self._tails:
            last = self._tails[-1]
            path, attempt = next_trace(last.path), last.attempt + 1
        else:
            attempt, path = next(iter(trace_files(self._folder, self.job)), (0, None))
        if path is None:
            return False
        self._tails.append(_AttemptTail(path, attempt))
        return not self._tails[-1].is_replaced()

    def entry(self, index: int) -> TraceEntry:
        """The line with this number; an empty one if reading has just restarted."""
        return next(self.entries(index), TraceEntry(0, "", 0))

    def entries(self, first: int) -> Iterator[TraceEntry]:
        """The lines from number ``first`` on."""
        for tail in list(self._tails):
            count = len(tail)
            if first < count:
                yield from tail.entries(first)
            first = max(first - count, 0)
