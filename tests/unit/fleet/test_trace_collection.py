"""Traces are collected in pieces, also over cuts, and put into their place only when whole."""

from pathlib import Path

from workers.fleet.node_files import NodeFiles
from workers.fleet.node_messages import PIECE_BYTES, NodeId, SessionKey, pack
from workers.fleet.trace_collection import TraceCollection
from workers.fleet.transport import NoReply, OnReply, Reply

KEY, NODE = SessionKey("1.1.ab12"), NodeId("a")
HEAD, FIRST = b'{"t":0.0,"type":"trace"}\n', b'{"t":0.1,"type":"connecting"}\n'
WHOLE = HEAD + FIRST + b"x" * (2 * PIECE_BYTES) + b"\n"


class Line:
    """Calls a node's files directly, unless the line is cut."""

    def __init__(self, files: NodeFiles) -> None:
        self.files = files
        self.calls_left = 100
        self.asked: list[tuple[object, ...]] = []

    def call(
        self,
        node: NodeId,
        method: str,
        *arguments: object,
        on_reply: OnReply | None = None,
    ) -> None:
        assert on_reply is not None
        self.asked.append((method, *arguments))
        self.calls_left -= 1
        if self.calls_left < 0:
            on_reply(NoReply("cut"))
        else:
            on_reply(Reply(pack(getattr(self.files, method)(*arguments)), 0.0, 0.0))

    def start(self, on_fact: object) -> None: ...

    def close(self, *, end_agents: bool) -> None: ...


class Collected:
    """A collection into a run folder that has the trace of reports."""

    def __init__(self, folder: Path) -> None:
        self.files = NodeFiles(folder / "node" / "run", "a")
        trace, log = self.files.paths(KEY)
        trace.write_bytes(WHOLE)
        log.write_bytes(b"a traceback\n")
        self.target = folder / "0001-a.1.trace.jsonl"
        self.target.write_bytes(HEAD + FIRST)
        self.line = Line(self.files)
        self.ends: list[bool] = []
        self.collection = TraceCollection(
            self.line,
            KEY,
            self.target,
            folder / "0001-a.1.log",
            lambda collection, is_whole: self.ends.append(is_whole),
        )


def test_a_trace_and_its_log_are_collected(tmp_path: Path) -> None:
    """Until then, the trace of reports stays."""
    collected = Collected(tmp_path)
    collected.collection.resume(NODE)

    assert collected.ends == [True]
    assert collected.target.read_bytes() == HEAD + FIRST
    collected.collection.install()
    assert collected.target.read_bytes() == WHOLE
    assert (tmp_path / "0001-a.1.log").read_bytes() == b"a traceback\n"


def test_a_collection_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    """No piece is asked for twice."""
    collected = Collected(tmp_path)
    collected.line.calls_left = 2
    collected.collection.resume(NODE)
    assert collected.collection.is_waiting
    assert collected.ends == []
    collected.line.calls_left = 100
    collected.line.asked = []
    collected.collection.resume(NODE)

    assert collected.ends == [True]
    assert ("read_piece", KEY, False, PIECE_BYTES) == collected.line.asked[1]
    collected.collection.install()
    assert collected.target.read_bytes() == WHOLE


def test_a_trace_that_is_not_what_was_hashed_is_collected_again(tmp_path: Path) -> None:
    """What came before the cut was of another file."""
    collected = Collected(tmp_path)
    collected.line.calls_left = 2
    collected.collection.resume(NODE)
    other = HEAD + FIRST + b"y" * PIECE_BYTES + b"\n"
    collected.files.paths(KEY)[0].write_bytes(other)
    collected.line.calls_left = 100
    collected.collection.resume(NODE)
    assert collected.ends == []
    assert collected.collection.is_waiting
    collected.collection.resume(NODE)

    assert collected.ends == [True]
    collected.collection.install()
    assert collected.target.read_bytes() == other


def test_a_trace_of_another_attempt_is_not_put_into_its_place(tmp_path: Path) -> None:
    """The number of a refused attempt is used again."""
    collected = Collected(tmp_path)
    collected.collection.resume(NODE)
    other = HEAD + b'{"t":0.2,"type":"connecting"}\n'
    collected.target.write_bytes(other)
    collected.collection.install()

    assert collected.target.read_bytes() == other


def test_a_node_without_the_trace_says_so(tmp_path: Path) -> None:
    """It was collected before, or its disk was replaced."""
    collected = Collected(tmp_path)
    collected.files.remove(KEY)
    collected.collection.resume(NODE)

    assert collected.ends == [False]


def test_nodes_of_one_machine_hand_out_traces_of_each_other(tmp_path: Path) -> None:
    """A raylet that died left its traces; the folders go when they are empty."""
    dead, living = NodeFiles(tmp_path / "run", "a"), NodeFiles(tmp_path / "run", "b")
    trace, _ = dead.paths(KEY)
    trace.write_bytes(WHOLE)

    assert living.traces() == [KEY]
    assert living.read_piece(KEY, False, 0) == WHOLE[:PIECE_BYTES]
    living.remove(KEY)
    for each in (dead, living):
        each.close()
    assert not (tmp_path / "run").exists()
