"""The objects of jobs in an index, read field by field or all at once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.old_runs import OLD_RUNS
from tests.support.run_builders import write_summarised_run
from workers.errors import Malformed
from workers.protocol.codec import JsonObject
from workers.runs.index import INDEX_NAME, Extent, encode_json, index_lines, read_index
from workers.runs.saved_records import IndexJob, JobDecoder, load_job

DECODERS = {with_traces: JobDecoder(with_traces=with_traces) for with_traces in (True, False)}

NUMBERS = [0, -1, 1, 7.0, 0.5, 10**30, -(10**30), 1e300, float("nan"), float("inf")]
TEXTS = ["", "done", "streaming", "1", "é", "\ud800", "\0", "x" * 40_000]
OTHERS: list[Any] = [None, True, False, [], {}, [1], {"1": 1}, {"x": {}}, [["a", "b"]], [[1, 2]]]
VALUES = st.sampled_from([*NUMBERS, *TEXTS, *OTHERS])


def saved_jobs() -> list[JsonObject]:
    """The objects of jobs in runs of several versions."""
    indexes = [json.loads(path.read_text()) for path in sorted(OLD_RUNS.glob(f"*/{INDEX_NAME}"))]
    return [job for index in indexes for job in index["jobs"]]


JOBS = saved_jobs()


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values in an object."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places_in(inner, (*path, key))


def loaded(text: str, *, with_traces: bool) -> IndexJob | None:
    """The job as it is read field by field; None if it is damaged."""
    try:
        return load_job(json.loads(text), with_traces=with_traces)
    except Malformed:
        return None


@pytest.mark.parametrize("with_traces", [True, False])
def test_a_job_as_the_program_writes_it_is_read_at_once(tmp_path: Path, with_traces: bool) -> None:
    """And means the same."""
    index = json.loads((write_summarised_run(tmp_path / "run") / INDEX_NAME).read_text())

    for record in index["jobs"]:
        text = encode_json(record)
        expected = load_job(record, with_traces=with_traces)
        assert expected == DECODERS[with_traces].decode(text)
        assert (expected.traces.summary is not None) is with_traces


@settings(max_examples=300)
@given(data=st.data(), with_traces=st.booleans())
def test_whatever_is_changed_means_the_same_or_is_left_to_the_other_way(
    data: st.DataObject, with_traces: bool
) -> None:
    """No wrong value passes, and no field is read differently."""
    record = json.loads(json.dumps(data.draw(st.sampled_from(JOBS))))
    *outer, last = data.draw(st.sampled_from([*places_in(record), ("undeclared",)]))
    at: Any = record
    for key in outer:
        at = at[key]
    at[last] = data.draw(VALUES)
    text = encode_json(record)

    decoded = DECODERS[with_traces].decode(text)

    assert decoded is None or decoded == loaded(text, with_traces=with_traces)


@pytest.mark.parametrize("extent", list(Extent))
def test_a_long_index_is_read_like_a_short_one(tmp_path: Path, extent: Extent) -> None:
    """Its later jobs are read at once, and those that cannot be read so are read all the same."""
    run = write_summarised_run(tmp_path / "run")
    header = json.loads((run / INDEX_NAME).read_text())
    done = header.pop("jobs")[0]
    odd = [{**done, "from_seconds": None}, {**done, "changes": {"max_turn_silence": 300}}]
    records = [{**done, "id": number} for number in range(1, 400)]
    records += [{**record, "id": 400 + number} for number, record in enumerate(odd)]
    (run / INDEX_NAME).write_text("".join(index_lines(header, map(encode_json, records))))

    index = read_index(run, extent)

    with_traces = extent is not Extent.OUTCOMES
    expected = [load_job(record, with_traces=with_traces) for record in records]
    assert [job.saved for job in expected] == [job.saved for job in index.jobs]
    assert [job.traces for job in expected] == [job.traces for job in index.jobs]
    assert [job.changes for job in expected] == [job.changes for job in index.jobs]
    texts = [encode_json(record) if extent is Extent.EVERYTHING else "" for record in records]
    assert texts == [job.text for job in index.jobs]
