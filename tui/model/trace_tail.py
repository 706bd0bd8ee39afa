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

from tui.model.attempt_timing import Timing, Trail
from workers.protocol.codec import JsonObject
from workers.runs import reader

SLICE = 0.008
"""Seconds that one `Record.read` takes, about: meanwhile the screen waits for the interpreter."""

PIECE = 1 << 16
"""Bytes read at once."""

LONGEST = 1 << 16
"""Bytes of a line that are looked at: a server may send a message of any length."""

_KIND = re.compile(rb'\{"t":([^,]{1,20}),"type":"(\w+)"')


def endless(attempt: int) -> float:
    """As long as it lasted."""
    return math.inf


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a trace."""

    attempt: int
    text: str
    """As it stands in the file, or its beginning."""
    size: int
    """Bytes of all of it."""

    @property
    def cut(self) -> bool:
        """Whether there is more of it than is looked at."""
        return self.size > LONGEST

    @property
    def fields(self) -> JsonObject | None:
        """What it says; None for a damaged line, and for one too long to be looked at."""
        try:
            fields = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return fields if isinstance(fields, dict) else None


@dataclass(slots=True)
class _Tail:
    """One trace, read up to where it was left."""

    path: Path
    attempt: int
    file_number: int = 0
    """Of the file system's, to see when another file has taken the name."""
    at: int = 0
    """Bytes read."""
    start: int = 0
    """Where the line begins whose end was not read yet."""
    rest: bytes = b""
    """Of that line."""
    trail: Trail = field(default_factory=Trail)
    t: float = 0.0
    """The latest time that was read, in seconds on the attempt's clock."""

    def read(self) -> list[tuple[int, int, bytes]]:
        """The next whole lines: start, size, and content, or the beginning of it."""
        with self.path.open("rb") as file:
            file.seek(self.at)
            pieces = file.read(PIECE).split(b"\n")
        lines = []
        for piece in pieces[:-1]:
            self.at += len(piece) + 1
            lines.append((self.start, self.at - self.start - 1, self.rest + piece[:LONGEST]))
            self.start, self.rest = self.at, b""
        self.at += len(pieces[-1])
        self.rest = (self.rest + pieces[-1])[:LONGEST]
        return lines

    def replaced(self) -> bool:
        """Whether its name means another file now: a refused session's trace is set aside."""
        try:
            found = self.path.stat()
        except OSError:  # it is gone
            return True
        first = not self.file_number
        self.file_number = self.file_number or found.st_ino
        return not first and (found.st_ino != self.file_number or found.st_size < self.at)


@dataclass(slots=True)
class _Lines:
    """Where the lines stand; only added to."""

    starts: "array[int]" = field(default_factory=lambda: array("Q"))
    times: "array[float]" = field(default_factory=lambda: array("d"))
    sizes: "array[int]" = field(default_factory=lambda: array("Q"))
    tails: list[_Tail] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    """The number of the first line of each trace."""

    @property
    def ends(self) -> list[int]:
        """Behind the last line of each."""
        return [*self.firsts[1:], len(self.sizes)]


class Record:
    """Any thread may call `read`, and any look at what it has found: lines are only added."""

    def __init__(self, folder: Path, job: int, until: Callable[[int], float] = endless) -> None:
        """``until``: up to when an attempt is looked at, in seconds on its own clock; asked anew
        each time, as in a replay it moves."""
        self.job = job
        self._folder = folder
        self._until = until
        self._lock = Lock()
        self.edition = 0
        """Counts up when all of it begins anew."""
        self._forget()

    def _forget(self) -> None:
        self._lines = _Lines()  # another one: somebody may just be looking at the old one
        self.begun = False
        """Whether all was read that was there."""
        self.timings: tuple[Timing, ...] = ()
        """Of each attempt that sent audio; replaced as a whole."""
        self.heads: dict[int, JsonObject] = {}
        """The first line of each attempt's trace, by its number."""
        self.edition += 1

    def __len__(self) -> int:
        lines, end = self._lines, 0
        for tail, first, end in zip(lines.tails, lines.firsts, lines.ends, strict=False):
            shown = bisect_right(lines.times, self._until(tail.attempt), first, end)
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
            if any(tail.replaced() for tail in self._lines.tails):
                self._forget()
            end, more = monotonic() + SLICE, True
            while more and monotonic() < end:
                more = self._read_piece()
            if not more:  # else all of hours would be ranked again and again
                self.timings = tuple(self._timed())
                self.begun = True
            return more

    def _timed(self) -> Iterator[Timing]:
        for tail in self._lines.tails:
            timing = tail.trail.timing(tail.attempt, self._until(tail.attempt))
            if timing is not None:
                yield timing

    def _read_piece(self) -> bool:
        tail = self._lines.tails[-1] if self._lines.tails else None
        if tail is None or not self._take(tail):
            return self._go_on()
        return True

    def _take(self, tail: _Tail) -> bool:
        """Reads on in one trace; False at its end."""
        before = tail.at
        try:
            lines = tail.read()
        except OSError:
            return False
        for start, size, line in lines:
            if (found := _KIND.match(line)) and size <= LONGEST:
                with suppress(ValueError):  # a damaged line is as old as the one before
                    tail.t = max(tail.t, float(found[1]))
                if found[2] == b"trace":
                    self.heads[tail.attempt] = (
                        Entry(0, line.decode(errors="replace"), 0).fields or {}
                    )
                tail.trail.take(found[2].decode(), line, tail.t)
            self._lines.times.append(tail.t)
            self._lines.starts.append(start)
            self._lines.sizes.append(size)
        return tail.at > before

    def _go_on(self) -> bool:
        """To the next attempt's trace; what the one before had to say is read by then."""
        lines = self._lines
        last = lines.tails[-1].attempt if lines.tails else 0
        for attempt, path in reader.traces(self._folder, self.job):
            if attempt > last:
                lines.firsts.append(len(lines.sizes))
                lines.tails.append(_Tail(path, attempt))
                return not lines.tails[-1].replaced()
        return False

    def entry(self, index: int) -> Entry:
        """A line by its number; an empty one if all has just begun anew."""
        return next(self.entries(index), Entry(0, "", 0))

    def entries(self, first: int) -> Iterator[Entry]:
        """The lines from a number on, looked up in their files; whoever takes them may stop."""
        lines = self._lines
        for which in range(max(bisect_right(lines.firsts, first) - 1, 0), len(lines.tails)):
            ends = lines.firsts[which + 1 : which + 2] or [len(lines.sizes)]
            yield from _entries(lines, lines.tails[which], first, ends[0])
            first = ends[0]


def _entries(lines: _Lines, tail: _Tail, first: int, end: int) -> Iterator[Entry]:
    try:
        with tail.path.open("rb") as file:
            for index in range(first, end):
                file.seek(lines.starts[index])
                size = lines.sizes[index]
                line = file.read(min(size, LONGEST))
                yield Entry(tail.attempt, line.decode(errors="replace"), size)
    except OSError as error:
        yield Entry(tail.attempt, f"cannot be read ({error.strerror})", 0)
