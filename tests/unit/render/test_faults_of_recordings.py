"""Faults of recordings, estimated lengths and growing files, wherever a job is shown."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.report_builders import (
    began,
    broken_attempt,
    certificate,
    connecting,
    ended_done,
    job_state_of,
    progressed,
    queued,
    turn_heard,
)
from tui.cli.summary import pacing_text, run_summary_lines
from tui.model.column_spec import RowContext
from tui.model.totals import totals
from tui.render.job_details import details_lines
from tui.render.table import fit_columns, session_row
from tui.render.wall_tile import TileEdges, tile_lines
from tui.theme.roles import StyledLine
from tui.theme.symbols import UNICODE
from workers.exports.document import json_of
from workers.exports.subtitles import vtt_of
from workers.exports.text import txt_of
from workers.jobs.events import Event, RecordingRead, Warned
from workers.jobs.job_state import JobState
from workers.pacing.certificate import ReadAudio

DAMAGE = Warned("0.4 s cannot be decoded at 0:07", None, 7.0, 0.4)
CUT = replace(queued(), missing_seconds=30.0, warnings=("the file is cut short: it stops at 1:00",))
ESTIMATED = replace(queued(), is_exact=False)
GROWING = replace(queued(3.0), is_exact=False, is_growing=True)


def drawn(lines: list[StyledLine]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


def row_of(*events: Event) -> str:
    state = job_state_of(*events)
    layout = fit_columns(160, has_hours=False, longest_name=20, has_estimates=not state.is_exact)
    return drawn([session_row(state, layout, RowContext(), UNICODE)])


def damaged() -> JobState:
    """A job that is done, with damage and words."""
    words = turn_heard(0, "Good morning.", final=True)
    read = ReadAudio(59.6, True, 60.0, True)
    proof = replace(certificate(), read=read, audio_seconds=59.6)
    ended = replace(ended_done(), certificate=proof)
    events = (queued(), connecting(), began(), progressed(10.0), DAMAGE, words)
    return job_state_of(*events, RecordingRead(read), ended)


def test_the_row_names_what_is_wrong_and_keeps_the_words() -> None:
    """From the probe on; the sign alone where there is no room."""
    assert "▲ it stops at 1:00 · " in row_of(CUT)
    wide = fit_columns(170, has_hours=False, longest_name=20)
    row = drawn([session_row(damaged(), wide, RowContext(), UNICODE)])
    assert "▲ 0.4 s cannot be decoded at 0:07 · Good morning." in row
    narrow = fit_columns(90, has_hours=False, longest_name=20)
    row = drawn([session_row(damaged(), narrow, RowContext(), UNICODE)])
    assert row.endswith("▲ Good morning.")


def test_the_length_of_a_part_is_not_given_as_that_of_the_file() -> None:
    """The job tab says which part it is, and how long."""
    part = job_state_of(replace(queued(), from_seconds=10.0, until_seconds=30.0))
    text = drawn(details_lines(part, None, 100, UNICODE))

    assert "part         0:10–0:30, 0:20 (20.000 s)" in text
    assert "length" not in text


def test_damage_outlives_the_attempt_that_found_it() -> None:
    """Unless another attempt reads that part again."""
    first = (queued(), connecting(), began(), DAMAGE)
    later = job_state_of(*first, *broken_attempt(at=10.0), connecting(9000))
    again = job_state_of(*first, *broken_attempt(at=5.0), connecting(5000))

    assert [DAMAGE.warning] == later.warnings
    assert [] == again.warnings


def test_the_job_tab_and_the_wall_say_it() -> None:
    """The job tab has the seconds in the file, decoded and sent too."""
    job = drawn(details_lines(damaged(), None, 120, UNICODE))
    tile = drawn(tile_lines(damaged(), RowContext(), TileEdges(True, True), 60, 12, UNICODE))

    assert DAMAGE.warning in job
    assert "60.000 s in the file, 59.600 s decoded, 59.600 s sent: they should be equal" in job
    assert DAMAGE.warning in tile


def test_the_summary_lists_what_was_done_with_warnings() -> None:
    lines = run_summary_lines([damaged()], Path("run"))
    ended = damaged().ended
    assert ended is not None

    assert "1 recording done with warnings:" in lines
    assert any(DAMAGE.warning in line for line in lines)
    assert "60.0 s in the file, 59.6 s decoded, 59.6 s sent" in pacing_text(ended.certificate)


def test_exports_say_it_where_their_format_allows() -> None:
    """A comment in WebVTT must not contain its arrow."""
    state = damaged()
    state.damage.append(Warned("a-->b", None, 9.0))
    document = json.loads(json_of(state))

    assert txt_of(state).startswith(f"[{DAMAGE.warning}]\n[a-->b]\n")
    assert f"NOTE {DAMAGE.warning}\n\nNOTE a->b\n\n" in vtt_of(state)
    assert {
        "warning": DAMAGE.warning,
        "at_seconds": 7.0,
        "missing_seconds": 0.4,
    } == document["recording"]["faults"][0]
    assert 60.0 == document["ended"]["certificate"]["read"]["file_seconds"]


def test_an_estimated_length_has_a_tilde_until_it_is_known() -> None:
    """In the row, the tab and the totals."""
    streaming = (ESTIMATED, connecting(), began(), progressed(10.0))
    state = job_state_of(*streaming)

    assert "~0:50" in row_of(*streaming)
    assert "0:10/~1:00" in row_of(*streaming)
    assert "~1:00, estimated" in drawn(details_lines(state, None, 100, UNICODE))
    assert not totals({state.job: state}, [], 1, held=False).is_exact
    assert not json.loads(json_of(state))["recording"]["is_exact"]
    for event in (progressed(50.0, 50.0), RecordingRead(ReadAudio(50.0, True))):
        assert job_state_of(*streaming, event).is_exact


def test_more_audio_than_expected_is_not_an_end() -> None:
    """The job streams again, and its length grows."""
    state = job_state_of(
        queued(), connecting(), began(), progressed(60.0, 60.0), progressed(61.0, 61.1)
    )

    assert "streaming" == state.status.value
    assert 61.1 == state.total_seconds


def test_a_growing_recording_says_that_it_waits() -> None:
    """Its end is not predicted."""
    waits = replace(progressed(3.0, 3.1), waiting=True)
    state = job_state_of(GROWING, connecting(), began(), waits)

    assert "waiting for more · " in row_of(GROWING, connecting(), began(), waits)
    assert "still being written" in drawn(details_lines(state, None, 100, UNICODE))
    assert totals({state.job: state}, [], 1, held=False).is_lower_bound


@pytest.mark.parametrize(
    ("read", "sent_s", "fault"),
    [
        (ReadAudio(60.0, True, 60.0, True), 60.05, False),
        (ReadAudio(60.0, True, 60.2, True), 60.0, True),
        (ReadAudio(60.2, True, 60.0, True), 60.2, True),
        (ReadAudio(60.0, True, 60.0, True), 59.0, True),
        (ReadAudio(60.0, True, None, True), 60.0, False),
        (ReadAudio(10.0, False, 60.0), 9.9, False),
        (ReadAudio(60.0, True, 60.0, False), 60.0, True),
        (None, 60.0, False),
    ],
)
def test_figures_that_differ_are_a_fault(
    read: ReadAudio | None, sent_s: float, fault: bool
) -> None:
    """Only of a complete attempt; a file that changed is always one."""
    assert fault is replace(certificate(), read=read, audio_seconds=sent_s).has_audio_fault
