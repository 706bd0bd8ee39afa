"""Timing, events and the job itself as lines."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.report_builders import (
    began,
    broken_attempt,
    certificate,
    connecting,
    ended_done,
    ended_failed,
    job_state_of,
    progressed,
    queued,
    streaming,
    turn_heard,
)
from tests.support.trace_builders import (
    TRACE_SETTINGS,
    chunks_sent,
    read_all,
    trace_path,
    write_trace,
)
from tui.keys.keymap import Keymap
from tui.model.column_spec import RowContext
from tui.model.tabs import Tab
from tui.render.job_details import details_lines
from tui.render.job_summary import job_summary_lines
from tui.render.tabs import tab_at, tab_line
from tui.render.timing import PLOT_ROWS, histogram, plot, timing_lines
from tui.render.trace_events import entry_lines, event_row, event_summary
from tui.text.width import cell_width
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import ASCII, UNICODE, Symbols
from workers.jobs.events import MessageReceived, MessageSent, Slipped, TraceEvent, Warned
from workers.traces.chunk_times import Timing
from workers.traces.tail import TraceTail


def text(line: StyledLine) -> str:
    return "".join(text for text, _ in line)


def timing_of(tmp_path: Path, *events: TraceEvent, from_ms: int = 0) -> Timing:
    write_trace(tmp_path, *events, from_ms=from_ms)
    return read_all(TraceTail(tmp_path, 1)).timings[-1]


# --- timing


def test_a_plot_shows_the_worst_lag_of_each_column(tmp_path: Path) -> None:
    """The scale of the plot is logarithmic, with the tolerance in the middle."""
    timing = timing_of(tmp_path, chunks_sent([0.1, 1.0, 10.0, 11.0, 100.0, 1000.0, 9000.0]))
    lines = plot(timing, 40, UNICODE)
    rows = [text(line)[7:] for line in lines[1 : PLOT_ROWS + 1]]

    assert ["▁██████", " ██████", "  █████", "  █████"] == [row.rstrip() for row in rows[:3:-1]]
    assert rows[3].startswith("┄┄┄▁███┄┄")
    assert ["     ██", "     ██"] == [row.rstrip() for row in rows[1::-1]]
    assert "   10" == text(lines[4])[:5]


def test_roles_of_a_plot_say_what_a_lag_means(tmp_path: Path) -> None:
    """Below the tolerance, above it, and a breakdown."""
    lines = plot(timing_of(tmp_path, chunks_sent([1000.0])), 40, UNICODE)
    roles = [next(role for text, role in line if "█" in text) for line in lines[1 : PLOT_ROWS + 1]]

    assert [Role.ERROR] * 2 + [Role.WARNING] * 2 + [Role.SUCCESS] * 4 == roles


@pytest.mark.parametrize("count", [1, 29, 30, 31, 600, 12_345])
def test_a_plot_keeps_its_columns_while_it_grows(tmp_path: Path, count: int) -> None:
    """The plot always fits, and a spike is visible among any number of chunks."""
    lags = [0.2] * count
    lags[count // 2] = 500.0
    lines = plot(timing_of(tmp_path, chunks_sent(lags)), 39, UNICODE)

    assert all(cell_width(text(line)) <= 39 for line in lines[1:])
    assert 1 == text(lines[2]).count("█")


def test_slips_stand_beneath_the_plot(tmp_path: Path) -> None:
    """Each slip is also listed with its time."""
    events = chunks_sent([0.2] * 20), Slipped(6.0, 5500.0), chunks_sent([0.2] * 10, 20)
    timing = timing_of(tmp_path, *events, from_ms=4000)
    lines = [text(line) for line in timing_lines([timing], 80, UNICODE)]

    assert any(line == " " * 27 + "↷" + " " * 9 for line in lines)
    assert any("at 0:06 of the recording, by 5.50 s" in line for line in lines)
    assert any(line.split()[:1] == ["0:04"] and line.endswith("0:07") for line in lines)
    assert any("the schedule slipped" in line for line in lines)


def test_a_histogram_has_a_bar_for_each_bin_between_the_first_and_the_last(tmp_path: Path) -> None:
    """What is beyond the tolerance has its sign, and nothing that happened is nothing."""
    lags = [0.15] * 9000 + [3.0] * 990 + [30.0] * 9 + [9000.0]
    lines = histogram(timing_of(tmp_path, chunks_sent(lags)), 100, UNICODE)
    rows = [text(line).split() for line in lines[1:]]

    assert ["to", "0.2", "ms"] == rows[0][:3]
    assert ["9000", "90", "%"] == rows[0][-3:]
    assert ["to", "5000", "ms", "‼", "0"] == rows[-2]
    assert ["over", "5000", "ms", "‼", "╾", "1", "0.01", "%"] == rows[-1]
    assert ["to", "50", "ms", "▲", "╾", "9", "0.09", "%"] == rows[8 - 1]


def test_attempts_before_are_told_in_a_line_each(tmp_path: Path) -> None:
    """The latest that sent anything is told in full; before the first chunk there is nothing."""
    assert ["  No chunk has been sent yet."] == [
        text(line) for line in timing_lines((), 80, UNICODE)
    ]

    write_trace(tmp_path, began(), chunks_sent([50.0] * 3), ended_done())
    write_trace(tmp_path, began(), chunks_sent([0.5] * 30), attempt=2)
    lines = [
        text(line) for line in timing_lines(read_all(TraceTail(tmp_path, 1)).timings, 80, UNICODE)
    ]

    assert "  so far: pacing held · 30 chunks of 100 ms · release start" == lines[0]
    assert "  lag p50 0.5 · p90 0.5 · p99 0.5 · p99.9 0.5 · max 0.5 ms" == lines[1]
    assert "  attempt 2 · connect 12.0 ms · Begin 30.0 ms · drift +0.00 ms" == lines[2]
    assert lines[-1].startswith("  1 · chunks left late: do not trust latencies · p50 50.0")


def test_another_speed_than_that_of_speech_is_told(tmp_path: Path) -> None:
    """Beside the verdict in the timing tab and above the transcript, and with the parameters."""
    settings = replace(TRACE_SETTINGS, speed=4.0)
    write_trace(tmp_path, began(), chunks_sent([0.5] * 30), settings=settings)
    tail = read_all(TraceTail(tmp_path, 1))
    ended = replace(ended_done(60.0), certificate=replace(certificate(), speed=4.0))
    job_state = job_state_of(*streaming(), ended)
    above = [text(line) for line in job_summary_lines(job_state, RowContext(), 120, UNICODE)]

    first = text(timing_lines(tail.timings, 80, UNICODE)[0])
    assert first.endswith("release start · sent at 4× speed")
    assert any("pacing held at 4× speed · lag p50 0.2" in line for line in above)
    assert "  chunks       100 ms, each sent at the start of its interval, 4× speed" in [
        text(line) for line in details_lines(job_state, tail, 120, UNICODE)
    ]


@pytest.mark.parametrize("cells", [20, 40, 80, 200])
@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_timing_fits_any_width(tmp_path: Path, cells: int, symbols: Symbols) -> None:
    """The timing tab fits with every set of symbols."""
    timing = timing_of(
        tmp_path, began(), chunks_sent([0.1, 5.0, 20.0, 300.0] * 50), Slipped(3.0, 6e3)
    )
    lines = [text(line) for line in plot(timing, cells, symbols)[1:]]

    assert all(cell_width(line) <= cells for line in lines)
    if symbols is ASCII:
        assert "".join(text(line) for line in timing_lines([timing], cells, symbols)).isascii()


# --- events


def rows_of(tmp_path: Path, *events: TraceEvent, cells: int = 80) -> list[str]:
    write_trace(tmp_path, *events)
    found = read_all(TraceTail(tmp_path, 1))
    return [
        text(event_row(event_summary(each), cells, UNICODE)).rstrip() for each in found.entries(0)
    ]


def test_every_event_is_told_in_a_row(tmp_path: Path) -> None:
    """When, who said it, what it is called, and the most telling of it."""
    head, *rows = rows_of(
        tmp_path,
        connecting(3000, 1),
        chunks_sent([0.2, 4.0, 0.3], first=7),
        progressed(61.0, 120.0),
        turn_heard(3, "good mor"),
        turn_heard(3, "Good morning.", final=True),
        MessageSent({"type": "Terminate"}),
        MessageReceived({"type": "Termination", "audio_duration_seconds": 60}),
        Warned("careful"),
        ended_done(),
    )
    assert head.startswith("  0:00.000 · attempt 1")
    assert [
        "  0:01.000 · connecting     to ws://127.0.0.1:1/v3/ws, from 0:03",
        "  0:02.000 → chunks         7 to 9, worst lag 4.0 ms",
        "  0:03.000 · progress       1:01 of 2:00",
        "  0:04.000 ← turn           3 partial: good mor",
        "  0:05.000 ← turn           3 final: Good morning.",
        "  0:06.000 → Terminate",
        "  0:07.000 ← Termination    audio_duration_seconds 60",
        "  0:08.000 ← warning        careful",
        "  0:09.000 · ended          done: done",
    ] == rows


def test_what_is_new_of_an_open_turn_is_seen(tmp_path: Path) -> None:
    """Its end; of a final the beginning."""
    words = " ".join(f"word{number}" for number in range(20))
    _, partial, final = rows_of(
        tmp_path, turn_heard(0, words), turn_heard(0, words, final=True), cells=60
    )

    assert partial.endswith("word18 word19")
    assert "partial: …" in partial
    assert "final: word0 word1" in final
    assert 60 == cell_width(partial) == cell_width(final)


def test_all_of_a_line_is_told_field_by_field(tmp_path: Path) -> None:
    """Lists of objects item by item; nothing is wider than there is room."""
    write_trace(
        tmp_path, turn_heard(0, "one two"), MessageReceived({"type": "X", "long": "abc " * 100})
    )
    found = read_all(TraceTail(tmp_path, 1))
    lines = [text(line) for line in entry_lines(found.entry(1), 60)]

    assert "type   turn" in lines
    assert "transcript   one two" in lines
    assert "words " in lines
    assert sum(line.startswith('    {"text"') for line in lines) == 2
    for cells in (12, 40, 60):
        assert all(
            cell_width(text(line)) <= cells for line in entry_lines(found.entry(2), max(cells, 12))
        )


# --- the job itself


def test_the_job_is_told_in_full(tmp_path: Path) -> None:
    """File, parameters as they went out, attempts with their endings, warnings, traces."""
    events = [*streaming(), *broken_attempt(), connecting(10_000, 2), began(), Warned("careful")]
    job_state = job_state_of(*events, ended_failed("the key was refused", "Check the key."))
    write_trace(tmp_path, *events)
    write_trace(tmp_path, *events, attempt=2)
    lines = [
        text(line)
        for line in details_lines(job_state, read_all(TraceTail(tmp_path, 1)), 120, UNICODE)
    ]

    for said in (
        "  format       WAV PCM_16, 16000 Hz, mono",
        "  size         1,234,567 bytes",
        "  SHA-256      " + "ab" * 32,
        "  endpoint     wss://example/v3/ws",
        "  session id   5f3a9c1e",
        "  mode         fast",
        "  sample_rate  16000",
        "  encoding     pcm_s16le",
        "  ✗ attempt 1, 0:00 to 0:10: lost: the connection broke",
        "  ✗ attempt 2, 0:10 to 0:10: lost: the key was refused",
        "    → Check the key.",
        "  ▲ careful",
    ):
        assert said in lines
    assert [str(trace_path(tmp_path, 2)), str(tmp_path / "0001-talk.2.log")] == [
        line.split()[-1] for line in lines[-3:-1]
    ]


def test_what_is_not_known_of_a_job_is_left_out() -> None:
    """One that waits has a file; one that is at work says so."""
    waiting = [text(line) for line in details_lines(job_state_of(queued()), None, 60, UNICODE)]
    assert " file" == waiting[0]
    assert not any("attempt" in line or "parameters" in line for line in waiting)

    live = [text(line) for line in details_lines(job_state_of(*streaming()), None, 60, UNICODE)]
    assert "  ● attempt 1 from 0:00 is running" in live
    assert certificate().tolerance_ms == 10.0


# --- tabs


def test_the_tab_line_says_which_is_shown_and_what_came_below() -> None:
    """A click on a name finds its tab."""
    look = Look(UNICODE)
    line = text(tab_line(Tab.EVENTS, "12 new below, G follows", 80, look))

    assert line.startswith(" 1 transcript  2 timing [3 events] 4 recording ")
    assert line.endswith("12 new below, G follows")
    for tab in Tab:
        assert tab is tab_at(line.index(tab.label), look)
    assert None is tab_at(60, look)
    assert cell_width(text(tab_line(Tab.JOB, "12 new below, G follows", 46, look))) <= 46

    changed = Look(UNICODE, Keymap({"view.tab('timing')": ("f2",)}))
    line = text(tab_line(Tab.JOB, "", 80, changed))
    assert " F2 timing " in line
    assert Tab.EVENTS is tab_at(line.index("events"), changed)
