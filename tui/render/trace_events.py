"""The lines of a trace as a person reads them: one row each, or one of them at full length."""

import json
from dataclasses import dataclass, replace
from enum import Enum, auto

from tui.model.trace_tail import TraceEntry
from tui.render.gauges import format_lag_ms
from tui.render.transcript_layout import wrap_sentence
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit, tail
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.protocol.codec import Json, JsonObject

KIND_WIDTH = 15
"""Cells of what an event is called."""

MAX_EVENT_CHARS = 2000
"""Characters of an event that a row may show and a filter looks at."""


class Direction(Enum):
    """Who said it."""

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
    """Comes before the text, which then shows its end where there is no room for all of it."""
    elapsed_s: float | None = None
    """Seconds since the attempt's process started."""

    @property
    def search_text(self) -> str:
        """What a filter looks at."""
        return f"{self.direction.name} {self.kind} {self.prefix}{self.text}".casefold()


def event_summary(entry: TraceEntry) -> EventSummary:
    """What a line of a trace says. Nothing that stands in it is taken on trust."""
    fields = entry.fields
    if fields is None:
        why = f"{entry.size_bytes} bytes" if entry.is_truncated else "damaged"
        return EventSummary(Direction.LOCAL, why, clean(entry.text, MAX_EVENT_CHARS), Role.WARNING)
    t = fields.get("t")
    at = float(t) if isinstance(t, int | float) and abs(t) < 1e9 else None
    said = _summarise(entry, fields)
    return replace(
        said,
        kind=clean(said.kind, KIND_WIDTH),
        text=clean(said.text, MAX_EVENT_CHARS),
        elapsed_s=at,
    )


def _summarise(entry: TraceEntry, fields: JsonObject) -> EventSummary:
    kind = str(fields.get("type"))
    match kind:
        case "trace":
            return EventSummary(
                Direction.LOCAL, f"attempt {entry.attempt}", str(fields.get("wall")), Role.BRAND
            )
        case "connecting":
            text = f"to {fields.get('to')}, from {_time_field(fields, 'from_ms', 1000)}"
            return EventSummary(Direction.LOCAL, kind, text, Role.MUTED)
        case "began":
            took = f"connect {fields.get('connect_ms')} ms, Begin {fields.get('begin_ms')} ms"
            return EventSummary(Direction.LOCAL, kind, f"{fields.get('model')}, {took}", Role.LIVE)
        case "progress":
            text = (
                f"{_time_field(fields, 'sent_seconds')} of {_time_field(fields, 'total_seconds')}"
            )
            return EventSummary(Direction.LOCAL, kind, text, Role.FAINT)
        case "chunks":
            return EventSummary(Direction.SENT, kind, _chunks_text(fields), Role.MUTED)
        case "turn":
            return _turn_summary(fields)
        case "warning":
            return EventSummary(Direction.RECEIVED, kind, str(fields.get("warning")), Role.WARNING)
        case "slip":
            text = f"at {_time_field(fields, 'at_seconds')}, stalled {fields.get('stalled_ms')} ms"
            return EventSummary(Direction.LOCAL, kind, text, Role.WARNING)
        case "ended":
            role = Role.SUCCESS if fields.get("outcome") == "done" else Role.ERROR
            return EventSummary(
                Direction.LOCAL, kind, f"{fields.get('outcome')}: {fields.get('reason')}", role
            )
        case "sent":
            return EventSummary(Direction.SENT, *_message_summary(fields.get("message")), Role.LIVE)
        case "received":
            return EventSummary(Direction.RECEIVED, *_message_summary(fields.get("message")))
    return EventSummary(Direction.LOCAL, kind, _json_text(fields))


def _turn_summary(fields: JsonObject) -> EventSummary:
    text = str(fields.get("transcript") or " ".join(_word_texts(fields)))
    if fields.get("end_of_turn") is True:
        cut = ", cut" if fields.get("cut") is True else ""
        return EventSummary(
            Direction.RECEIVED, "turn", f"{fields.get('turn_order')} final{cut}: {text}", Role.FINAL
        )
    lead = clean(f"{fields.get('turn_order')} partial: ", KIND_WIDTH * 2)
    return EventSummary(Direction.RECEIVED, "turn", text, Role.PARTIAL, lead)


def _word_texts(fields: JsonObject) -> list[str]:
    words = fields.get("words")
    if not isinstance(words, list):
        return []
    return [str(each.get("text")) for each in words if isinstance(each, dict)]


def _chunks_text(fields: JsonObject) -> str:
    first, lags = fields.get("first"), fields.get("lag_us")
    whole = [lag for lag in lags if isinstance(lag, int)] if isinstance(lags, list) else []
    if not isinstance(first, int) or not whole:
        return ""
    chunks = f"{first} to {first + len(whole) - 1}" if len(whole) > 1 else f"{first}"
    return f"{chunks}, worst lag {format_lag_ms(min(max(whole), 2**32) / 1000)} ms"


def _message_summary(message: Json) -> tuple[str, str]:
    if not isinstance(message, dict):
        return "message", _json_text(message)
    rest = {name: value for name, value in message.items() if name != "type"}
    return str(message.get("type")), ", ".join(f"{name} {_value_text(rest[name])}" for name in rest)


def _value_text(value: Json) -> str:
    return value if isinstance(value, str) else _json_text(value)


def _json_text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _time_field(fields: JsonObject, name: str, units_per_second: float = 1) -> str:
    value = fields.get(name, 0)
    if isinstance(value, int | float) and abs(value) < 1e9:
        return format_duration(value / units_per_second)
    return str(value)


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
