"""Finds any moment of an attempt quickly, and reads only the events that matter there.

Locating a line is much faster than parsing it, and a later partial turn replaces the earlier ones
of the same turn. So all lines are located once, and each is parsed only when its event is needed.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, TypeVar

from workers.errors import Malformed
from workers.jobs.events import TRACE_ONLY, Event
from workers.jobs.job_state import METER_CHUNKS
from workers.protocol import codec
from workers.traces.files import open_trace
from workers.traces.format import MAX_LINE_BYTES
from workers.traces.reader import LINE_START, parse_event, parse_head

E = TypeVar("E", bound=Event)

MAX_TIME_S = 366 * 86400.0
"""A line with a later time, in seconds, is damaged: no session lasts a year."""


class _LineKind(IntEnum):
    RARE = 0
    PROGRESS = 1
    UNREPLACEABLE_TURN = 2
    """A turn without words, or one that was cut off; it does not repeat earlier partial turns."""
    PARTIAL = 3  # repeats earlier versions of its turn; a later line may replace it
    FINAL = 4  # like a partial turn, but nothing replaces it
    PROGRESS_BEFORE_FINAL = 5
    """The progress that `format.needs_progress_first` requires before a final turn."""


class TraceIndex:
    """The events of one attempt by time. Needs 25 bytes per line, and keeps final turns once read.

    Indexing stops at bytes that are not a line of a trace. A line that looks valid but cannot be
    parsed is skipped.
    """

    def __init__(self, path: Path) -> None:
        """Locates the lines. A file that is not a trace counts as damaged and has none."""
        self._path = path
        self._times_s = array("d")
        self._offsets = array("q")
        self._line_kinds = bytearray()
        self._turn_orders = array("q")
        self._cached_events: dict[int, Event] = {}
        """Rare events, final turns (kept in a transcript anyway) and the progress before each."""
        self.damage: tuple[float, str] | None = None
        """Time and description of the first known damage."""
        self.started_s = 0.0
        """When its first line was written, in seconds since the epoch; 0 if that is unknown."""
        try:
            with open_trace(path) as file:
                first = file.readline(MAX_LINE_BYTES)
                if first.endswith(b"\n"):  # otherwise the line is incomplete, and there is no event
                    head = parse_head(codec.parse_object(first, f"{path.name}, line 1"), path.name)
                    started_at = datetime.fromisoformat(head.wall).astimezone(UTC)
                    if not 1970 <= started_at.year < 9000:  # `datetime` arithmetic has limits
                        raise Malformed(f"{path.name} was written in the year {started_at.year}")
                    self.started_s = started_at.timestamp()
                    self._scan_lines(file)
        except (Malformed, OSError, ValueError, OverflowError) as damage:
            self.damage = self.end_s, str(damage)

    @property
    def end_s(self) -> float:
        """Time of the last line, in seconds on the attempt's clock."""
        return self._times_s[-1] if self._times_s else 0.0

    def find(self, kind: type[E]) -> Iterator[tuple[float, E]]:
        """All events of a type, except progress and turns, with their times."""
        for index, event in list(self._cached_events.items()):
            if self._line_kinds[index] == _LineKind.RARE and isinstance(event, kind):
                yield self._times_s[index], event

    def first(self, kind: type[E]) -> E | None:
        """The first event of a type, except progress and turns; None without one."""
        return next((event for _, event in self.find(kind)), None)

    def events_between(self, after_s: float, until_s: float) -> Iterator[tuple[float, Event]]:
        """The events after ``after_s`` and up to ``until_s``, without those that a later one
        replaces. A fold over them ends in the same state as a fold over every event."""
        first, last = bisect_right(self._times_s, after_s), bisect_right(self._times_s, until_s)
        if first == last or (file := self._open(first)) is None:
            return
        with file:
            for index in self._needed_lines(first, last):
                if (event := self._load_event(file, index)) is not None:
                    yield self._times_s[index], event

    def drop_after_damage(self) -> None:
        """Drops the first damaged line and all after it. A job resumes after its last final turn,
        so no earlier turn may be missing."""
        known, self.damage = self.damage, None
        if self._offsets and (file := self._open(0)) is not None:
            with file:
                for index in self._needed_lines(0, len(self._offsets)):
                    if self._load_event(file, index) is None:
                        for column in (self._times_s, self._offsets, self._turn_orders):
                            del column[index:]
                        del self._line_kinds[index:]
                        kept = {i: e for i, e in self._cached_events.items() if i < index}
                        self._cached_events = kept
                        self.drop_after_damage()  # partial turns that it replaced are needed now
                        return
        self.damage = self.damage or known

    def _open(self, index: int) -> BinaryIO | None:
        try:
            return open_trace(self._path)
        except OSError as error:  # renamed by a run in progress
            self.damage = self.damage or (self._times_s[index], str(error))
            return None

    def _scan_lines(self, file: BinaryIO) -> None:
        offset, latest_s, progress_line = file.tell(), 0.0, -1
        while line := file.readline(MAX_LINE_BYTES):
            if not line.endswith(b"\n"):
                try:
                    codec.parse_object(line, "")
                except Malformed:
                    return  # incomplete, or being written now
            found = LINE_START.match(line)
            if found is None or float(found[1]) > MAX_TIME_S:
                raise Malformed(f"{self._path.name}, byte {offset} is not a line of a trace")
            t, trace_only, progress, order, final = found.groups()
            if not trace_only:
                index = len(self._offsets)
                latest_s = max(latest_s, float(t))
                if order is None:
                    kind = _LineKind.PROGRESS if progress else _LineKind.RARE
                else:
                    kind = _LineKind.FINAL if final else _LineKind.PARTIAL
                    words = line.partition(b',"words":[')[2]
                    if not words.startswith(b"{") or line.rstrip().endswith(b',"cut":true}'):
                        kind = _LineKind.UNREPLACEABLE_TURN
                self._times_s.append(latest_s)
                self._offsets.append(offset)
                self._turn_orders.append(int(order or 0))
                self._line_kinds.append(kind)
                if kind == _LineKind.RARE:
                    self._cached_events[index] = self._parse_line(line, index)
                elif kind == _LineKind.PROGRESS:
                    progress_line = index
                elif kind == _LineKind.FINAL and progress_line >= 0:
                    self._line_kinds[progress_line] = _LineKind.PROGRESS_BEFORE_FINAL
            offset += len(line)

    def _needed_lines(self, first: int, last: int) -> list[int]:
        """The lines that suffice for the same `JobState` as all lines.

        These are the latest version of each turn, the progress before each turn (see
        `format.needs_progress_first`), and as many further progress lines as a meter has chunks:
        each has the level of at least one.
        """
        needed: list[int] = []
        replaced: set[int] = set()
        meter_reports, progress_wanted = METER_CHUNKS, False
        for index in range(last - 1, first - 1, -1):
            kind, order = self._line_kinds[index], self._turn_orders[index]
            if kind in (_LineKind.PROGRESS, _LineKind.PROGRESS_BEFORE_FINAL):
                if not meter_reports and not progress_wanted:
                    continue
                meter_reports, progress_wanted = max(meter_reports - 1, 0), False
            elif kind == _LineKind.PARTIAL and order in replaced:
                continue
            elif kind != _LineKind.RARE:
                progress_wanted = True
                if kind != _LineKind.UNREPLACEABLE_TURN:
                    replaced.add(order)
            needed.append(index)
        return needed[::-1]

    def _load_event(self, file: BinaryIO, index: int) -> Event | None:
        if (known := self._cached_events.get(index)) is not None:
            return known
        file.seek(self._offsets[index])
        try:
            event = self._parse_line(file.readline(MAX_LINE_BYTES), index)
        except Malformed as damage:
            self.damage = self.damage or (self._times_s[index], str(damage))
            return None
        if self._line_kinds[index] in (_LineKind.FINAL, _LineKind.PROGRESS_BEFORE_FINAL):
            self._cached_events[index] = event
        return event

    def _parse_line(self, line: bytes, index: int) -> Event:
        where = f"{self._path.name}, byte {self._offsets[index]}"
        event = parse_event(codec.parse_object(line, where), where).event
        if isinstance(event, TRACE_ONLY):
            raise Malformed(f"{where} has two different types")
        return event
