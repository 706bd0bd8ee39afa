"""What happened in a run, read back from its index and its traces, at any moment of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import began, connecting, done, failed, heard, progressed
from tests.support.run_builders import NINE, facts, job, run, session, talks, trace
from workers.jobs.events import ChunksSent, Ended, Outcome, Retrying, Slipped, TurnHeard
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status
from workers.protocol.messages import Turn, Word
from workers.runs import reader
from workers.runs.run_clock import LULL
from workers.runs.timeline import Chronicle, Moment, Trouble
from workers.traces.trace_index import Reel


def fold(moments: Iterable[Moment], known: dict[JobId, JobHistory] | None = None) -> dict:
    """What is known of each job after that."""
    histories = {} if known is None else known
    for _, report in moments:
        history = histories.setdefault(report.job, JobHistory(report.job, report.file))
        history.apply(report)
    return histories


def at(chronicle: Chronicle, moment: float) -> dict[JobId, JobHistory]:
    return fold(chronicle.between(-1.0, moment))


def agrees(folder: Path) -> bool:
    """The end of the chronicle is what `past` makes of the same run."""
    chronicle = Chronicle(folder)
    ends = at(chronicle, chronicle.length)
    return all(facts(ends[each.job]) == facts(each) for each in reader.past(folder).histories)


def test_its_end_is_what_the_traces_tell(tmp_path: Path) -> None:
    """One fold, whoever reads; and on the way, each moment is what was so then."""
    folder = talks(tmp_path / "run")
    assert agrees(folder)

    chronicle = Chronicle(folder)
    assert [Status.QUEUED] * 3 == [each.status for each in at(chronicle, 0.0).values()]
    then = at(chronicle, 1.6)
    assert "Good" == then[JobId(1)].transcript.latest.unsettled
    assert [Status.STREAMING, Status.STREAMING, Status.QUEUED] == [
        each.status for each in then.values()
    ]
    assert 1.0 == then[JobId(1)].sent_seconds
    assert Status.CANCELLED is at(chronicle, chronicle.length)[JobId(3)].status
    assert 2 == chronicle.most_at_once


def test_a_further_attempt_is_announced_when_the_one_before_broke(tmp_path: Path) -> None:
    """With the wait that there was; then it takes over where it did."""
    chronicle = Chronicle(talks(tmp_path / "run"))
    waiting = at(chronicle, 7.0)[JobId(2)]

    assert Status.RETRYING is waiting.status
    assert Retrying("the connection broke", 3.5, 2.0) == waiting.retrying
    assert [(5.5, Trouble.RETRIED)] == chronicle.troubles


def test_what_somebody_asked_for_is_announced_when_it_comes(tmp_path: Path) -> None:
    """What was done stays so until then; when it was asked for, nobody noted."""
    folder = run(tmp_path / "run", [job(1)])
    trace(folder, 1, session("One."))
    trace(folder, 1, session("Two."), attempt=2, at=8.0)
    chronicle = Chronicle(folder)

    assert Status.DONE is at(chronicle, 7.9)[JobId(1)].status
    assert Status.RETRYING is at(chronicle, 8.05)[JobId(1)].status
    assert agrees(folder)


def test_sessions_that_were_killed_end_with_their_last_words(tmp_path: Path) -> None:
    """As the index tells, else as nobody knows; in a run that is at work they go on."""
    told = {"outcome": "crashed", "reason": "its process was killed"}
    folder = run(tmp_path / "run", [job(1, attempt=1), job(2, attempt=1, attempts={"1": told})])
    for number in (1, 2):
        trace(folder, number, session("One.")[:-1])
    assert agrees(folder)

    chronicle = Chronicle(folder)
    ends = at(chronicle, chronicle.length)
    assert reader.UNRECORDED == ends[JobId(1)].ended
    assert "its process was killed" == ends[JobId(2)].ended.reason
    assert [Trouble.FAILED] * 2 == [trouble for _, trouble in chronicle.troubles]

    working = Chronicle(folder, at_work=True)
    assert Status.FINISHING is at(working, working.length)[JobId(1)].status


def test_what_never_streamed_is_told_too(tmp_path: Path) -> None:
    """A file that could not be read, from the beginning; a run of nothing else has no length."""
    bad = {"outcome": "unreadable", "reason": "it is empty"}
    folder = run(tmp_path / "run", [job(1, attempt=1, status="failed", attempts={"1": bad})])
    chronicle = Chronicle(folder)

    assert 0.0 == chronicle.length
    assert "it is empty" == at(chronicle, 0.0)[JobId(1)].ended.reason
    assert agrees(folder)


def test_lulls_are_left_out(tmp_path: Path) -> None:
    """A run that was resumed the next day; the time of day is right on both sides."""
    folder = run(tmp_path / "run", [job(1), job(2)])
    trace(folder, 1, session("One."), at=0.0)
    trace(folder, 2, session("Two."), at=86_400.0)
    chronicle = Chronicle(folder)

    assert 2 * 2.5 + LULL == chronicle.length
    assert NINE == chronicle.wall(0.0)
    assert 1.0 == (chronicle.wall(2.5 + LULL + 1.0) - NINE).total_seconds() - 86_400
    assert Status.QUEUED is at(chronicle, 2.5 + LULL)[JobId(2)].status


def test_a_clock_that_was_set_back_puts_no_attempt_before_another(tmp_path: Path) -> None:
    """They follow each other, whatever the wall said."""
    folder = run(tmp_path / "run", [job(1)])
    trace(folder, 1, session("One.", end=failed("it broke")), at=100.0)
    trace(folder, 1, session("Two."), attempt=2, at=0.0)

    assert agrees(folder)


def test_a_slip_is_a_trouble(tmp_path: Path) -> None:
    """At its moment."""
    folder = run(tmp_path / "run", [job(1)])
    trace(folder, 1, [*session("One.")[:-1], (2.2, Slipped(1.0, 6000.0)), (2.5, done())])

    assert [(2.2, Trouble.SLIPPED)] == Chronicle(folder).troubles


def test_damage_is_told_and_the_rest_is_shown(tmp_path: Path) -> None:
    """Up to a line that is none; a line that is damaged in itself is left out."""
    folder = run(tmp_path / "run", [job(1), job(2), job(3)])
    for number in (1, 2, 3):
        trace(folder, number, session("One.", "Two."))
    whole = (folder / "0001-1.1.trace.jsonl").read_bytes()
    final = whole.rindex(b'"transcript":"One."')
    (folder / "0001-1.1.trace.jsonl").write_bytes(whole[:final] + b"\0" * 9 + whole[final + 9 :])
    garbage = whole.index(b"\n", final) + 1
    (folder / "0002-2.1.trace.jsonl").write_bytes(whole[:garbage] + b"\0" * 99 + whole[garbage:])
    (folder / "0003-3.1.trace.jsonl").write_bytes(b"no trace\n")
    chronicle = Chronicle(folder)
    one, two, three = at(chronicle, chronicle.length).values()

    assert "Two." == one.transcript.text
    assert Status.DONE is one.status
    assert "One." == two.transcript.text
    assert reader.UNRECORDED == two.ended
    assert ["the trace is damaged"] * 3 == [each.warnings[-1][:20] for each in (one, two, three)]


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ('"t":1.5', '"t":1e999'),
        ('"t":1.5', '"t":1e18'),
        ('"t":1.5', '"t":-1e999'),
        (NINE.isoformat(), "0001-01-01T00:00:00+23:59"),
        (NINE.isoformat(), "0001-01-01T00:00:00+00:00"),
        (NINE.isoformat(), "9999-12-31T23:59:58+00:00"),
        (NINE.isoformat(), "1970-01-01T00:00:00+00:00"),
    ],
)
def test_a_time_that_cannot_be_is_no_time(tmp_path: Path, told: str, instead: str) -> None:
    """Whatever stands in one trace, the run has a clock, and the other jobs are whole."""
    folder = run(tmp_path / "run", [job(1, attempt=1), job(2, attempt=1)])
    path = trace(folder, 1, session("One."))
    trace(folder, 2, session("Two."))
    text = path.read_text()
    assert told in text
    path.write_text(text.replace(told, instead))
    chronicle = Chronicle(folder)

    assert chronicle.length < 60.0
    assert chronicle.wall(0.0) <= chronicle.wall(chronicle.length)
    assert "Two." == at(chronicle, chronicle.length)[JobId(2)].transcript.text


def test_a_torn_last_line_is_no_damage(tmp_path: Path) -> None:
    """A trace that is being written, or whose writer was killed; and one with nothing in it."""
    folder = run(tmp_path / "run", [job(1), job(2)])
    path = trace(folder, 1, session("One."))
    path.write_bytes(path.read_bytes()[:-20])
    trace(folder, 2, []).write_bytes(b'{"t":0.0,"ty')
    chronicle = Chronicle(folder)
    one, two = at(chronicle, chronicle.length).values()

    assert "One." == one.transcript.text
    assert [] == one.warnings == two.warnings
    assert Status.QUEUED is two.status
    assert agrees(folder)


def reading(order: int, words: int, start: int, final: bool, cut: bool) -> TurnHeard:
    """A reading of a turn; without words it says its text alone."""
    text = f"w{start}" if words >= 0 else ""
    said = tuple(Word(text, start + i, start + i + 9) for i in range(max(words, 0)))
    return TurnHeard(Turn(order, final, text, words=said), cut=cut)


READINGS = st.builds(
    reading,
    order=st.integers(0, 3),
    words=st.integers(-1, 2),
    start=st.integers(0, 5000),
    final=st.booleans(),
    cut=st.booleans(),
)
OTHERS = st.builds(progressed, st.floats(0.1, 9.0)) | st.just(Slipped(1.0, 6000.0))
STORIES = st.lists(READINGS | OTHERS | st.just(ChunksSent(0, (1, 2))), max_size=60)


@given(STORIES, st.lists(st.integers(0, 70), max_size=5))
def test_what_is_left_out_makes_no_difference(
    story: Sequence[TurnHeard], stops: Sequence[int]
) -> None:
    """Whatever a server says in whatever order, and wherever one stops on the way."""
    told = [connecting(), began(), *story, Ended(Outcome.LOST, "it broke")]
    with TemporaryDirectory() as folder:
        played = run(Path(folder) / "run", [job(1, attempt=1)])
        trace(played, 1, [(float(t), event) for t, event in enumerate(told, 1)])
        chronicle = Chronicle(played)
        known: dict[JobId, JobHistory] = {}
        reached = -1.0
        for stop in [*sorted(stops), chronicle.length]:
            fold(chronicle.between(reached, stop), known)
            reached = stop
        assert facts(reader.past(played).histories[0]) == facts(known[JobId(1)])
        assert facts(at(chronicle, reached)[JobId(1)]) == facts(known[JobId(1)])


def test_far_is_not_long(tmp_path: Path) -> None:
    """Of an hour of partials, few are read."""
    folder = run(tmp_path / "run", [])
    partials = [(float(t), heard(t // 10, f"word {t}", final=t % 10 == 9)) for t in range(1000)]
    reel = Reel(trace(folder, 1, partials))

    assert 100 == len(list(reel.between(-1.0, 2000.0)))
    assert 101 == len(list(reel.between(-1.0, 998.0)) + list(reel.between(998.0, 999.0)))
