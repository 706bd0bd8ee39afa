"""The filter language: which jobs match, and what it reports about terms it does not understand."""

import math
from array import array

import pytest

from tests.support.report_builders import (
    broken_attempt,
    ended_done,
    ended_failed,
    job_state_of,
    progressed,
    queued,
    streaming,
    turn_heard,
)
from tui.model.row_filter import parse_filter
from tui.render.columns import COLUMNS
from tui.render.table import filter_result_line
from tui.text.width import cell_width
from tui.theme.symbols import UNICODE
from workers.evaluation.desk_figures import JobFigures
from workers.jobs.events import Event, Progressed
from workers.jobs.job import JobId
from workers.pacing.certificate import LagSummary


def loud(*levels_db: int) -> Event:
    return Progressed(11.0, 60.0, LagSummary(30.0, 0.2, 0.9, 30.0), levels_db)


LIVES: dict[str, list[Event]] = {
    "Talk one": [*streaming(15, 60, lag=30.0), turn_heard(0, "Good morning, all"), loud(-70, -42)],
    "talk two": [*streaming(30, 60), turn_heard(0, "lag>20 he said"), progressed(45, lag=3.0)],
    "waits": [queued(30)],
    "broke": [*streaming(), ended_failed("it broke")],
    "again": [*streaming(20, 60), *broken_attempt(at=20)],
    "over": [*streaming(60, 60), turn_heard(0, "The end", final=True), ended_done()],
}

JOBS = {name: job_state_of(*events, file=f"/rec/{name}.wav") for name, events in LIVES.items()}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "Talk one, talk two, waits, broke, again, over"),
        ("TALK", "Talk one, talk two"),
        ("morning", "Talk one"),
        ("talk morning", "Talk one"),
        ("!talk", "waits, broke, again, over"),
        ("!talk !o", "waits, again"),
        ('"good morning"', "Talk one"),
        ('"good mor', "Talk one"),
        ('!"talk one"', "talk two, waits, broke, again, over"),
        ("name:over", "over"),
        ('name:"talk t"', "talk two"),
        ("text:end", "over"),
        ("text:over", ""),
        ("state:failed", "broke"),
        ("Failed", "broke"),
        ("!live !failed", "waits, again, over"),
        ("fail", ""),
        ("STATE:Fa", "broke"),
        ("state:live", "Talk one, talk two"),
        ("!state:live", "waits, broke, again, over"),
        ("lag>20", "Talk one"),
        ("lag<5", "talk two, over"),
        ("lag<=0.9ms", "over"),
        ("!lag>20", "talk two, waits, broke, again, over"),
        ("attempts>1", "again"),
        ("attempts=1", "Talk one, talk two, waits, broke, over"),
        ("progress>50", "talk two, over"),
        ("progress>=75%", "talk two, over"),
        ("left<40", "talk two, waits"),
        ("left<0:41", "talk two, waits, again"),
        ("left>0:45s", "Talk one"),
        ("level<-40", "Talk one"),
        ("level>-40dB", ""),
        ('"lag>20"', "talk two"),
        ("state:streaming lag>20 morning", "Talk one"),
        ("12:30", ""),
    ],
)
def test_a_job_must_match_all_terms(text: str, names: str) -> None:
    """Case does not matter; a missing value is neither large nor small."""
    these = parse_filter(text, COLUMNS)

    assert names == ", ".join(name for name, job in JOBS.items() if these.matches(job))
    assert () == these.problems


SCORED = JobFigures(
    JobId(1),
    rates={"wer": 0.125, "cer": 0.05},
    delays={
        "eot": array("f", [400, 500, 950, 990, 420, 1000]),
        "ttft": array("f", [math.nan, *[math.nan] * 4, 700]),
    },
)
INVALID = JobFigures(JobId(2), invalid=("attempt 1: it was late",))


@pytest.mark.parametrize(
    ("text", "scored", "invalid"),
    [
        ("wer>10", True, False),
        ("wer>=12.5%", True, False),
        ("wer<10%", False, False),
        ("!wer>10", False, True),
        ("cer<6", True, False),
        ("eot>900", True, False),
        ("eot>0.9s", True, False),
        ("eot.p50>450ms", False, False),
        ("eot.max>999", True, False),
        ("ttft>600", True, False),
        ("ttft.p95>600", False, False),
        ("INVALID", False, True),
        ("!invalid wer>10", True, False),
    ],
)
def test_terms_about_scores(text: str, scored: bool, invalid: bool) -> None:
    """They have the names, statistics and units of a gate; without a score, none matches."""
    found, job = parse_filter(text, COLUMNS), JOBS["over"]

    assert () == found.problems
    assert found.uses_scores
    assert (scored, invalid) == (found.matches(job, SCORED), found.matches(job, INVALID))
    assert found.matches(job) is text.startswith("!wer")


def test_other_terms_need_no_scores() -> None:
    """Also a file name with a dot or an underscore before a colon."""
    assert not parse_filter("lag>20 talk state:done", COLUMNS).uses_scores
    assert () == parse_filter("my_talk:1 a.p95:2", COLUMNS).problems


@pytest.mark.parametrize(
    ("term", "doubt"),
    [
        ("wer>10ms", "wer is in %"),
        ("eot>9%", "eot is in ms or s"),
        ("wer.p95>9", "wer of one session has no p95"),
        ("recall>9", "recall of one session has no value of its own in the desk"),
        ("eot:900", "eot: is not understood; try eot> or eot<"),
        ("invalid>3", "write invalid alone"),
        ("lag>", "lag> needs a number"),
        ("lag>many", "lag> needs a number, not many"),
        ("lag:20", "lag: is not understood; try lag> or lag<"),
        ("state>3", "state> compares nothing; try state:"),
        ("state:", "state: which?"),
        ("state:asleep", "no state begins with asleep; there are queued, retrying,"),
        ("speed>3", "nothing is called speed; there are state, name, progress,"),
        ("name:", "name: which?"),
        ("!", "! inverts which word?"),
        ('""', "no words between the quotes"),
    ],
)
def test_a_term_that_is_not_understood_is_reported_and_ignored(term: str, doubt: str) -> None:
    """While the user types, a word is often incomplete."""
    these = parse_filter(f"talk {term} morning", COLUMNS)

    assert ["Talk one"] == [name for name, job in JOBS.items() if these.matches(job)]
    assert 1 == len(these.problems)
    assert these.problems[0].startswith(doubt)
    assert these
    assert not parse_filter(term, COLUMNS)


def test_the_result_of_the_filter_is_shown_beside_it() -> None:
    """The count is never cut; a pasted term is only text."""
    doubts = parse_filter("state:\x1b[31m[/red] lag>", COLUMNS).problems
    for cells in (9, 20, 40, 200):
        line = "".join(text for text, _ in filter_result_line(12, 200, doubts, cells, UNICODE))

        assert line.startswith("12 of 200")
        assert line.isprintable()
        assert cell_width(line) <= cells
    assert "begins with ␛[31m[/red]" in line
    assert "lag> needs a number" in line
