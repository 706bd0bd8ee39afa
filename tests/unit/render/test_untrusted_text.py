"""Whatever others say and whatever recordings are called: it is drawn as text, in its place."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import cycle
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.style import Style

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import turn_heard
from tests.unit.jobs.test_events import ALL
from tests.unit.render.test_banner import standing
from tui.app.desk import Desk
from tui.cli.serve import session_line as visit_line
from tui.cli.summary import run_summary_lines
from tui.keys.keymap import Keymap
from tui.model.column_spec import RowContext
from tui.model.tabs import TimeStamps
from tui.render import banner, footer, trace_events
from tui.render.banner import Destination
from tui.render.job_details import details_lines
from tui.render.job_labels import clean_recording_name
from tui.render.job_summary import job_summary_lines
from tui.render.sentences import wrap_sentence
from tui.render.table import fit_columns, session_row
from tui.render.transcript_layout import TranscriptLayout
from tui.render.turn_rows import wrap_turn
from tui.render.welcome import welcome_lines
from tui.screens.add_recordings import AddDialog
from tui.screens.export import ExportDialog
from tui.screens.overview import Overview
from tui.screens.reading_screen import ReadingScreen
from tui.screens.wall import WallScreen
from tui.text.width import (
    MAX_COMBINING_MARKS,
    MAX_TEXT_CHARS,
    cell_width,
    clean,
    clean_tail,
    fit,
    is_single_width,
)
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import ASCII, UNICODE, Symbols
from tui.widgets.line_widgets import render_strip
from tui.widgets.transcript import STAMP_MARGIN_WIDTHS, fitting_stamps, turn_row_line
from workers.jobs import events
from workers.jobs.attempt_spans import attempt_spans
from workers.jobs.events import (
    TRACE_ONLY,
    Ended,
    Event,
    JobReport,
    Outcome,
    Retrying,
    TraceEvent,
    TurnReceived,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.localserver.server import SessionRecord
from workers.protocol.endpoint import EndpointKind
from workers.protocol.messages import Turn, Word
from workers.traces.tail import TraceEntry

HOSTILE = (
    *(
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1b]52;c;aGk=\x1b\\",
        "\x9b31m",
        "\x90q\x9c",
        "\x00",
        "\x7f",
    ),
    *("\r", "\n", "\t", "\b\b\b", "\x0c", "\x85", "\u2028", "\u2029", "\u00a0", "\u3000", "\u00ad"),
    *("\u202e", "\u202a", "\u2066", "\u2069", "\u061c", "\u200e", "\u200f", "\u200b", "\ufeff"),
    *(
        "a\u200d" * 40,
        "❤\ufe0f" * 9,
        "1\ufe0f\u20e3",
        "👍🏿",
        "🏿" * 30,
        "👩‍🚀",
        "🇩🇪",
        "\U000e0061" * 9,
    ),
    *("e" + "\u0301" * 10_000, "\u0488" * 20, "न\u093e" * 9, "नमस्ते", "\u0600", "\u070f", "مرحبا"),
    *(
        "ᄀ\u1160\u11a8" * 9,
        "\u1160" * 50,
        "\u3164" * 30,
        "\uffa0" * 30,
        "会議" * 30,
        "\u200c" * 30,
    ),
    *("\ud800", "\udfff", "\udcff", "\ue000", "\ufffe", "\U0010ffff", "\ufffd", "ﷺ" * 9, "x" * 300),
    *("[red]", "[/]", "[/red]", "[@click=app.quit]x[/]", "[bold", "\\[", "{x}", "%s", ":smile:"),
)
"""What terminals obey, reorder or measure differently; and what others read as markup."""

TEXTS = (
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=6), max_size=5).map(" ".join) | st.text()
)
CELLS = st.integers(20, 200)
SYMBOLS = st.sampled_from([UNICODE, ASCII])
LOOKS = {id(symbols): Look(symbols) for symbols in (UNICODE, ASCII)}

some = settings(max_examples=30)


def assert_printable(text: str) -> None:
    """Fails if a terminal would do anything but show it."""
    text.encode()
    told = {char for char in set(text) if not char.isprintable() and char != "\u200c"}

    assert not told
    assert not {"\u200d", "\ufe0f"} & set(text)
    marks = 0
    for char in text:
        marks = 0 if cell_width(char) else marks + 1
        assert (
            marks <= 2 * MAX_COMBINING_MARKS
        )  # what ends one piece of a line may meet what begins the next


def assert_rows_are_text(lines: Sequence[StyledLine], cells: int, symbols: Symbols) -> None:
    """Fails unless each line is one row of the screen, and every bit of it text."""
    for line in lines:
        painted = render_strip(line, LOOKS[id(symbols)], cells, Style())

        assert cells == sum(cell_width(segment.text) for segment in painted)
        assert not any(segment.control for segment in painted)
        assert_printable(painted.text)


def with_texts(value: Any, text: Iterator[str]) -> Any:
    """The same with other texts, down to the words of a turn."""
    if isinstance(value, str):
        return next(text)
    if isinstance(value, tuple):
        return tuple(with_texts(each, text) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        new = {field.name: with_texts(getattr(value, field.name), text) for field in fields(value)}
        return replace(value, **new)
    return value


HAPPENED: list[Event] = [event for event in ALL if not isinstance(event, TRACE_ONLY)]
UNENDED = [event for event in HAPPENED if not isinstance(event, Ended | Retrying)]
ENDS = [replace(end, outcome=o) for end in ALL if isinstance(end, Ended) for o in Outcome]
EVENT_SEQUENCES = [
    *(HAPPENED[:count] for count in range(len(HAPPENED) + 1)),
    *([*UNENDED, end] for end in ENDS),
]
"""A job after each of the things that can happen to one, and after each of its endings."""


def history_of(life: Sequence[Event], texts: Sequence[str]) -> JobState:
    """The life told in foreign words."""
    text = cycle(texts)
    job_state = JobState(JobId(1), f"{next(text)}.wav")
    for event in life:
        job_state.apply(JobReport(JobId(1), 1, job_state.file, 0.0, with_texts(event, text)))
    return job_state


def transcript(
    job_state: JobState, cells: int, symbols: Symbols, wanted: TimeStamps = TimeStamps.START
) -> list[StyledLine]:
    stamps = fitting_stamps(wanted, cells)
    room = cells - STAMP_MARGIN_WIDTHS[stamps] - 1
    paragraphs = TranscriptLayout(room)
    paragraphs.update(job_state.transcript.turns, attempt_spans(job_state)[1:])
    return [turn_row_line(each, stamps, room, symbols) for each in paragraphs]


@some
@given(st.sampled_from(EVENT_SEQUENCES), st.lists(TEXTS, min_size=1, max_size=9), CELLS, SYMBOLS)
@example(EVENT_SEQUENCES[-1], [HOSTILE[27]], 80, UNICODE)
def test_whatever_a_job_is_called_and_told_it_is_drawn_as_text(
    life: list[Event], texts: list[str], cells: int, symbols: Symbols
) -> None:
    """Names and words are text in the table, summary and transcript, at every width."""
    job_state = history_of(life, texts)
    room = fit_columns(
        cells, has_hours=False, longest_name=cell_width(clean_recording_name(job_state))
    )
    for row_context in (RowContext(), RowContext(current=True, marked=True, stopping=True)):
        for brief in (False, True):
            assert_rows_are_text(
                job_summary_lines(job_state, row_context, cells, symbols, brief=brief),
                cells,
                symbols,
            )
        assert_rows_are_text([session_row(job_state, room, row_context, symbols)], cells, symbols)
    assert_rows_are_text(transcript(job_state, cells, symbols), cells, symbols)
    assert_rows_are_text(details_lines(job_state, None, cells, symbols), cells, symbols)

    if cells >= 60:  # where all of a line has room
        assert cell_width(text_of(session_row(job_state, room, RowContext(), symbols))) <= cells
    for line in transcript(job_state, cells, symbols, TimeStamps.DETAILED):
        assert cell_width(text_of(line)) <= cells


@some
@given(st.sampled_from(ALL), st.lists(TEXTS, min_size=1, max_size=9), CELLS, SYMBOLS)
def test_whatever_stands_in_a_trace_is_drawn_as_text(
    event: TraceEvent, texts: list[str], cells: int, symbols: Symbols
) -> None:
    """Values and names of fields are text, in a row and in full."""
    said = events.event_to_json(with_texts(event, cycle(texts)))
    record = {"t": 1.0, **said, texts[0]: {texts[-1]: [texts]}}
    line = json.dumps(record, ensure_ascii=False)
    for entry in (TraceEntry(1, line, 10), TraceEntry(1, line[:-9], 10**6)):
        assert_rows_are_text(
            [trace_events.event_row(trace_events.event_summary(entry), cells, symbols)],
            cells,
            symbols,
        )
        assert_rows_are_text(trace_events.entry_lines(entry, cells), cells, symbols)


def text_of(line: StyledLine) -> str:
    return "".join(text for text, _ in line)


@some
@given(TEXTS, CELLS, SYMBOLS)
def test_whatever_is_said_around_the_jobs_is_drawn_as_text(
    text: str, cells: int, symbols: Symbols
) -> None:
    """The destination, footer messages and dialogs are drawn as text."""
    where = Destination(text, EndpointKind.CUSTOM)
    assert_rows_are_text(
        [banner.one_line_banner(where, standing(), cells, symbols)], cells, symbols
    )
    assert_rows_are_text(banner.two_line_banner(where, standing(), cells, symbols), cells, symbols)
    assert_rows_are_text(welcome_lines(where, Keymap(), cells, symbols), cells, symbols)
    assert_rows_are_text([footer.message_line(text, Role.STRONG, cells, symbols)], cells, symbols)
    assert_rows_are_text(wrap_sentence(symbols.hint, clean(text), Role.TEXT, cells), cells, symbols)


@some
@given(st.sampled_from(EVENT_SEQUENCES), st.lists(TEXTS, min_size=1, max_size=9))
def test_whatever_is_printed_is_one_line_of_text(life: list[Event], texts: list[str]) -> None:
    """What a run came to, why a job failed, and who came to the endpoint."""
    job_state = history_of(life, texts)
    visit = SessionRecord(texts[0], texts[-1], 1.0, 2.0, 3, (), 1000, texts[0])
    for line in (
        *run_summary_lines([job_state], Path("run")),
        clean(visit_line(visit)),
    ):
        assert "\n" not in line
        assert_printable(line)


@pytest.mark.parametrize("final", [True, False])
def test_a_turn_of_such_text_is_wrapped_into_rows_that_fit_and_hold_it_all(final: bool) -> None:
    """However it is spelt, and however narrow the place."""
    for text in HOSTILE:
        whole = f"{text} and {text}" * 3
        for cells in (2, 19, 57, 200):
            rows = wrap_turn(Turn(0, final, whole), cells)

            assert all(cell_width(row.settled + row.unsettled) <= cells for row in rows)
            assert "".join(clean(whole, len(whole)).split()) == "".join(
                "".join((row.settled + row.unsettled).split()) for row in rows
            )


@pytest.mark.parametrize("hours", [-1, 0, 1, 9, 10, 99, 100, 9999, 10_000, 2**40])
def test_a_turn_stands_in_its_place_whenever_it_was_said(hours: int) -> None:
    """A time that has no room is not told, and one that cannot be neither."""
    words = (Word("word", hours * 3_600_000, hours * 3_600_000),)
    turn = TurnReceived(Turn(0, True, "word", words=words))
    (line,) = transcript(history_of([turn], ["x" * 70]), 80, UNICODE)

    assert "x" * 70 == line[1][0]
    assert (0 <= hours < 10_000) == bool(line[0][0].strip())
    assert cell_width(text_of(line)) <= 80


# --- the door itself


@some
@given(TEXTS, CELLS)
def test_a_cleaned_text_is_cleaned(text: str, cells: int) -> None:
    """Twice is the same as once, and its end is an end of it."""
    shown = clean(text)

    assert_printable(shown)
    assert shown == clean(shown)
    assert len(text) > MAX_TEXT_CHARS or shown.endswith(clean_tail(text, cells))
    assert cells == cell_width(fit(shown, cells, "…"))


def test_every_character_is_drawn_as_wide_as_it_is_measured() -> None:
    """No character changes the width of its neighbours, and marks are limited."""
    chinese, korean, tangut = range(0x3400, 0xA000), range(0xAC00, 0xD700), range(0x17000, 0x1B000)
    codes = set(range(0x20000)) - {*chinese, *korean, *tangut}  # of these, all are alike
    printable = [char for char in map(chr, sorted(codes)) if char.isprintable()]
    for start in range(0, len(printable), 100):
        chars = printable[start : start + 100]
        shown = clean("".join(f"a{char}" for char in chars))

        assert cell_width(shown) == len(chars) + sum(map(cell_width, chars))
        assert not is_single_width(shown) or len(shown) == cell_width(shown)
    for char in printable:
        if not cell_width(char):
            assert len(clean(f"a{char * 30}")) <= 1 + MAX_COMBINING_MARKS


# --- a lot of it


def count_calls(do: Callable[[], object]) -> int:
    """How many functions are called for it, Python's own among them."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(None)
    return calls


FLOODS = {
    "a word": "x" * 2**20,
    "words": "word " * 2**18,
    "wide": "会議" * 2**19,
    "marks": "e" + "\u0301" * 2**20,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_megabyte_is_not_measured_at_every_look(flood: str) -> None:
    """Little more of a text is measured than is visible."""
    job_state = history_of(UNENDED, [flood])
    lost = history_of([*UNENDED, ENDS[-1]], [flood])
    job_state.file = lost.file = flood[:100]
    room = fit_columns(100, has_hours=False, longest_name=30)

    assert count_calls(lambda: session_row(job_state, room, RowContext(), UNICODE)) < 10_000
    assert count_calls(lambda: session_row(lost, room, RowContext(), UNICODE)) < 5 * MAX_TEXT_CHARS
    assert (
        count_calls(lambda: job_summary_lines(lost, RowContext(), 100, UNICODE))
        < 20 * MAX_TEXT_CHARS
    )
    assert count_calls(lambda: wrap_turn(Turn(0, False, flood), 100)) < 20 * MAX_TEXT_CHARS
    assert count_calls(lambda: wrap_turn(Turn(0, True, flood), 100)) < 20 * MAX_TEXT_CHARS
    assert count_calls(lambda: fit(flood, 100, "…")) < 5000


def test_a_look_at_a_long_transcript_wraps_only_what_is_new() -> None:
    """Two thousand turns, and one that is being spoken."""
    turns = [Turn(order, True, "word " * 20) for order in range(2000)]
    paragraphs = TranscriptLayout(80)
    paragraphs.update(turns)
    rows = len(paragraphs)

    assert count_calls(lambda: paragraphs.update(turns)) < 20
    assert (
        count_calls(lambda: paragraphs.update([*turns, turn_heard(2000, "new " * 40).turn])) < 1000
    )
    assert len(paragraphs) == rows + 2


# --- all of it


@pytest.mark.slow
async def test_a_hostile_run_is_drawn_by_the_desk_as_text() -> None:
    """Every screen and dialog, as it goes to the terminal."""
    supervisor = FakeSupervisor()
    for number, end in enumerate([None, *ENDS[::3]]):
        texts = [HOSTILE[(number + at) % len(HOSTILE)] for at in range(len(HOSTILE))]
        file = "".join(texts)
        job = supervisor.job(file, *(with_texts(each, cycle(texts)) for each in UNENDED))
        if end is not None:
            supervisor.report(job, with_texts(end, cycle(texts)))
    desk = Desk(supervisor, "".join(HOSTILE), Path("/tmp", "".join(HOSTILE[28:40])))
    async with desk.run_test(size=(150, 40)) as pilot:
        for key, screen in (
            ("down", Overview),
            ("e", ExportDialog),
            ("a", AddDialog),
            ("enter", ReadingScreen),
            ("w", WallScreen),
        ):
            await pilot.press("escape", key)
            desk.tick()
            await pilot.pause()

            assert isinstance(desk.screen, screen)
            for painted in desk.screen._compositor.render_strips():
                assert 150 == painted.cell_length
                assert_printable(painted.text)
