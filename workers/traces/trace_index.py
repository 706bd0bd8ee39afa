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

METER_REPORTS = 20
"""So many reports of progress are read before any moment: what they say of the sound's level is
shown side by side."""

_LINE_START = re.compile(
    rb'\{"t":(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?),'
    rb'"type":(?:"(chunks|sent|received)"|"(progress)"|"turn","turn_order":(\d{1,9}),'
    rb'"end_of_turn":(?:(true)|false),|)'
)
"""How `trace.TraceWriter` begins a line."""

_MAX_TIME_S = 366 * 86400.0
"""Seconds: no session lasts for a year. A calendar has an end, and so has a clock."""

_VALID_YEARS = range(1970, 9000)
"""In which a trace may have been written, for the same reason."""

_WORDS_FIELD = b',"words":['
_CUT_FIELD = b',"cut":true}'


class _LineKind(IntEnum):
    RARE = 0
    PROGRESS = 1
    UNREPLACEABLE_TURN = 2
    """It is read in any case."""
    PARTIAL = 3
    """It says all that an earlier partial of its turn said, and may be replaced itself."""
    FINAL = 4
    """The same, and nothing replaces it."""
    PROGRESS_BEFORE_FINAL = 5
    """The last progress before a final: what can have been heard by then is bounded by it."""


class TraceIndex:
    """The events of one attempt. Memory: 25 bytes a line, and the finals that were read.

    What is behind something that is no line of a trace does not count; a line that is damaged in
    itself is left out, once somebody wants it.
    """

    def __init__(self, path: Path) -> None:
        """Finds the lines. What is no trace has none, and is damaged."""
        self._path = path
        self._times = array("d")
        self._offsets = array("q")
        self._line_kinds = bytearray()
        self._turn_orders = array("q")
        self._cached_events: dict[int, Event] = {}
        """Finals, which a transcript keeps anyway, their witnesses, and what is rare."""
        self.damage: tuple[float, str] | None = None
        """When it was damaged first, and how; of single lines only when they are read."""
        self.started_at = datetime.fromtimestamp(0, UTC)
        """When its first line was written; the epoch when that cannot be known."""
        try:
            with path.open("rb") as file:
                if file.readline(trace_file.MAX_LINE_BYTES).endswith(b"\n"):  # else torn: no event
                    self.started_at = _read_start_time(path)
                    self._scan_lines(file)
        except (Malformed, OSError, ValueError, OverflowError) as damage:
            self.damage = self.end_s, str(damage)

    @property
    def end_s(self) -> float:
        """When the last line was written, in seconds on its own clock."""
        return self._times[-1] if self._times else 0.0

    @property
    def rare_events(self) -> Iterator[tuple[float, Event]]:
        """Everything but progress and turns."""
        for index, event in list(self._cached_events.items()):
            if self._line_kinds[index] == _LineKind.RARE:
                yield self._times[index], event

    def events_between(self, after_s: float, until_s: float) -> Iterator[tuple[float, Event]]:
        """What happened from ``after_s`` (left out) to ``until_s``, as far as it is not replaced.

        Whoever folds over it stands where he would with every event.
        """
        first, last = bisect_right(self._times, after_s), bisect_right(self._times, until_s)
        if first == last:
            return
        try:
            file = self._path.open("rb")
        except OSError as gone:  # set aside, by a run that is at work
            self.damage = self.damage or (self._times[first], str(gone))
            return
        with file:
            for index in self._needed_lines(first, last):
                if (event := self._load_event(file, index)) is not None:
                    yield self._times[index], event

    def _scan_lines(self, file: BinaryIO) -> None:
        offset, latest, progressed = file.tell(), 0.0, -1
        while line := file.readline(trace_file.MAX_LINE_BYTES):
            if not line.endswith(b"\n") and not _is_complete_json(line):
                return  # torn, or being written now
            found = _LINE_START.match(line)
            if found is None or float(found[1]) > _MAX_TIME_S:
                raise Malformed(f"{self._path.name}, byte {offset} is no line of a trace")
            t, unseen, progress, order, final = found.groups()
            if not unseen:
                latest = max(latest, float(t))
                self._times.append(latest)
                self._offsets.append(offset)
                self._turn_orders.append(int(order or 0))
                self._line_kinds.append(_line_kind(line, progress, order, final))
                if self._line_kinds[-1] == _LineKind.RARE:
                    self._cache_rare_event(line)
                elif self._line_kinds[-1] == _LineKind.PROGRESS:
                    progressed = len(self._line_kinds) - 1
                elif self._line_kinds[-1] == _LineKind.FINAL and progressed >= 0:
                    self._line_kinds[progressed] = _LineKind.PROGRESS_BEFORE_FINAL
            offset += len(line)

    def _cache_rare_event(self, line: bytes) -> None:
        event = _parse_event(line, f"{self._path.name}, byte {self._offsets[-1]}")
        self._cached_events[len(self._times) - 1] = event

    def _needed_lines(self, first: int, last: int) -> list[int]:
        """The lines that something hangs on: what `JobState` would know without the others."""
        kept: list[int] = []
        replaced: set[int] = set()
        levels, owed = METER_REPORTS, False
        for index in range(last - 1, first - 1, -1):
            kind, order = self._line_kinds[index], self._turn_orders[index]
            if kind in (_LineKind.PROGRESS, _LineKind.PROGRESS_BEFORE_FINAL):
                if not levels and not owed:
                    continue
                levels, owed = max(levels - 1, 0), False
            elif kind == _LineKind.PARTIAL and order in replaced:
                continue
            elif kind != _LineKind.RARE:
                owed = True  # up to where audio had left by then bounds what can have been heard
                if kind != _LineKind.UNREPLACEABLE_TURN:
                    replaced.add(order)
            kept.append(index)
        return kept[::-1]

    def _load_event(self, file: BinaryIO, index: int) -> Event | None:
        if (known := self._cached_events.get(index)) is not None:
            return known
        file.seek(self._offsets[index])
        try:
            where = f"{self._path.name}, byte {self._offsets[index]}"
            event = _parse_event(file.readline(trace_file.MAX_LINE_BYTES), where)
        except Malformed as damage:
            self.damage = self.damage or (self._times[index], str(damage))
            return None
        if self._line_kinds[index] in (_LineKind.FINAL, _LineKind.PROGRESS_BEFORE_FINAL):
            self._cached_events[index] = event
        return event


def _read_start_time(path: Path) -> datetime:
    wall = datetime.fromisoformat(trace_file.read_head(path).wall).astimezone(UTC)
    if wall.year not in _VALID_YEARS:
        raise Malformed(f"{path.name} was written in the year {wall.year}")
    return wall


def _line_kind(
    line: bytes, progress: bytes | None, order: bytes | None, final: bytes | None
) -> _LineKind:
    """A turn without words, or cut, does not say all that was said of it before."""
    if order is None:
        return _LineKind.PROGRESS if progress else _LineKind.RARE
    words = line.find(_WORDS_FIELD) + len(_WORDS_FIELD)
    if (
        words < len(_WORDS_FIELD)
        or line[words : words + 1] != b"{"
        or line.rstrip().endswith(_CUT_FIELD)
    ):
        return _LineKind.UNREPLACEABLE_TURN
    return _LineKind.FINAL if final else _LineKind.PARTIAL


def _is_complete_json(line: bytes) -> bool:
    try:
        codec.parse_object(line, "")
    except Malformed:
        return False
    return True


def _parse_event(line: bytes, where: str) -> Event:
    record = codec.parse_object(line, where)
    record.pop("t", None)
    try:
        event = events.event_from_json(record)
    except Malformed as error:
        raise Malformed(f"{where}: {error.reason}") from error
    if isinstance(event, TRACE_ONLY):
        raise Malformed(f"{where} is of another kind than it says")
    return event
