"""The lines of a run's progress."""

from tests.support.report_builders import (
    ended_done,
    ended_failed,
    queued,
    report,
    streaming,
    turn_heard,
)
from tui.model.totals import Totals
from tui.render.run_progress import progress_lines
from tui.text.width import line_width
from tui.theme.symbols import ASCII, UNICODE
from workers.jobs.events import Event
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState


def job(number: int, *events: Event, file: str = "") -> JobState:
    state = JobState(JobId(number), file or f"/rec/{number}.wav")
    for event in events:
        state.apply(report(number, event))
    return state


def live_job(number: int, file: str = "") -> JobState:
    return job(number, *streaming(), turn_heard(0, "Good morning everybody."), file=file)


def drawn(
    *jobs: JobState, cells: int = 79, most: int = 10, totals: Totals | None = None
) -> list[str]:
    lines = progress_lines(jobs, totals or Totals(), cells, most, UNICODE)
    assert all(line_width(line) <= cells for line in lines)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_nothing_is_counted_before_the_first_recording_is_known() -> None:
    """“0 of 0 recordings” would look as if none had been found."""
    assert [] == drawn()


def test_each_live_session_has_a_line_and_all_have_one() -> None:
    """With its name, position and latest words; and with what is finished and left."""
    totals = Totals(sent_s=30.0, audio_s=60.0, remaining_s=83.0)
    lines = drawn(
        live_job(1, "/rec/talk.wav"),
        job(2, queued(), ended_done()),
        job(3, queued(), ended_failed("no")),
        job(4, queued()),
        totals=totals,
    )

    assert lines == [
        "● talk.wav                     0:10/1:00  Good morning everybody.",
        "━━━━━━━━━━──────────  2 of 4 recordings · 1 failed · 1 live · 1 waiting",
    ]


def test_the_time_left_is_shown_if_there_is_room() -> None:
    """With what is known of it."""
    known = Totals(remaining_s=83.0)
    at_least = Totals(remaining_s=83.0, is_lower_bound=True)

    assert "1 of 1 recording · 1:23 left" in drawn(job(1, ended_done()), totals=known)[0]
    assert drawn(job(1, ended_done()), totals=at_least)[0].endswith("at least 1:23 left")


def test_more_sessions_than_rows_are_counted() -> None:
    """So the line of all is always on the screen."""
    lines = drawn(*map(live_job, range(1, 31)), most=5)

    assert len(lines) == 6
    assert lines[4] == "… and 26 more sessions"
    assert "30 live" in lines[5]
    assert len(drawn(*map(live_job, range(1, 6)), most=5)) == 6


def test_a_line_fits_every_terminal() -> None:
    """Names of any script, and any width."""
    for cells in range(1, 140):
        drawn(live_job(1, "/rec/録音の名前がとても長い場合.wav"), live_job(2), cells=cells)


def test_in_ascii_nothing_else_is_drawn() -> None:
    """For a terminal that can show no more."""
    lines = progress_lines([live_job(1)], Totals(), 79, 5, ASCII)

    assert all(text.isascii() for line in lines for text, _ in line)
