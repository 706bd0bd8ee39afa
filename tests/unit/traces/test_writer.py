import os
from pathlib import Path

import pytest

from workers.errors import Malformed
from workers.jobs.events import Began, ChunksSent, Ended, Outcome, TurnReceived
from workers.protocol.messages import Turn
from workers.traces import reader
from workers.traces.format import TimedEvent, TraceHead
from workers.traces.reader import TraceReader
from workers.traces.writer import TraceWriter

EVENTS = [
    TimedEvent(0.5, Began("id", "u3-rt-pro", 16000, 0, 1.0, 2.0)),
    TimedEvent(1.0, ChunksSent(0, (100, 90))),
    TimedEvent(1.5, TurnReceived(Turn(0, True, "Grüße, 世界."))),
    TimedEvent(2.0, Ended(Outcome.DONE, "done")),
]


def written(path: Path) -> Path:
    with TraceWriter(path, TraceHead(job=1, attempt=1, file="a.wav")) as writer:
        for each in EVENTS:
            writer.write(each.t, each.event)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Every event, in order, with its time."""
    path = written(tmp_path / "a.trace.jsonl")

    assert list(reader.read_trace(path)) == EVENTS
    head = TraceReader(path).head
    assert head is not None
    assert "a.wav" == head.file


def test_a_trace_is_never_overwritten(tmp_path: Path) -> None:
    """Existing measurements are kept."""
    path = written(tmp_path / "a.trace.jsonl")
    with pytest.raises(FileExistsError):
        TraceWriter(path, TraceHead(job=1, attempt=1, file="a.wav"))


def test_a_cut_at_any_byte_leaves_all_whole_lines_readable(tmp_path: Path) -> None:
    """A killed writer or a full disk tears the last line, never the ones before."""
    whole = written(tmp_path / "whole").read_bytes()
    head = whole.index(b"\n") + 1
    cut = tmp_path / "cut"
    for size in range(head, len(whole) + 1):
        cut.write_bytes(whole[:size])
        complete = whole[:size].count(b"\n") - 1
        last_is_whole = size < len(whole) and whole[size : size + 1] == b"\n"

        assert list(reader.read_trace(cut)) == EVENTS[: complete + last_is_whole]


@pytest.mark.parametrize(
    "content",
    [
        b"hello\n",
        b"[]\n",
        b'{"type":"began","t":0}\n',
        b'{"type":"trace","version":99,"wall":"","job":1,"attempt":1,"file":"a"}\n',
        b'{"type":"trace","version":1,"wall":"","job":1,"attempt":1,"file":"a"}\nx\n{}\n',
        b'{"type":"trace","version":1,"wall":"","job":1,"attempt":1,"file":"a"}\n{"type":"slip"}\n',
    ],
)
def test_what_is_no_trace_is_a_named_error(tmp_path: Path, content: bytes) -> None:
    """The result is neither a traceback nor an empty transcript."""
    path = tmp_path / "a.trace.jsonl"
    path.write_bytes(content)
    with pytest.raises(Malformed) as error:
        list(reader.read_trace(path))

    assert error.value.reason


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_is_an_error_at_once(tmp_path: Path) -> None:
    """Nothing waits in a buffer to be lost later."""
    with TraceWriter(tmp_path / "a.trace.jsonl", TraceHead(job=1, attempt=1, file="a")) as writer:
        with open("/dev/full", "wb", buffering=0) as full:
            os.dup2(full.fileno(), writer._descriptor)
        with pytest.raises(OSError, match="No space"):
            writer.write(0.0, EVENTS[0].event)
