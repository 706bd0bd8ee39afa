"""The traces and logs of sessions on a node, until the program has collected them."""

import hashlib
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from workers import files
from workers.fleet.node_messages import PIECE_BYTES, SessionKey, TraceInfo
from workers.traces.files import TRACE_SUFFIX, log_of

MAX_LOG_BYTES = PIECE_BYTES
"""Of a log, only the end is collected."""
_KEY = re.compile(r"\d+\.\d+\.[0-9a-f]+")


class NodeFiles:
    """The folder of one node, in that of the run. Nodes on one machine, and agents that were
    started again, see each other's: any of them may hand out a trace."""

    def __init__(self, run_folder: Path, node: str) -> None:
        """Raises `OSError`."""
        self.folder = run_folder / node
        files.make_folders(self.folder)

    def paths(self, key: SessionKey) -> tuple[Path, Path]:
        """Where a new session on this node writes its trace and its log."""
        trace = self.folder / f"{key}{TRACE_SUFFIX}"
        return trace, log_of(trace)

    def spool_path(self, key: SessionKey) -> Path:
        """Where a recording from the network is received for a session."""
        return self.folder / f"{key}.spool"

    def traces(self) -> list[SessionKey]:
        """The sessions whose traces are on this machine."""
        names = (path.name for path in self.folder.parent.glob(f"*/*{TRACE_SUFFIX}"))
        return [SessionKey(name.removesuffix(TRACE_SUFFIX)) for name in names]

    def _find(self, key: SessionKey) -> Path:
        """Raises `FileNotFoundError`."""
        name = f"{key}{TRACE_SUFFIX}"
        if _KEY.fullmatch(key):
            for folder in (self.folder, *self.folder.parent.iterdir()):
                if (folder / name).exists():
                    return folder / name
        raise FileNotFoundError(name)

    def trace_info(self, key: SessionKey) -> TraceInfo | None:
        """What a trace should have when it is collected; None if it is not on this machine."""
        try:
            trace = self._find(key)
            with files.open_to_read(trace) as file:
                digest, size = hashlib.sha256(), 0
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
                    size += len(piece)
        except FileNotFoundError:
            return None
        with suppress(OSError):
            return TraceInfo(size, digest.hexdigest(), log_of(trace).stat().st_size)
        return TraceInfo(size, digest.hexdigest(), 0)

    def read_piece(self, key: SessionKey, is_log: bool, offset: int) -> bytes:
        """Up to `PIECE_BYTES` of a trace or log from ``offset``. Raises `OSError`."""
        path = self._find(key)
        with files.open_to_read(log_of(path) if is_log else path) as file:
            file.seek(offset)
            return file.read(PIECE_BYTES)

    def remove(self, key: SessionKey) -> None:
        """Removes the trace and the log of a session."""
        with suppress(OSError):
            trace = self._find(key)
            with files.Folder.open(trace.parent) as folder:
                folder.remove(trace.name)
                folder.remove(log_of(trace).name)

    def free_bytes(self) -> int:
        """How much room the disk has."""
        return shutil.disk_usage(self.folder).free

    def close(self) -> None:
        """Removes the node's folder, and that of the run, if no trace is left in them."""
        if any(self.folder.glob(f"*{TRACE_SUFFIX}")):
            return
        with suppress(OSError):
            with files.Folder.open(self.folder) as folder:
                for name in os.listdir(self.folder):
                    folder.remove(name)
            self.folder.rmdir()
            self.folder.parent.rmdir()
