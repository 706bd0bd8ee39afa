"""Traces that were cut off, damaged, or never started."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.jobs.test_events import ALL
from workers.errors import Malformed
from workers.jobs.events import TurnReceived, Warned
from workers.protocol.messages import Turn, Word
from workers.traces import reader
from workers.traces.format import TimedEvent, TraceHead
from workers.traces.writer import TraceWriter

SAID = "Grüße, 世界 👩‍🚀 \x00\x1b\x9b\u2028\u202e\ud800"
EVENTS = [
    TimedEvent(number / 8, event)
    for number, event in enumerate(
        [*ALL, TurnReceived(Turn(1, False, SAID, words=(Word(SAID, 1, 2),), extra={SAID: [SAID]}))]
    )
]
"""Every event there is, and words of every kind."""

in_a_folder = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    path = tmp_path / "whole.trace.jsonl"
    with TraceWriter(path, TraceHead(job=1, attempt=1, file=SAID)) as writer:
        for each in EVENTS:
            writer.write(each.t, each.event)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.trace.jsonl"


def read_until_damaged(path: Path) -> tuple[list[TimedEvent], str]:
    """The events before the damage, and its description."""
    read = []
    try:
        for traced in reader.read_trace(path):
            read.append(traced)
    except Malformed as error:
        return read, error.reason
    pytest.fail("it read to its end")


def test_a_trace_cut_at_any_byte_reads_as_far_as_it_goes(whole: bytes, path: Path) -> None:
    """A trace may end at any byte, even within its first line."""
    head, *lines = whole.splitlines(keepends=True)
    for size in range(len(head)):
        path.write_bytes(head[:size])

        assert [] == list(reader.read_trace(path))

    for event, line in zip(EVENTS, lines, strict=True):
        for size in range(len(line) + 1):
            path.write_bytes(head + line[:size])

            assert [event] * (size >= len(line) - 1) == list(reader.read_trace(path))


@in_a_folder
@given(st.data())
def test_what_a_lost_line_left_behind_is_no_event(
    whole: bytes, path: Path, data: st.DataObject
) -> None:
    """After a power failure a file ends in NULs, or in what the disk held there before."""
    kept = whole.splitlines(keepends=True)[: data.draw(st.integers(0, len(EVENTS) + 1))]
    cut = data.draw(st.integers(0, 40))
    rest = data.draw(st.binary().filter(lambda some: b"\n" not in some) | st.just(bytes(5000)))
    path.write_bytes(b"".join(kept) + whole[:cut].rstrip(b"\n") + rest + b"\0")

    assert EVENTS[: max(0, len(kept) - 1)] == list(reader.read_trace(path))


DAMAGE = (
    *(b"", b"\0", bytes(5000), b"x", b"\xff", b"[]", b"7", b"null", b'"t"', b"{", b"{}"),
    *(b'{"t":1}', b'{"t":1,"type":"party"}', b'{"t":1,"type":["turn"]}', b'{"type":"slip"}'),
    *(b'{"t":null,"type":"sent","message":{}}', b'{"t":"1","type":"sent","message":{}}'),
    *(b'{"t":true,"type":"sent","message":{}}', b'{"t":NaN,"type":"sent","message":{}}'),
    *(b'{"t":' + b"9" * size + b',"type":"sent","message":{}}' for size in (400, 5000)),
    *(b'{"t":1,"type":"sent","message":[]}', b'{"t":1,"type":"chunks","first":0,"lag_us":["1"]}'),
    *(b'{"t":1,"type":"x' + b"[" * depth for depth in (200, 100_000)),
    *(b'{"t":1,"type":' + b"[" * depth + b"]" * depth + b"}" for depth in (200, 900, 100_000)),
    *(b'{"t":1,"type":"turn","turn_order":0,"end_of_turn":true,"transcript":' + some + b"}"
      for some in (b"null", b"7", b'"a","words":[{}]', b'"a","words":[7]', b'"a","words":{}')),
)  # fmt: skip
"""A line that no writer of traces writes."""


@pytest.mark.parametrize("bad", DAMAGE, ids=lambda bad: ascii(bad[:40])[2:-1])
def test_any_other_damage_is_named_by_its_file_and_line(
    whole: bytes, path: Path, bad: bytes
) -> None:
    """Events before the damage are yielded; later ones are not."""
    lines = whole.splitlines(keepends=True)
    for at in (1, 5, len(lines) - 1):
        path.write_bytes(b"".join([*lines[:at], bad, b"\n", *lines[at + 1 :]]))
        read, reason = read_until_damaged(path)

        assert EVENTS[: at - 1] == read
        assert reason.startswith(f"a.trace.jsonl, line {at + 1}")
        assert reason.isprintable()


@pytest.mark.parametrize("first", [b"x", b"{}", b"null", b"\0", b'{"type":"trace","version":"1"}'])
def test_a_first_line_that_is_not_a_traces_is_named_by_its_file(
    whole: bytes, path: Path, first: bytes
) -> None:
    """This does not depend on what follows."""
    path.write_bytes(first + whole[whole.index(b"\n") :])
    with pytest.raises(Malformed, match=r"^a\.trace\.jsonl"):
        list(reader.read_trace(path))


def test_a_line_longer_than_any_message_is_not_read_to_its_end(whole: bytes, path: Path) -> None:
    """A file of gigabytes without an end of line does not fill the memory."""
    path.write_bytes(whole)
    os.truncate(path, 2**30)  # NULs that take no room on the disk
    read, reason = read_until_damaged(path)

    assert EVENTS == read
    assert f"a.trace.jsonl, line {len(EVENTS) + 2} is too long" == reason


def test_a_message_as_long_as_can_be_is_read(path: Path) -> None:
    """The limit applies only to lines that no writer has written."""
    long = Warned("\x01" * 2**20)
    with TraceWriter(path, TraceHead(job=1, attempt=1, file="a")) as writer:
        writer.write(0, long)

    assert [TimedEvent(0, long)] == list(reader.read_trace(path))


@pytest.mark.parametrize("name", ["t", "job", "attempt", "version"])
def test_a_server_cannot_name_a_field_so_that_the_trace_breaks(path: Path, name: str) -> None:
    """The time of an event is ours, even if a turn has a field with that name."""
    turn = Turn(0, True, "a", extra={name: "x"})
    with TraceWriter(path, TraceHead(job=1, attempt=1, file="a")) as writer:
        writer.write(1.5, TurnReceived(turn))
    (read,) = reader.read_trace(path)

    assert read.t == 1.5
    assert isinstance(read.event, TurnReceived)
    assert read.event.turn.transcript == "a"
    assert json.loads(path.read_bytes().splitlines()[1])["t"] == 1.5


def test_partial_texts_are_those_of_the_whole_turns(whole: bytes, path: Path) -> None:
    """Every other event is read as always; a damaged partial turn is still found."""
    path.write_bytes(whole)
    short, texts = list(reader.TraceReader(path).with_partial_texts()), 0
    for (t, event), timed in zip(short, reader.read_trace(path), strict=True):
        assert t == timed.t
        if isinstance(event, reader.PartialText):
            assert isinstance(timed.event, TurnReceived)
            turn = timed.event.turn
            written = tuple(word.text for word in turn.words) or tuple(turn.transcript.split())
            assert (event.turn_order, event.words) == (turn.turn_order, written)
            texts += 1
        else:
            assert event == timed.event
    assert texts >= 1

    path.write_bytes(whole + b'{"t":9.5,"type":"turn","turn_order":"x","end_of_turn":false}\n')
    with pytest.raises(Malformed, match="turn_order is 'x'; it must be a number"):
        list(reader.TraceReader(path).with_partial_texts())
