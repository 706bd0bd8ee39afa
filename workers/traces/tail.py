"""Follows the traces of one job while they grow, for whoever shows their lines.

A trace of an hour may have a hundred megabytes, so only the position of each line is kept, and what
tells how late chunks left.
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
from workers.traces.files import trace_files
from workers.traces.format import HEAD_TYPE, TimedEvent, TraceHead
from workers.traces.reader import LINE_TYPE, parse_event, parse_head

READ_SLICE_S = 0.008
"""About how long one `TraceTail.read` takes: meanwhile the screen waits for the interpreter."""

READ_BLOCK_BYTES = 1 << 16

MAX_SHOWN_LINE_BYTES = 1 << 16
"""Bytes of a line that are read: a server may send a message of any length."""

_TIMING_TYPES = (b"began", b"chunks", b"slip", b"ended")
"""Types of events that tell how late chunks left. Not progress, which is frequent: it only tells
the length of the last chunk."""


def no_time_limit(attempt: int) -> float:
    """The time limit of an attempt that is shown to its end."""
    return math.inf


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One line of a trace, as a person may look at it: it may be damaged."""

    attempt: int
    text: str
    """The line, or its first `MAX_SHOWN_LINE_BYTES`."""
    size_bytes: int
    """Of the whole line."""

    @property
    def is_truncated(self) -> bool:
        """Whether the line is longer than what is read of it."""
        return self.size_bytes > MAX_SHOWN_LINE_BYTES

    @property
    def fields(self) -> JsonObject | None:
        """The object in the line; None if the line is damaged or truncated."""
        try:
            fields = json.loads(self.text)  # the whole of a trace may be searched, so fast
        except (ValueError, RecursionError):
            return None
        return fields if isinstance(fields, dict) else None


def entry_content(fields: JsonObject) -> TraceHead | TraceEvent | None:
    """What the object of a line means; None if no reader of this version understands it.

    A turn with a transcript comes without its words, which take most of the time to read.
    """
    try:
        if fields.get("type") == HEAD_TYPE:
            return parse_head(fields, "")
        fields = {**fields, "words": None} if fields.get("transcript") else {**fields}
        return parse_event(fields, "").event
    except Malformed:
        return None


@dataclass(slots=True)
class _AttemptTail:
    """One trace, and how far it was read."""

    path: Path
    attempt: int
    inode: int = 0
    """To notice that another file has taken the name."""
    offset: int = 0
    """Bytes read."""
    line_start: int = 0
    """Where the line begins whose end was not read yet."""
    partial_line: bytes = b""
    """What was read of that line."""
    chunk_times: ChunkTimes = field(default_factory=ChunkTimes)
    latest_s: float = 0.0
    """The latest time that was read, in seconds on the attempt's clock."""

    def read_lines(self) -> list[tuple[int, int, bytes]]:
        """The next whole lines: start, size, and content or the beginning of it."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            pieces = file.read(READ_BLOCK_BYTES).split(b"\n")
        lines = []
        for piece in pieces[:-1]:
            self.offset += len(piece) + 1
            content = self.partial_line + piece[:MAX_SHOWN_LINE_BYTES]
            lines.append((self.line_start, self.offset - self.line_start - 1, content))
            self.line_start, self.partial_line = self.offset, b""
        self.offset += len(pieces[-1])
        self.partial_line = (self.partial_line + pieces[-1])[:MAX_SHOWN_LINE_BYTES]
        return lines

    def is_replaced(self) -> bool:
        """Whether its name means another file now: the trace of a refused attempt is renamed."""
        try:
            found = self.path.stat()
        except OSError:  # it is gone
            return True
        first = not self.inode
        self.inode = self.inode or found.st_ino
        return not first and (found.st_ino != self.inode or found.st_size < self.offset)


@dataclass(slots=True)
class _LineIndex:
    """Where the lines are; it only grows."""

    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    times_s: "array[float]" = field(default_factory=lambda: array("d"))
    sizes_bytes: "array[int]" = field(default_factory=lambda: array("Q"))
    tails: list[_AttemptTail] = field(default_factory=list)
    first_lines: list[int] = field(default_factory=list)
    """The number of the first line of each trace."""

    @property
    def end_lines(self) -> list[int]:
        """The number after the last line of each trace."""
        return [*self.first_lines[1:], len(self.sizes_bytes)]


class TraceTail:
    """The lines of all attempts of a job, in order.

    Any thread may call `read`, and any may look at what it has found: lines are only added.
    """

    def __init__(
        self, folder: Path, job: int, time_limit: Callable[[int], float] = no_time_limit
    ) -> None:
        """``time_limit`` gives the time up to which an attempt is shown, in seconds on its clock.

        It is called at every look, because it moves in a replay.
        """
        self.job = job
        self._folder = folder
        self._time_limit = time_limit
        self._lock = Lock()
        self.version = 0
        """Grows when all lines are read again from the start."""
        self._reset()

    def _reset(self) -> None:
        self._lines = _LineIndex()  # a new one: another thread may be looking at the old one
        self.is_loaded = False
        """Whether everything was read that was there."""
        self.timings: tuple[Timing, ...] = ()
        """Of each attempt that sent audio; replaced as a whole."""
        self.heads: dict[int, TraceHead] = {}
        """The head of each attempt's trace, by the attempt's number."""
        self.version += 1

    def __len__(self) -> int:
        lines, end = self._lines, 0
        for tail, first, end in zip(lines.tails, lines.first_lines, lines.end_lines, strict=False):
            shown = bisect_right(lines.times_s, self._time_limit(tail.attempt), first, end)
            if shown < end:
                return shown
        return end

    @property
    def paths(self) -> list[Path]:
        """The traces, in order."""
        return [tail.path for tail in self._lines.tails]

    def read(self) -> bool:
        """Reads on for `READ_SLICE_S`; True while there is more. Waits for disks."""
        with self._lock:
            if any(tail.is_replaced() for tail in self._lines.tails):
                self._reset()
            end, more = monotonic() + READ_SLICE_S, True
            while more and monotonic() < end:
                more = self._read_block()
            if not more:  # only then: ranking the lags of hours takes long
                limited = ((tail, self._time_limit(tail.attempt)) for tail in self._lines.tails)
                timings = (t.chunk_times.timing(t.attempt, until_s) for t, until_s in limited)
                self.timings = tuple(timing for timing in timings if timing is not None)
                self.is_loaded = True
            return more

    def _read_block(self) -> bool:
        lines = self._lines
        if lines.tails and self._read_tail(lines.tails[-1]):
            return True
        last = lines.tails[-1].attempt if lines.tails else 0
        for attempt, path in trace_files(self._folder, self.job):
            if attempt > last:
                lines.first_lines.append(len(lines.sizes_bytes))
                lines.tails.append(_AttemptTail(path, attempt))
                return not lines.tails[-1].is_replaced()
        return False

    def _read_tail(self, tail: _AttemptTail) -> bool:
        """Reads on in one trace; False at its end."""
        before = tail.offset
        try:
            lines = tail.read_lines()
        except OSError:
            return False
        for start, size, line in lines:
            if (found := LINE_TYPE.match(line)) and size <= MAX_SHOWN_LINE_BYTES:
                with suppress(ValueError):  # a damaged line is as old as the one before
                    tail.latest_s = max(tail.latest_s, float(found[1]))
                self._apply_timing(tail, found[2], line)
            self._lines.times_s.append(tail.latest_s)
            self._lines.offsets.append(start)
            self._lines.sizes_bytes.append(size)
        return tail.offset > before

    def _apply_timing(self, tail: _AttemptTail, line_type: bytes, line: bytes) -> None:
        if line_type not in _TIMING_TYPES and line_type != HEAD_TYPE.encode():
            return
        try:
            fields = codec.parse_object(line, "")
            if line_type in _TIMING_TYPES:
                event = parse_event(fields, "").event
                tail.chunk_times.apply(TimedEvent(tail.latest_s, event))
            else:
                head = self.heads[tail.attempt] = parse_head(fields, tail.path.name)
                tail.chunk_times = ChunkTimes(head)
        except Malformed:
            tail.chunk_times.damaged_lines += 1

    def entry(self, index: int) -> TraceEntry:
        """A line by its number; an empty one if reading has just started again."""
        return next(self.entries(index), TraceEntry(0, "", 0))

    def entries(self, first: int) -> Iterator[TraceEntry]:
        """The lines from number ``first`` on, read from their files one by one."""
        lines = self._lines
        for which in range(max(bisect_right(lines.first_lines, first) - 1, 0), len(lines.tails)):
            ends = lines.first_lines[which + 1 : which + 2] or [len(lines.sizes_bytes)]
            yield from _read_entries(lines, lines.tails[which], first, ends[0])
            first = ends[0]


def _read_entries(
    lines: _LineIndex, tail: _AttemptTail, first: int, end: int
) -> Iterator[TraceEntry]:
    try:
        with tail.path.open("rb") as file:
            for index in range(first, end):
                file.seek(lines.offsets[index])
                size = lines.sizes_bytes[index]
                line = file.read(min(size, MAX_SHOWN_LINE_BYTES))
                yield TraceEntry(tail.attempt, line.decode(errors="replace"), size)
    except OSError as error:
        yield TraceEntry(tail.attempt, f"cannot be read ({error.strerror})", 0)
