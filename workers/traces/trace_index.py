"""A reel: the trace of one attempt, indexed by its moments, so that any of them can be gone to.

Finding a line's moment is quick, reading its event is not, and most readings of a turn are replaced
by the next. So lines are found once, and read only when something hangs on them.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from workers.errors import Malformed
from workers.jobs import events
from workers.jobs.events import TRACE_ONLY, Event
from workers.protocol import codec
from workers.traces import trace_file

LEVELS = 20
"""So many reports of progress are read before any moment: what they say of the sound's level is
shown side by side."""

_LINE = re.compile(
    rb'\{"t":(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?),'
    rb'"type":(?:"(chunks|sent|received)"|"(progress)"|"turn","turn_order":(\d{1,9}),'
    rb'"end_of_turn":(?:(true)|false),|)'
)
"""How `trace.TraceWriter` begins a line."""

_LONGEST = 366 * 86400.0
"""Seconds: no session lasts for a year. A calendar has an end, and so has a clock."""

_YEARS = range(1970, 9000)
"""In which a trace may have been written, for the same reason."""

_WORDS = b',"words":['
_CUT = b',"cut":true}'


class _Kind(IntEnum):
    RARE = 0
    PROGRESS = 1
    TURN = 2
    """It is read in any case."""
    PARTIAL = 3
    """It says all that an earlier partial of its turn said, and may be replaced itself."""
    FINAL = 4
    """The same, and nothing replaces it."""
    WITNESS = 5
    """The last progress before a final: what can have been heard by then is bounded by it."""


class Reel:
    """The events of one attempt. Memory: 25 bytes a line, and the finals that were read.

    What is behind something that is no line of a trace does not count; a line that is damaged in
    itself is left out, once somebody wants it.
    """

    def __init__(self, path: Path) -> None:
        """Finds the lines. What is no trace has none, and is damaged."""
        self._path = path
        self._times = array("d")
        self._offsets = array("q")
        self._kinds = bytearray()
        self._orders = array("q")
        self._read: dict[int, Event] = {}
        """Finals, which a transcript keeps anyway, their witnesses, and what is rare."""
        self.damage: tuple[float, str] | None = None
        """When it was damaged first, and how; of single lines only when they are read."""
        self.wall = datetime.fromtimestamp(0, UTC)
        """When its first line was written; the epoch when that cannot be known."""
        try:
            with path.open("rb") as file:
                if file.readline(trace_file.LONGEST_LINE).endswith(b"\n"):  # else torn: no event
                    self.wall = _wall(path)
                    self._find(file)
        except (Malformed, OSError, ValueError, OverflowError) as damage:
            self.damage = self.end, str(damage)

    @property
    def end(self) -> float:
        """When the last line was written, in seconds on its own clock."""
        return self._times[-1] if self._times else 0.0

    @property
    def rare(self) -> Iterator[tuple[float, Event]]:
        """Everything but progress and turns."""
        for index, event in list(self._read.items()):
            if self._kinds[index] == _Kind.RARE:
                yield self._times[index], event

    def between(self, after: float, until: float) -> Iterator[tuple[float, Event]]:
        """What happened from ``after`` (left out) to ``until``, as far as it is not replaced.

        Whoever folds over it stands where he would with every event.
        """
        first, last = bisect_right(self._times, after), bisect_right(self._times, until)
        if first == last:
            return
        try:
            file = self._path.open("rb")
        except OSError as gone:  # set aside, by a run that is at work
            self.damage = self.damage or (self._times[first], str(gone))
            return
        with file:
            for index in self._needed(first, last):
                if (event := self._event(file, index)) is not None:
                    yield self._times[index], event

    def _find(self, file: BinaryIO) -> None:
        offset, latest, progressed = file.tell(), 0.0, -1
        while line := file.readline(trace_file.LONGEST_LINE):
            if not line.endswith(b"\n") and not _whole(line):
                return  # torn, or being written now
            found = _LINE.match(line)
            if found is None or float(found[1]) > _LONGEST:
                raise Malformed(f"{self._path.name}, byte {offset} is no line of a trace")
            t, unseen, progress, order, final = found.groups()
            if not unseen:
                latest = max(latest, float(t))
                self._times.append(latest)
                self._offsets.append(offset)
                self._orders.append(int(order or 0))
                self._kinds.append(_kind(line, progress, order, final))
                if self._kinds[-1] == _Kind.RARE:
                    self._keep_rare(line)
                elif self._kinds[-1] == _Kind.PROGRESS:
                    progressed = len(self._kinds) - 1
                elif self._kinds[-1] == _Kind.FINAL and progressed >= 0:
                    self._kinds[progressed] = _Kind.WITNESS
            offset += len(line)

    def _keep_rare(self, line: bytes) -> None:
        event = _parsed(line, f"{self._path.name}, byte {self._offsets[-1]}")
        self._read[len(self._times) - 1] = event

    def _needed(self, first: int, last: int) -> list[int]:
        """The lines that something hangs on: what `JobHistory` would know without the others."""
        kept: list[int] = []
        replaced: set[int] = set()
        levels, owed = LEVELS, False
        for index in range(last - 1, first - 1, -1):
            kind, order = self._kinds[index], self._orders[index]
            if kind in (_Kind.PROGRESS, _Kind.WITNESS):
                if not levels and not owed:
                    continue
                levels, owed = max(levels - 1, 0), False
            elif kind == _Kind.PARTIAL and order in replaced:
                continue
            elif kind != _Kind.RARE:
                owed = True  # up to where audio had left by then bounds what can have been heard
                if kind != _Kind.TURN:
                    replaced.add(order)
            kept.append(index)
        return kept[::-1]

    def _event(self, file: BinaryIO, index: int) -> Event | None:
        if (known := self._read.get(index)) is not None:
            return known
        file.seek(self._offsets[index])
        try:
            where = f"{self._path.name}, byte {self._offsets[index]}"
            event = _parsed(file.readline(trace_file.LONGEST_LINE), where)
        except Malformed as damage:
            self.damage = self.damage or (self._times[index], str(damage))
            return None
        if self._kinds[index] in (_Kind.FINAL, _Kind.WITNESS):
            self._read[index] = event
        return event


def _wall(path: Path) -> datetime:
    wall = datetime.fromisoformat(trace_file.head(path).wall).astimezone(UTC)
    if wall.year not in _YEARS:
        raise Malformed(f"{path.name} was written in the year {wall.year}")
    return wall


def _kind(line: bytes, progress: bytes | None, order: bytes | None, final: bytes | None) -> _Kind:
    """A turn without words, or cut, does not say all that was said of it before."""
    if order is None:
        return _Kind.PROGRESS if progress else _Kind.RARE
    words = line.find(_WORDS) + len(_WORDS)
    if words < len(_WORDS) or line[words : words + 1] != b"{" or line.rstrip().endswith(_CUT):
        return _Kind.TURN
    return _Kind.FINAL if final else _Kind.PARTIAL


def _whole(line: bytes) -> bool:
    try:
        codec.parsed(line, "")
    except Malformed:
        return False
    return True


def _parsed(line: bytes, where: str) -> Event:
    record = codec.parsed(line, where)
    record.pop("t", None)
    try:
        event = events.from_json(record)
    except Malformed as error:
        raise Malformed(f"{where}: {error.reason}") from error
    if isinstance(event, TRACE_ONLY):
        raise Malformed(f"{where} is of another kind than it says")
    return event
