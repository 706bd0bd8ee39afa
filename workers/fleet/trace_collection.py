"""Collects the trace and the log of one session from a node, piece by piece."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from workers import files
from workers.fleet.node_files import MAX_LOG_BYTES
from workers.fleet.node_messages import NodeId, SessionKey, TraceInfo, unpack
from workers.fleet.transport import NoReply, Reply, Transport


class TraceCollection:
    """One collection. It continues where it was, perhaps from another node that has the file, if
    `resume` is called after a cut. Not thread-safe: only the transport's thread uses it."""

    def __init__(
        self,
        transport: Transport,
        key: SessionKey,
        trace: Path,
        log: Path,
        on_end: Callable[["TraceCollection", bool], None],
    ) -> None:
        """``trace``, ``log``: where they belong. ``on_end`` gets whether the node had them."""
        self.key, self.trace, self.log = key, trace, log
        self.is_waiting = False
        """Whether it waits for `resume`."""
        self._transport = transport
        self._on_end = on_end
        self.node: NodeId | None = None
        """Where it collects."""
        self._info: TraceInfo | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._log = b""

    def resume(self, node: NodeId) -> None:
        """Begins, or goes on after a call has failed. The trace may have grown meanwhile."""
        self.node, self.is_waiting = node, False
        self._call("trace_info", self._on_info, self.key)

    def _call(self, method: str, on_value: Callable[[bytes], None], *arguments: object) -> None:
        assert self.node is not None

        def on_reply(reply: Reply | NoReply) -> None:
            if isinstance(reply, NoReply):
                self.is_waiting = True
            else:
                on_value(reply.value)

        self._transport.call(self.node, method, *arguments, on_reply=on_reply)

    def _on_info(self, packed: bytes) -> None:
        info: TraceInfo | None = unpack(packed)
        if info is None:
            self._on_end(self, False)
            return
        self._info = info
        self._ask()

    def _ask(self) -> None:
        assert self._info is not None
        if self._size < self._info.size:
            self._call("read_piece", self._on_piece, self.key, False, self._size)
        elif self._info.log_size and not self._log:
            offset = max(0, self._info.log_size - MAX_LOG_BYTES)
            self._call("read_piece", self._on_log, self.key, True, offset)
        else:
            self._finish()

    def _on_piece(self, packed: bytes) -> None:
        piece: bytes = unpack(packed)
        self._pieces.append(piece)
        self._size += len(piece)
        if not piece:  # it is shorter than it was
            self._start_over()
        else:
            self._ask()

    def _on_log(self, packed: bytes) -> None:
        self._log = unpack(packed) or b"\n"
        self._ask()

    def _finish(self) -> None:
        assert self._info is not None
        digest = hashlib.sha256()
        for piece in self._pieces:
            digest.update(piece)
        if self._size == self._info.size and digest.hexdigest() == self._info.sha256:
            self._on_end(self, True)
        else:
            self._start_over()

    def _start_over(self) -> None:
        self._pieces, self._size, self._log = [], 0, b""
        self.is_waiting = True

    def install(self) -> None:
        """Puts what was collected into the place of the trace of reports. Raises `OSError`. May
        take long, so another thread calls it."""
        if not files.is_own_file(self.trace):
            return  # a refused attempt, which was set aside, or the run folder was removed
        reported = files.read_bytes(self.trace).split(b"\n", 2)
        if len(reported) == 3 and reported[1] not in b"".join(self._pieces[:1]):
            return  # another attempt has the name now
        new = {self.trace.name: self._pieces}
        if self._log.strip():
            new[self.log.name] = [self._log]
        with files.Folder.open(self.trace.parent) as folder:
            folder.replace(new)
        self._pieces = []
