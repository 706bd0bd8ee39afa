"""Writes the trace of one attempt. Used in the session's process only."""

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from workers.jobs.events import TraceEvent
from workers.traces.format import TraceHead, event_line, head_line


class TraceWriter:
    """Appends lines to a new file, each with one unbuffered write, so a kill loses no line. Raises
    `FileExistsError` if the file exists, and `OSError` if it cannot be written."""

    def __init__(self, path: Path, head: TraceHead) -> None:
        self._file = path.open("xb", buffering=0)
        wall = head.wall or datetime.now(UTC).isoformat()
        self._append(head_line(replace(head, wall=wall)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, t: float, event: TraceEvent) -> None:
        """Appends an event and passes it to the operating system; raises `OSError`."""
        self._append(event_line(t, event))

    def _append(self, line: bytes) -> None:
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
