"""Reads traces: every line as a typed event, or only the lines that the transcript needs."""

import os
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from workers.errors import Malformed
from workers.jobs import events
from workers.jobs.events import Connecting, Ended, TraceEvent, TurnReceived
from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import Transcript
from workers.protocol import codec
from workers.protocol.codec import JsonObject
from workers.traces.chunk_times import ChunkTimes
from workers.traces.files import open_trace, trace_files
from workers.traces.format import HEAD_TYPE, MAX_LINE_BYTES, TRACE_VERSION, TimedEvent, TraceHead

LINE_START = re.compile(
    rb'\{"t":(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?),'
    rb'"type":(?:"(chunks|sent|received)"|"(progress)"|"turn","turn_order":(\d{1,9}),'
    rb'"end_of_turn":(?:(true)|false),|)'
)
"""The start of a line as `format.event_line` writes it. Groups: time, trace-only type, progress,
the order of a turn, and whether the turn is final."""

LINE_TYPE = re.compile(rb'\{"t":([^,]{1,20}),"type":"(\w+)"')
"""Time and type of any line, even of a damaged one."""

MAX_END_BYTES = 8192
"""The last line of a trace, with its certificate, has a tenth of it."""

_HEAD_FIELDS = ("version", "wall", "job", "attempt", "file")
_TRANSCRIPT_MARKERS = (b'"end_of_turn":true', b'"type":"connecting"')
"""Every line that is needed for the final turns of a transcript contains one of these."""
CHUNK_MARKERS = (b'"type":"began"', b'"type":"chunks"', b'"type":"slip"', b'"type":"waited"')
"""Every line that tells when chunks were due and sent contains one of these."""


@dataclass(frozen=True, slots=True)
class PartialText:
    """The text of a partial turn, which is all that most readers of partial turns need."""

    turn_order: int
    words: tuple[str, ...]


class TraceReader:
    """Iterates once over the events of a trace, with their times.

    Raises `Malformed`, with the name of the file and the line, for a file that is not a trace, for
    a newer format, and for a damaged line. A partial last line, left by a killed writer or a full
    disk, ends the trace without an error; a trace with a partial first line is empty.
    """

    def __init__(self, path: Path, markers: tuple[bytes, ...] = ()) -> None:
        """``markers``: read only lines that contain one of them; empty: all."""
        self._path = path
        self._records = _read_records(path, markers)
        _, first = next(self._records, (0, None))
        self.head = None if first is None else parse_head(first, path.name)
        """None for an empty trace."""
        self.chunk_times = ChunkTimes(self.head)
        """When each chunk was due and sent; complete after the last event."""

    def __iter__(self) -> Iterator[TimedEvent]:
        for number, record in self._records:
            timed = parse_event(record, f"{self._path.name}, line {number}")
            self.chunk_times.apply(timed)
            yield timed

    def with_partial_texts(self) -> Iterator[tuple[float, TraceEvent | PartialText]]:
        """The events with their times, and of partial turns only the text: three times as fast."""
        for number, record in self._records:
            if (partial := _partial_text(record)) is not None:
                yield partial
                continue
            timed = parse_event(record, f"{self._path.name}, line {number}")
            self.chunk_times.apply(timed)
            yield timed.t, timed.event


def _partial_text(record: JsonObject) -> tuple[float, PartialText] | None:
    """Time and text of a partial turn; None for another event, and for any field of another
    type."""
    if record.get("type") != TurnReceived.type or record.get("end_of_turn") is not False:
        return None
    t, order, words = record.get("t"), record.get("turn_order"), record.get("words")
    text = record.get("transcript")
    if (
        type(t) is not float
        or not abs(t) < codec.MAX_ABS_NUMBER
        or type(order) is not int
        or not isinstance(text, str)
    ):
        return None
    if not isinstance(words, list):
        return None
    texts = [word.get("text") if isinstance(word, dict) else None for word in words]
    if not all(isinstance(one, str) for one in texts):
        return None
    return t, PartialText(order, tuple(map(str, texts)) or tuple(text.split()))


def has_end(path: Path) -> bool:
    """Whether a trace ends with the end of its attempt. Looks only at its last bytes; an end that
    is longer is not found. Raises `OSError`."""
    with open_trace(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - MAX_END_BYTES))
        last = file.read(MAX_END_BYTES).removesuffix(b"\n").rpartition(b"\n")[2]
    match = LINE_TYPE.match(last)
    return match is not None and match[2] == Ended.type.encode()


def read_head(path: Path) -> TraceHead | None:
    """The head of a trace; None for an empty one. Raises `Malformed` or `OSError`."""
    with closing(_read_records(path)) as records:
        _, first = next(records, (0, None))
    return None if first is None else parse_head(first, path.name)


def read_trace(path: Path) -> Iterator[TimedEvent]:
    """The events of a trace in order; raises `Malformed` as `TraceReader` does."""
    return iter(TraceReader(path))


def read_transcript(folder: Path, job: int, last_attempt: int) -> Transcript:
    """Reads the final turns of a job up to ``last_attempt``, as far as its traces are undamaged.
    Takes a second for three hours of speech."""
    transcript = Transcript()
    for event in transcript_events(folder, job, last_attempt):
        apply_to_transcript(transcript, event)
    return transcript


def apply_to_transcript(transcript: Transcript, event: Connecting | TurnReceived) -> None:
    """Applies an event of `transcript_events`."""
    match event:
        case Connecting() as connecting:
            transcript.rewind_to(ResumePoint.from_connecting(connecting))
        case TurnReceived(turn=turn):
            transcript.apply(turn)


def transcript_events(
    folder: Path, job: int, last_attempt: int
) -> Iterator[Connecting | TurnReceived]:
    """What the final turns of a job follow from, in the order of its traces."""
    for attempt, path in trace_files(folder, job):
        if attempt > last_attempt:
            break
        try:
            for number, record in _read_records(path, _TRANSCRIPT_MARKERS):
                if number == 1:
                    parse_head(record, path.name)
                    continue
                event = parse_event(record, f"{path.name}, line {number}").event
                if isinstance(event, Connecting | TurnReceived):
                    yield event
        except (Malformed, OSError):  # the events before the damage are used
            continue


def parse_head(record: JsonObject, name: str) -> TraceHead:
    """Reads the head from a trace's first line; raises `Malformed`. ``name`` is the file name.
    Damaged settings, seam or recording become defaults, as the events are still readable."""
    if record.get("type") != HEAD_TYPE:
        raise Malformed(f"{name} is not a trace")
    try:
        head = codec.load(TraceHead, record, name)
    except Malformed:
        record = {field: record[field] for field in _HEAD_FIELDS if field in record}
        head = codec.load(TraceHead, record, name)
    if not 1 <= head.version <= TRACE_VERSION:
        reason = f"{name} has format version {head.version}"
        raise Malformed(reason, f"This program reads versions up to {TRACE_VERSION}.")
    return head


def parse_event(record: JsonObject, where: str) -> TimedEvent:
    """Reads the event of a line; raises `Malformed`, which mentions the line as ``where``."""
    t = record.pop("t", None)
    if isinstance(t, bool) or not isinstance(t, int | float) or not abs(t) < codec.MAX_ABS_NUMBER:
        raise Malformed(f"{where}: t is not a time")
    try:
        return TimedEvent(t, events.event_from_json(record))
    except Malformed as error:
        raise Malformed(f"{where}: {error.reason}") from error


def _read_records(path: Path, markers: tuple[bytes, ...] = ()) -> Generator[tuple[int, JsonObject]]:
    """Yields the number and the object of each line, and stops at a partial last line. With
    ``markers``, yields only the first line and lines that contain one of them."""
    with open_trace(path) as file:
        for number in count(1):
            where = f"{path.name}, line {number}"
            line = file.readline(MAX_LINE_BYTES)
            if len(line) == MAX_LINE_BYTES:
                raise Malformed(f"{where} is too long")
            if not line:
                return
            if markers and number > 1 and not any(marker in line for marker in markers):
                continue
            try:
                record = codec.parse_object(line, where)
            except Malformed:
                if line.endswith(b"\n"):
                    raise
                return  # a partial last line
            yield number, record
