"""The text streams of a process: whatever is printed, a traceback too, passes through here."""

import io
import sys

from workers import secrecy
from workers.visible_text import clean_lines


class CleanOutput(io.TextIOWrapper):
    """A text stream on a standard descriptor: shows neither secrets nor control characters.

    Libraries and the interpreter print foreign text as it is: a usage error repeats an argument,
    an exception the name of a file or the words of a server.
    """

    def __init__(self, fd: int, encoding: str, errors: str = "backslashreplace") -> None:
        super().__init__(
            io.BufferedWriter(io.FileIO(fd, "wb", closefd=False)),
            encoding,
            errors,
            line_buffering=True,
        )

    def write(self, text: str) -> int:
        super().write(secrecy.redact(clean_lines(text)))
        return len(text)

    def write_document(self, text: str) -> None:
        """Writes a document whose values are clean: a mark across two of them would break it."""
        super().write(text)


def clean_errors() -> None:
    """Makes a child process print to a `CleanOutput` on its standard error, which is a log."""
    sys.stderr = CleanOutput(2, "utf-8")
