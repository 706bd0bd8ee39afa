"""The lines of a trace as a person reads them: one row each, or one of them at full length."""

import json
from dataclasses import dataclass, replace
from enum import Enum, auto

from tui.model.trace_tail import Entry
from tui.render.gauges import ms
from tui.render.transcript_layout import said
from tui.text.formats import clock
from tui.text.width import clean, fit, tail, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.protocol.codec import Json, JsonObject

KIND = 15
"""Cells of what an event is called."""

LONGEST = 2000
"""Characters of an event that a row may show and a filter looks at."""


class Way(Enum):
    """Who said it."""

    OURS = auto()
    SENT = auto()
    RECEIVED = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words."""

    way: Way
    kind: str
    text: str
    role: Role = Role.TEXT
    lead: str = ""
    """Comes before the text, which then shows its end where there is no room for all of it."""
    t: float | None = None
    """Seconds since the attempt's process started."""

    @property
    def words(self) -> str:
        """What a filter looks at."""
        return f"{self.way.name} {self.kind} {self.lead}{self.text}".casefold()


def told(entry: Entry) -> Told:
    """What a line of a trace says. Nothing that stands in it is taken on trust."""
    fields = entry.fields
    if fields is None:
        why = f"{entry.size} bytes" if entry.cut else "damaged"
        return Told(Way.OURS, why, clean(entry.text, LONGEST), Role.LATE)
    t = fields.get("t")
    at = float(t) if isinstance(t, int | float) and abs(t) < 1e9 else None
    said = _read(entry, fields)
    return replace(said, kind=clean(said.kind, KIND), text=clean(said.text, LONGEST), t=at)


def _read(entry: Entry, of: JsonObject) -> Told:
    kind = str(of.get("type"))
    match kind:
        case "trace":
            return Told(Way.OURS, f"attempt {entry.attempt}", str(of.get("wall")), Role.BRAND)
        case "connecting":
            text = f"to {of.get('to')}, from {_clock(of, 'from_ms', 1000)}"
            return Told(Way.OURS, kind, text, Role.MUTED)
        case "began":
            took = f"connect {of.get('connect_ms')} ms, Begin {of.get('begin_ms')} ms"
            return Told(Way.OURS, kind, f"{of.get('model')}, {took}", Role.LIVE)
        case "progress":
            text = f"{_clock(of, 'sent_seconds')} of {_clock(of, 'total_seconds')}"
            return Told(Way.OURS, kind, text, Role.FAINT)
        case "chunks":
            return Told(Way.SENT, kind, _chunks(of), Role.MUTED)
        case "turn":
            return _turn(of)
        case "warning":
            return Told(Way.RECEIVED, kind, str(of.get("warning")), Role.LATE)
        case "slip":
            text = f"at {_clock(of, 'at_seconds')}, stalled {of.get('stalled_ms')} ms"
            return Told(Way.OURS, kind, text, Role.LATE)
        case "ended":
            role = Role.GOOD if of.get("outcome") == "done" else Role.BAD
            return Told(Way.OURS, kind, f"{of.get('outcome')}: {of.get('reason')}", role)
        case "sent":
            return Told(Way.SENT, *_message(of.get("message")), Role.LIVE)
        case "received":
            return Told(Way.RECEIVED, *_message(of.get("message")))
    return Told(Way.OURS, kind, _compact(of))


def _turn(of: JsonObject) -> Told:
    text = str(of.get("transcript") or " ".join(_words(of)))
    if of.get("end_of_turn") is True:
        cut = ", cut" if of.get("cut") is True else ""
        return Told(Way.RECEIVED, "turn", f"{of.get('turn_order')} final{cut}: {text}", Role.FINAL)
    lead = clean(f"{of.get('turn_order')} partial: ", KIND * 2)
    return Told(Way.RECEIVED, "turn", text, Role.PARTIAL, lead)


def _words(of: JsonObject) -> list[str]:
    words = of.get("words")
    if not isinstance(words, list):
        return []
    return [str(each.get("text")) for each in words if isinstance(each, dict)]


def _chunks(of: JsonObject) -> str:
    first, lags = of.get("first"), of.get("lag_us")
    whole = [lag for lag in lags if isinstance(lag, int)] if isinstance(lags, list) else []
    if not isinstance(first, int) or not whole:
        return ""
    chunks = f"{first} to {first + len(whole) - 1}" if len(whole) > 1 else f"{first}"
    return f"{chunks}, worst lag {ms(min(max(whole), 2**32) / 1000)} ms"


def _message(message: Json) -> tuple[str, str]:
    if not isinstance(message, dict):
        return "message", _compact(message)
    rest = {name: value for name, value in message.items() if name != "type"}
    return str(message.get("type")), ", ".join(f"{name} {_plain(rest[name])}" for name in rest)


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else _compact(value)


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _clock(of: JsonObject, name: str, a_second: float = 1) -> str:
    value = of.get(name, 0)
    if isinstance(value, int | float) and abs(value) < 1e9:
        return clock(value / a_second)
    return str(value)


def row(event: Told, cells: int, symbols: Symbols) -> Line:
    """An event in one row: time, who said it, what it is called, and what it says."""
    sign = {Way.SENT: symbols.sent, Way.RECEIVED: symbols.received}.get(event.way, symbols.dot)
    room = cells - 13 - KIND
    return [
        (f"{_moment(event.t):>10} ", Role.FAINT),
        (f"{sign} ", Role.FAINT if event.way is Way.OURS else Role.KEY),
        (fit(event.kind, KIND - 1, symbols.cut) + " ", event.role),
        (event.lead, Role.FAINT),
        (_shown(event, max(room - width(event.lead), 0), symbols), event.role),
    ]


def _shown(event: Told, room: int, symbols: Symbols) -> str:
    """Of a turn that is being spoken, what is new stands at its end."""
    if not event.lead or width(event.text) <= room:
        return fit(event.text, room, symbols.cut)
    return symbols.cut + tail(event.text, room - 1) if room else ""


def _moment(t: float | None) -> str:
    if t is None:
        return ""
    return f"{clock(t)}.{int(max(t, 0) * 1000) % 1000:03}"


def whole(entry: Entry, cells: int) -> list[Line]:
    """All that a line of a trace holds, its fields one by one, lists item by item."""
    fields = entry.fields
    if fields is None:
        return said(" ", clean(entry.text, 10 * LONGEST), Role.TEXT, cells)
    lines: list[Line] = []
    for name, value in fields.items():
        lines += _field(clean(name), value, cells)
    return lines


def _field(name: str, value: Json, cells: int) -> list[Line]:
    label = f"{name} "
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        items = [said("   ", clean(_compact(each)), Role.TEXT, cells) for each in value]
        return [[(label, Role.KEY)], *(line for item in items for line in item)]
    text = _plain(value)
    rows = said(" ", clean(text), Role.TEXT, max(cells - len(label), 1) if cells > 40 else cells)
    if cells <= 40:
        return [[(label, Role.KEY)], *rows]
    first, *rest = rows or [[("", Role.TEXT)]]
    return [[(label, Role.KEY), *first], *([(" " * len(label), Role.KEY), *each] for each in rest)]
