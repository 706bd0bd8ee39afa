"""Formats lines of a trace for display: each in one row, or one line in full."""

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
from workers.jobs import events
from workers.protocol.codec import Json
from workers.traces.format import TraceHead
from workers.traces.tail import TraceEntry, entry_content

KIND_WIDTH = 15  # cells of the name of an event
MAX_EVENT_CHARS = 2000  # rows show and filters search only these characters of an event
MIN_BESIDE_WIDTH = 40  # narrower screens show values below names


class Direction(Enum):
    """Where an event comes from."""

    LOCAL = auto()
    SENT = auto()
    RECEIVED = auto()


@dataclass(frozen=True, slots=True)
class EventSummary:
    """The texts shown for an event."""

    direction: Direction
    kind: str
    text: str
    role: Role = Role.TEXT
    prefix: str = ""  # before the text; if both do not fit, the start of the text is cut
    elapsed_s: float | None = None  # seconds since the attempt's process started


def event_summary(entry: TraceEntry) -> EventSummary:
    """Summarises a line of a trace. Its contents are untrusted."""
    fields = entry.fields
    if fields is None:
        why = f"{entry.size_bytes} bytes" if entry.is_truncated else "damaged"
        return EventSummary(Direction.LOCAL, why, clean(entry.text, MAX_EVENT_CHARS), Role.WARNING)
    t = fields.get("t")
    content = entry_content(fields)
    if content is None:  # written by a newer version, or damaged
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
    """Returns the text of a line that filters search."""
    event = event_summary(entry)
    return f"{event.direction.name} {event.kind} {event.prefix}{event.text}".casefold()


def _summarise(attempt: int, content: TraceHead | events.TraceEvent) -> EventSummary:
    match content:
        case TraceHead():
            return EventSummary(Direction.LOCAL, f"attempt {attempt}", content.wall, Role.BRAND)
        case events.TurnReceived(turn=turn):
            text = turn.transcript or " ".join(word.text for word in turn.words)
            if turn.end_of_turn:
                text = f"{turn.turn_order} final{', cut' if content.cut else ''}: {text}"
                return EventSummary(Direction.RECEIVED, content.type, text, Role.FINAL)
            prefix = clean(f"{turn.turn_order} partial: ", KIND_WIDTH * 2)
            return EventSummary(Direction.RECEIVED, content.type, text, Role.PARTIAL, prefix)
        case events.ChunksSent(first=first, lag_us=lag_us):
            last = f" to {first + len(lag_us) - 1}" if len(lag_us) > 1 else ""
            worst_ms = min(max(lag_us, default=0), 2**32) / 1000
            text = f"{first}{last}, worst lag {format_lag_ms(worst_ms)} ms" if lag_us else ""
            return EventSummary(Direction.SENT, content.type, text, Role.MUTED)
        case events.MessageSent():
            return EventSummary(Direction.SENT, *_message_summary(content.message), Role.LIVE)
        case events.MessageReceived():
            return EventSummary(Direction.RECEIVED, *_message_summary(content.message))
        case events.Warned():
            return EventSummary(Direction.RECEIVED, content.type, content.warning, Role.WARNING)
        case events.Progressed():
            sent, total = _duration(content.sent_seconds), _duration(content.total_seconds)
            return EventSummary(Direction.LOCAL, content.type, f"{sent} of {total}", Role.FAINT)
        case events.Connecting():
            text = f"to {content.to}, from {_duration(content.from_ms / 1000)}"
            return EventSummary(Direction.LOCAL, content.type, text, Role.MUTED)
        case events.Readied():
            return EventSummary(
                Direction.LOCAL, content.type, "waits for the pair's clock", Role.MUTED
            )
        case events.Began():
            text = f"{content.model}, connect {content.connect_ms} ms, Begin {content.begin_ms} ms"
            return EventSummary(Direction.LOCAL, content.type, text, Role.LIVE)
        case events.Slipped():
            text = f"at {_duration(content.at_seconds)}, stalled {content.stalled_ms} ms"
            return EventSummary(Direction.LOCAL, content.type, text, Role.WARNING)
        case events.Waited():
            text = f"at {_duration(content.at_seconds)}, {content.waited_ms} ms for more audio"
            return EventSummary(Direction.LOCAL, content.type, text, Role.MUTED)
        case events.RecordingRead(audio=audio):
            in_file = "unknown" if audio.file_seconds is None else f"{audio.file_seconds} s"
            text = f"{in_file} in the file, {audio.decoded_seconds} s decoded"
            changed = audio.is_unchanged is False
            text += ", the file has changed" if changed else ""
            role = Role.WARNING if changed else Role.MUTED
            return EventSummary(Direction.LOCAL, content.type, text, role)
        case events.Ended():
            role = Role.SUCCESS if content.outcome is events.Outcome.DONE else Role.ERROR
            text = f"{content.outcome.value}: {content.reason}"
            return EventSummary(Direction.LOCAL, content.type, text, role)
        # from the supervisor, never in traces
        case events.Queued() | events.Fetched() | events.Retrying():
            return EventSummary(Direction.LOCAL, content.type, "")
    assert_never(content)


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
    """Draws an event in one row: time, origin, name and text."""
    signs = {Direction.SENT: symbols.sent, Direction.RECEIVED: symbols.received}
    sign = signs.get(event.direction, symbols.separator)
    elapsed = ""
    if (elapsed_s := event.elapsed_s) is not None:
        elapsed = f"{format_duration(elapsed_s)}.{int(max(elapsed_s, 0) * 1000) % 1000:03}"
    room = max(cells - 13 - KIND_WIDTH - cell_width(event.prefix), 0)
    if event.prefix and cell_width(event.text) > room:  # an open turn's new words come last
        text = symbols.ellipsis + tail(event.text, room - 1) if room else ""
    else:
        text = fit(event.text, room, symbols.ellipsis)
    return [
        (f"{elapsed:>10} ", Role.FAINT),
        (f"{sign} ", Role.FAINT if event.direction is Direction.LOCAL else Role.KEY),
        (fit(event.kind, KIND_WIDTH - 1, symbols.ellipsis) + " ", event.role),
        (event.prefix, Role.FAINT),
        (text, event.role),
    ]


def entry_lines(entry: TraceEntry, cells: int) -> list[StyledLine]:
    """Draws all contents of a line of a trace: one field or list item after another."""
    if entry.fields is None:
        return wrap_sentence(" ", clean(entry.text, 10 * MAX_EVENT_CHARS), Role.TEXT, cells)
    lines: list[StyledLine] = []
    for name, value in entry.fields.items():
        label = f"{clean(name)} "
        if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            lines.append([(label, Role.KEY)])
            for item in value:
                lines += wrap_sentence("   ", clean(_json_text(item)), Role.TEXT, cells)
            continue
        beside = cells > MIN_BESIDE_WIDTH
        room = max(cells - len(label), 1) if beside else cells
        rows = wrap_sentence(" ", clean(_value_text(value)), Role.TEXT, room)
        if not beside:
            lines += [[(label, Role.KEY)], *rows]
            continue
        first, *rest = rows or [[("", Role.TEXT)]]
        lines.append([(label, Role.KEY), *first])
        lines += [[(" " * len(label), Role.KEY), *row] for row in rest]
    return lines
