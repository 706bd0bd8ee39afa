"""The events of an attempt, found by their time."""

from math import inf
from pathlib import Path

from tests.support.report_builders import turn_heard
from tests.support.run_builders import index_entry, session_events, write_run_folder, write_trace
from workers.jobs.events import TurnReceived
from workers.runs import reader
from workers.runs.job_timeline import UNRECORDED_ENDING
from workers.traces.index import TraceIndex


def test_far_is_not_long(tmp_path: Path) -> None:
    """Few of the partial turns of an hour are read."""
    folder = write_run_folder(tmp_path / "run", [])
    partials = [
        (float(t), turn_heard(t // 10, f"word {t}", final=t % 10 == 9)) for t in range(1000)
    ]
    trace_index = TraceIndex(write_trace(folder, 1, partials))

    assert 100 == len(list(trace_index.events_between(-1.0, 2000.0)))
    assert 101 == len(
        list(trace_index.events_between(-1.0, 998.0))
        + list(trace_index.events_between(998.0, 999.0))
    )


def test_after_damage_nothing_is_kept_if_nothing_may_be_missing(tmp_path: Path) -> None:
    """The later final turn and the end are dropped; the partial before the damage is kept."""
    folder = write_run_folder(tmp_path / "run", [index_entry(1)])
    path = write_trace(folder, 1, session_events("One it is.", "Two it is.", "Three it is."))
    whole = path.read_bytes()
    damaged = whole.rindex(b'"transcript":"Two it is."')
    path.write_bytes(whole[:damaged] + b"\0" * 9 + whole[damaged + 9 :])
    index = TraceIndex(path)
    index.drop_after_damage()
    events = [event for _, event in index.events_between(-1.0, inf)]
    turns = [event.turn.transcript for event in events if isinstance(event, TurnReceived)]

    assert index.damage is not None
    assert ["One it is.", "Two"] == turns
    assert 4.0 == index.end_s

    (job,) = reader.read_run(folder).jobs
    assert UNRECORDED_ENDING == job.ended
    assert "One it is.\nTwo" == job.transcript.text
    assert ["the trace is damaged"] == [warning[:20] for warning in job.warnings]


def test_a_reading_without_words_replaces_nothing(tmp_path: Path) -> None:
    """This holds even if the server sends a field of its own that contains words."""
    folder = write_run_folder(tmp_path / "run", [])
    path = write_trace(folder, 1, [(1.0, turn_heard(0, "One"))])
    with path.open("ab") as file:
        file.write(
            b'{"t":2.0,"type":"turn","turn_order":0,"end_of_turn":false,"transcript":"Two",'
            b'"words":[],"own":{"level":1,"words":[{"text":"Two"}]}}\n'
        )
    events = [event for _, event in TraceIndex(path).events_between(-1.0, inf)]

    assert ["One", "Two"] == [e.turn.transcript for e in events if isinstance(e, TurnReceived)]
