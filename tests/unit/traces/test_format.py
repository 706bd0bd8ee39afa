"""The format as its page describes it, as it is written, and as it is read."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from tests.support.old_runs import OLD_RUNS, OLD_TRACES
from workers.jobs.events import TraceEvent
from workers.traces.format import event_line, head_line
from workers.traces.index import TraceIndex
from workers.traces.reader import LINE_START, LINE_TYPE, TraceReader, read_trace

PAGE = Path(__file__).parents[3] / "docs" / "trace-format.md"
EXAMPLES = "".join(re.findall(r"```jsonl\n(.*?)```", PAGE.read_text(), re.DOTALL))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """All examples of the page, as one trace."""
    path = tmp_path / "0001-interview.2.trace.jsonl"
    path.write_text(EXAMPLES)
    return path


def test_every_example_reads_as_it_is_written(example: Path) -> None:
    """The page shows lines exactly as a writer writes them."""
    trace = TraceReader(example)
    assert trace.head is not None
    written = [head_line(trace.head), *(event_line(timed.t, timed.event) for timed in trace)]

    assert EXAMPLES.splitlines(keepends=True) == [line.decode() for line in written]


def test_every_event_has_an_example(example: Path) -> None:
    """No line of a trace is left to guess."""
    assert set(get_args(TraceEvent)) == {type(timed.event) for timed in read_trace(example)}


def test_every_line_is_found_without_parsing_it(example: Path) -> None:
    """The index sees the same events as the reader, from the beginning of each line."""
    for line in EXAMPLES.encode().splitlines():
        assert LINE_START.match(line), line
        assert LINE_TYPE.match(line), line
    index = TraceIndex(example)

    assert index.damage is None
    assert max(timed.t for timed in read_trace(example)) == index.end_s


@pytest.mark.parametrize("path", OLD_TRACES, ids=lambda p: f"{p.parent.name}-{p.name[:13]}")
def test_old_traces_are_written_the_same_today(path: Path) -> None:
    """Fields may be added, so programs that read old traces can read new ones."""
    trace = TraceReader(path)
    assert trace.head is not None
    written = [head_line(trace.head), *(event_line(timed.t, timed.event) for timed in trace)]
    whole = path.read_bytes().splitlines()[: len(written)]

    for old, new in zip(whole, written, strict=True):
        assert_contains(json.loads(new), json.loads(old))
    assert len(path.read_bytes().splitlines()) - len(written) == (path == TORN)


def assert_contains(new: object, old: object) -> None:
    """Asserts that objects only gained keys, after those that they had."""
    if isinstance(old, dict):
        assert isinstance(new, dict)
        assert list(old) == [key for key in new if key in old]
        for key, value in old.items():
            assert_contains(new[key], value)
    else:
        assert old == new


TORN = OLD_RUNS / "killed" / "0002-truth-2.1.trace.jsonl"
"""Its last line is half of one."""
