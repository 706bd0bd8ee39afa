"""Writes the trace of one attempt, in the session's process. For a session on another machine, the
program writes one of what the session reports, until it has the whole trace."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from workers import files
from workers.jobs.events import TraceEvent
from workers.traces.format import TraceHead, event_line, head_line
from workers.traces.wordless import without_words


class TraceWriter:
    """Appends lines to a new file, each with one unbuffered write, so a kill loses no line. Raises
    `FileExistsError` if the file exists, and `OSError` if it cannot be written."""

    def __init__(self, path: Path, head: TraceHead | None, *, keep_words: bool = True) -> None:
        """``head``: None to continue a trace whose writer was killed, without a line that it may
        have left unfinished. ``keep_words``: False replaces each word by a sign."""
        self._path, self._keep_words = path, keep_words
        if head is None:
            self._descriptor = files.open_to_append(path)
            os.ftruncate(self._descriptor, files.read_bytes(path).rfind(b"\n") + 1)
            return
        self._descriptor = files.create_file(path)
        wall = head.wall or datetime.now(UTC).isoformat()
        self._append(head_line(replace(head, wall=wall)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)

    @property
    def is_in_place(self) -> bool:
        """False if the path leads to no file any more, or to another one."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False
        except OSError:  # a disk that is away for a while; writing will tell
            return True

    def write(self, t: float, event: TraceEvent) -> None:
        """Appends an event and passes it to the operating system; raises `OSError`."""
        self._append(event_line(t, event if self._keep_words else without_words(event)))

    def _append(self, line: bytes) -> None:
        files.write_all(self._descriptor, line)
