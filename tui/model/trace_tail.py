"""What the traces of one job hold, read as they grow.

Of an hour there may be a hundred megabytes, so a line is kept as its place in its file; only what
tells how late the chunks left is taken in.
"""

import json
import math
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import monotonic

from tui.model.attempt_timing import Timing, TimingCollector
from workers.protocol.codec import JsonObject
from workers.runs import reader

READ_SLICE_S = 0.008
"""Seconds that one `Record.read` takes, about: meanwhile the screen waits for the interpreter."""

READ_BLOCK_BYTES = 1 << 16
"""Bytes read at once."""

MAX_SHOWN_LINE_BYTES = 1 << 16
"""Bytes of a line that are looked at: a server may send a message of any length."""

_TIME_AND_TYPE = re.compile(rb'\{"t":([^,]{1,20}),"type":"(\w+)"')


def no_time_limit(attempt: int) -> float:
    """As long as it lasted."""
    return math.inf


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One line of a trace."""

    attempt: int
    text: str
    """As it stands in the file, or its beginning."""
    size_bytes: int
    """Bytes of all of it."""

    @property
    def is_truncated(self) -> bool:
        """Whether there is more of it than is looked at."""
        return self.size_bytes > MAX_SHOWN_LINE_BYTES

    @property
    def fields(self) -> JsonObject | None:
        """What it says; None for a damaged line, and for one too long to be looked at."""
        try:
            fields = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return fields if isinstance(fields, dict) else None


@dataclass(slots=True)
class _AttemptTail:
    """One trace, read up to where it was left."""

    path: Path
    attempt: int
    inode: int = 0
    """Of the file system's, to see when another file has taken the name."""
    offset: int = 0
    """Bytes read."""
    line_start: int = 0
    """Where the line begins whose end was not read yet."""
    partial_line: bytes = b""
    """Of that line."""
    timing_collector: TimingCollector = field(default_factory=TimingCollector)
    latest_t_s: float = 0.0
    """The latest time that was read, in seconds on the attempt's clock."""

    def read_lines(self) -> list[tuple[int, int, bytes]]:
        """The next whole lines: start, size, and content, or the beginning of it."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            pieces = file.read(READ_BLOCK_BYTES).split(b"\n")
        lines = []
        for piece in pieces[:-1]:
            self.offset += len(piece) + 1
            lines.append(
                (
                    self.line_start,
                    self.offset - self.line_start - 1,
                    self.partial_line + piece[:MAX_SHOWN_LINE_BYTES],
                )
            )
            self.line_start, self.partial_line = self.offset, b""
        self.offset += len(pieces[-1])
        self.partial_line = (self.partial_line + pieces[-1])[:MAX_SHOWN_LINE_BYTES]
        return lines

    def is_replaced(self) -> bool:
        """Whether its name means another file now: a refused session's trace is set aside."""
        try:
            found = self.path.stat()
        except OSError:  # it is gone
            return True
        first = not self.inode
        self.inode = self.inode or found.st_ino
        return not first and (found.st_ino != self.inode or found.st_size < self.offset)


@dataclass(slots=True)
class _LineIndex:
    """Where the lines stand; only added to."""

    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    times_s: "array[float]" = field(default_factory=lambda: array("d"))
    sizes_bytes: "array[int]" = field(default_factory=lambda: array("Q"))
    tails: list[_AttemptTail] = field(default_factory=list)
    first_lines: list[int] = field(default_factory=list)
    """The number of the first line of each trace."""

    @property
    def end_lines(self) -> list[int]:
        """Behind the last line of each."""
        return [*self.first_lines[1:], len(self.sizes_bytes)]


class TraceTail:
    """Any thread may call `read`, and any look at what it has found: lines are only added."""

    def __init__(
        self, folder: Path, job: int, time_limit: Callable[[int], float] = no_time_limit
    ) -> None:
        """``time_limit``: up to when an attempt is looked at, in seconds on its own clock; asked
        anew each time, as in a replay it moves."""
        self.job = job
        self._folder = folder
        self._time_limit = time_limit
        self._lock = Lock()
        self.version = 0
        """Counts up when all of it begins anew."""
        self._reset()

    def _reset(self) -> None:
        self._lines = _LineIndex()  # another one: somebody may just be looking at the old one
        self.is_loaded = False
        """Whether all was read that was there."""
        self.timings: tuple[Timing, ...] = ()
        """Of each attempt that sent audio; replaced as a whole."""
        self.headers: dict[int, JsonObject] = {}
        """The first line of each attempt's trace, by its number."""
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
        """Reads on for a moment; True while there is more. Waits for disks."""
        with self._lock:
            if any(tail.is_replaced() for tail in self._lines.tails):
                self._reset()
            end, more = monotonic() + READ_SLICE_S, True
            while more and monotonic() < end:
                more = self._read_block()
            if not more:  # else all of hours would be ranked again and again
                self.timings = tuple(self._attempt_timings())
                self.is_loaded = True
            return more

    def _attempt_timings(self) -> Iterator[Timing]:
        for tail in self._lines.tails:
            timing = tail.timing_collector.timing(tail.attempt, self._time_limit(tail.attempt))
            if timing is not None:
                yield timing

    def _read_block(self) -> bool:
        tail = self._lines.tails[-1] if self._lines.tails else None
        if tail is None or not self._read_tail(tail):
            return self._open_next_trace()
        return True

    def _read_tail(self, tail: _AttemptTail) -> bool:
        """Reads on in one trace; False at its end."""
        before = tail.offset
        try:
            lines = tail.read_lines()
        except OSError:
            return False
        for start, size, line in lines:
            if (found := _TIME_AND_TYPE.match(line)) and size <= MAX_SHOWN_LINE_BYTES:
                with suppress(ValueError):  # a damaged line is as old as the one before
                    tail.latest_t_s = max(tail.latest_t_s, float(found[1]))
                if found[2] == b"trace":
                    self.headers[tail.attempt] = (
                        TraceEntry(0, line.decode(errors="replace"), 0).fields or {}
                    )
                tail.timing_collector.add_line(found[2].decode(), line, tail.latest_t_s)
            self._lines.times_s.append(tail.latest_t_s)
            self._lines.offsets.append(start)
            self._lines.sizes_bytes.append(size)
        return tail.offset > before

    def _open_next_trace(self) -> bool:
        """To the next attempt's trace; what the one before had to say is read by then."""
        lines = self._lines
        last = lines.tails[-1].attempt if lines.tails else 0
        for attempt, path in reader.trace_files(self._folder, self.job):
            if attempt > last:
                lines.first_lines.append(len(lines.sizes_bytes))
                lines.tails.append(_AttemptTail(path, attempt))
                return not lines.tails[-1].is_replaced()
        return False

    def entry(self, index: int) -> TraceEntry:
        """A line by its number; an empty one if all has just begun anew."""
        return next(self.entries(index), TraceEntry(0, "", 0))

    def entries(self, first: int) -> Iterator[TraceEntry]:
        """The lines from a number on, looked up in their files; whoever takes them may stop."""
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
