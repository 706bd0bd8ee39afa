"""The lines of a trace as a person reads them: one row each, or one of them at full length."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import assert_never

from tui.render.gauges import format_lag_ms
from tui.render.sentences import wrap_sentence
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit, tail
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.events import (
    Began,
    ChunksSent,
    Connecting,
    Ended,
    MessageReceived,
    MessageSent,
    Outcome,
    Progressed,
    Queued,
    Retrying,
    Slipped,
    TraceEvent,
    TurnReceived,
    Warned,
)
from workers.protocol.codec import Json
from workers.traces.format import TraceHead
from workers.traces.tail import TraceEntry, entry_content

KIND_WIDTH = 15
"""Cells of what an event is called."""

MAX_EVENT_CHARS = 2000
"""Characters of an event that a row may show and a filter looks at."""


class Direction(Enum):
    """Where an event comes from."""

    LOCAL = auto()
    SENT = auto()
    RECEIVED = auto()


@dataclass(frozen=True, slots=True)
class EventSummary:
    """An event in words."""

    direction: Direction
    kind: str
    text: str
    role: Role = Role.TEXT
    prefix: str = ""
    """Stands before the text, of which the end is shown where it does not fit."""
    elapsed_s: float | None = None
    """Seconds since the attempt's process started."""

    @property
    def search_text(self) -> str:
        """What a filter looks at."""
        return f"{self.direction.name} {self.kind} {self.prefix}{self.text}".casefold()


def event_summary(entry: TraceEntry) -> EventSummary:
    """What a line of a trace says; nothing in it is taken on trust."""
    fields = entry.fields
    if fields is None:
        why = f"{entry.size_bytes} bytes" if entry.is_truncated else "damaged"
        return EventSummary(Direction.LOCAL, why, clean(entry.text, MAX_EVENT_CHARS), Role.WARNING)
    t = fields.get("t")
    content = entry_content(fields)
    if content is None:  # of a newer program, or damaged
        summary = EventSummary(Direction.LOCAL, str(fields.get("type")), _json_text(fields))
    else:
        summary = _summarise(entry.attempt, content)
    return replace(
        summary,
        kind=clean(summary.kind, KIND_WIDTH),
        text=clean(summary.text, MAX_EVENT_CHARS),
        elapsed_s=float(t) if isinstance(t, int | float) and abs(t) < 1e9 else None,
    )


def search_text(entry: TraceEntry) -> str:
    """What a filter searches in a line."""
    return event_summary(entry).search_text


def _summarise(attempt: int, content: TraceHead | TraceEvent) -> EventSummary:
    match content:
        case TraceHead():
            return EventSummary(Direction.LOCAL, f"attempt {attempt}", content.wall, Role.BRAND)
        case TurnReceived():
            return _turn_summary(content)
        case ChunksSent():
            return EventSummary(Direction.SENT, content.type, _chunks_text(content), Role.MUTED)
        case MessageSent():
            return EventSummary(Direction.SENT, *_message_summary(content.message), Role.LIVE)
        case MessageReceived():
            return EventSummary(Direction.RECEIVED, *_message_summary(content.message))
        case Warned():
            return EventSummary(Direction.RECEIVED, content.type, content.warning, Role.WARNING)
        case Progressed():
            sent, total = _duration(content.sent_seconds), _duration(content.total_seconds)
            return EventSummary(Direction.LOCAL, content.type, f"{sent} of {total}", Role.FAINT)
        case Connecting():
            text = f"to {content.to}, from {_duration(content.from_ms / 1000)}"
            return EventSummary(Direction.LOCAL, content.type, text, Role.MUTED)
        case Began():
            took = f"connect {content.connect_ms} ms, Begin {content.begin_ms} ms"
            text = f"{content.model}, {took}"
            return EventSummary(Direction.LOCAL, content.type, text, Role.LIVE)
        case Slipped():
            text = f"at {_duration(content.at_seconds)}, stalled {content.stalled_ms} ms"
            return EventSummary(Direction.LOCAL, content.type, text, Role.WARNING)
        case Ended():
            role = Role.SUCCESS if content.outcome is Outcome.DONE else Role.ERROR
            text = f"{content.outcome.value}: {content.reason}"
            return EventSummary(Direction.LOCAL, content.type, text, role)
        case Queued() | Retrying():  # reports of the supervisor, which no trace keeps
            return EventSummary(Direction.LOCAL, content.type, "")
    assert_never(content)


def _turn_summary(event: TurnReceived) -> EventSummary:
    turn = event.turn
    text = turn.transcript or " ".join(word.text for word in turn.words)
    if turn.end_of_turn:
        cut = ", cut" if event.cut else ""
        text = f"{turn.turn_order} final{cut}: {text}"
        return EventSummary(Direction.RECEIVED, event.type, text, Role.FINAL)
    prefix = clean(f"{turn.turn_order} partial: ", KIND_WIDTH * 2)
    return EventSummary(Direction.RECEIVED, event.type, text, Role.PARTIAL, prefix)


def _chunks_text(event: ChunksSent) -> str:
    if not event.lag_us:
        return ""
    last = event.first + len(event.lag_us) - 1
    chunks = f"{event.first} to {last}" if len(event.lag_us) > 1 else f"{event.first}"
    return f"{chunks}, worst lag {format_lag_ms(min(max(event.lag_us), 2**32) / 1000)} ms"


def _message_summary(message: Mapping[str, Json]) -> tuple[str, str]:
    rest = [f"{name} {_value_text(value)}" for name, value in message.items() if name != "type"]
    return str(message.get("type")), ", ".join(rest)


def _value_text(value: Json) -> str:
    return value if isinstance(value, str) else _json_text(value)


def _json_text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _duration(seconds: float) -> str:
    return format_duration(seconds) if abs(seconds) < 1e9 else str(seconds)


def event_row(event: EventSummary, cells: int, symbols: Symbols) -> StyledLine:
    """An event in one row: time, who said it, what it is called, and what it says."""
    sign = {Direction.SENT: symbols.sent, Direction.RECEIVED: symbols.received}.get(
        event.direction, symbols.separator
    )
    room = cells - 13 - KIND_WIDTH
    return [
        (f"{_format_elapsed(event.elapsed_s):>10} ", Role.FAINT),
        (f"{sign} ", Role.FAINT if event.direction is Direction.LOCAL else Role.KEY),
        (fit(event.kind, KIND_WIDTH - 1, symbols.ellipsis) + " ", event.role),
        (event.prefix, Role.FAINT),
        (_fitted_text(event, max(room - cell_width(event.prefix), 0), symbols), event.role),
    ]


def _fitted_text(event: EventSummary, room: int, symbols: Symbols) -> str:
    """Of a turn that is being spoken, what is new stands at its end."""
    if not event.prefix or cell_width(event.text) <= room:
        return fit(event.text, room, symbols.ellipsis)
    return symbols.ellipsis + tail(event.text, room - 1) if room else ""


def _format_elapsed(elapsed_s: float | None) -> str:
    if elapsed_s is None:
        return ""
    return f"{format_duration(elapsed_s)}.{int(max(elapsed_s, 0) * 1000) % 1000:03}"


def entry_lines(entry: TraceEntry, cells: int) -> list[StyledLine]:
    """All that a line of a trace holds, its fields one by one, lists item by item."""
    fields = entry.fields
    if fields is None:
        return wrap_sentence(" ", clean(entry.text, 10 * MAX_EVENT_CHARS), Role.TEXT, cells)
    lines: list[StyledLine] = []
    for name, value in fields.items():
        lines += _field_lines(clean(name), value, cells)
    return lines


def _field_lines(name: str, value: Json, cells: int) -> list[StyledLine]:
    label = f"{name} "
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        items = [wrap_sentence("   ", clean(_json_text(each)), Role.TEXT, cells) for each in value]
        return [[(label, Role.KEY)], *(line for item in items for line in item)]
    text = _value_text(value)
    rows = wrap_sentence(
        " ", clean(text), Role.TEXT, max(cells - len(label), 1) if cells > 40 else cells
    )
    if cells <= 40:
        return [[(label, Role.KEY)], *rows]
    first, *rest = rows or [[("", Role.TEXT)]]
    return [[(label, Role.KEY), *first], *([(" " * len(label), Role.KEY), *each] for each in rest)]
