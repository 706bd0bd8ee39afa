"""Compressed traces: read as if they were not, at any line, and refused if they are damaged."""

import io
import os
import random
import sys
from pathlib import Path

import pytest

from tests.support.run_builders import session_events, write_run_folder, write_trace
from workers.traces.compressed import FRAME_BYTES, compress_trace
from workers.traces.files import log_of, next_trace, open_trace, trace_files, trace_files_by_job
from workers.traces.index import TraceIndex
from workers.traces.reader import TraceReader, has_end
from workers.traces.tail import TraceTail

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def compressed(folder: Path, content: bytes) -> Path:
    trace = folder / "0001-a.1.trace.jsonl"
    trace.write_bytes(content)
    return compress_trace(trace)


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, 3 * FRAME_BYTES + 5])
def test_any_piece_of_a_trace_is_read_as_before(tmp_path: Path, size: int) -> None:
    """Wherever it starts; and other programs decompress the file as a whole."""
    chance = random.Random(size)
    content = bytes(chance.choices(b"abc\n", k=size))
    path = compressed(tmp_path, content)
    assert not (tmp_path / "0001-a.1.trace.jsonl").exists()
    assert zstd.decompress(path.read_bytes()) == content
    with open_trace(path) as found:
        assert found.read() == content
        assert found.seek(0, os.SEEK_END) == size
        for _ in range(50):
            start, length = chance.randrange(size + 1), chance.randrange(FRAME_BYTES * 2)
            found.seek(start)
            assert found.read(length) == content[start : start + length]
        found.seek(0)
        assert list(found) == list(io.BytesIO(content))


def test_a_compressed_trace_is_found_and_read_by_every_reader(tmp_path: Path) -> None:
    """Its events, its index, its lines, and what follows it."""
    folder = write_run_folder(tmp_path / "run", [])
    told = session_events("Good morning all.", "This is one.")
    plain = [write_trace(folder, 1, told, attempt=attempt) for attempt in (1, 2)]
    events = list(TraceReader(plain[0]))
    spoken = list(TraceIndex(plain[0]).events_between(-1.0, 99.0))
    packed = [compress_trace(trace) for trace in plain]

    assert trace_files(folder, 1) == [(1, packed[0]), (2, packed[1])]
    assert trace_files_by_job(folder) == {1: [(1, packed[0]), (2, packed[1])]}
    assert next_trace(packed[0]) == packed[1]
    assert log_of(packed[0]) == log_of(plain[0])
    assert list(TraceReader(packed[0])) == events
    assert list(TraceReader(plain[0])) == events  # listed before it was compressed
    assert list(TraceIndex(packed[0]).events_between(-1.0, 99.0)) == spoken
    assert has_end(packed[0])
    tail = TraceTail(folder, 1)
    while tail.read():
        pass
    assert not tail.read()
    assert len(tail) == 2 * (len(events) + 1)
    assert tail.version == 1
    assert '"ended"' in tail.entry(len(tail) - 1).text


def test_a_trace_beside_its_compressed_one_counts_alone(tmp_path: Path) -> None:
    """The program was killed between writing one and removing the other."""
    plain = tmp_path / "0001-a.1.trace.jsonl"
    compressed(tmp_path, b"x" * 100)
    plain.write_bytes(b"x" * 100)

    assert trace_files(tmp_path, 1) == [(1, plain)]


def test_a_damaged_file_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """Cut, or changed at any byte, it gives what it was or that error."""
    content = b"".join(b"%d said\n" % number for number in range(50_000))
    path = compressed(tmp_path, content)
    whole, chance = path.read_bytes(), random.Random(3)
    damaged = [whole[:size] for size in (0, 5, 9, len(whole) - 1)]
    for _ in range(200):
        changed = bytearray(whole)
        near_end = len(whole) - 1 - chance.randrange(40)
        changed[chance.choice((chance.randrange(len(whole)), near_end))] ^= 4
        damaged.append(bytes(changed))
    errors = []
    for one in damaged:
        path.write_bytes(one)
        try:
            with open_trace(path) as found:
                found.read()
        except OSError as error:
            errors.append(error.strerror)

    assert len(errors) > 50
    assert set(errors) == {"the compressed trace is damaged"}
