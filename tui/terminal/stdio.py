"""The three standard descriptors, and what commands write to two of them.

A command writes text to ``sys.stdout`` and ``sys.stderr`` and does not care whether anybody reads
it. `CheckedOutput` shows what the terminal's encoding can show, and remembers the first write that
failed. The desk draws on ``sys.__stderr__``, where what stands for a character must be as wide.
"""

import codecs
import errno
import io
import os
import stat
import sys
import unicodedata
from typing import TextIO

from workers.output import CleanOutput

LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’‚", "'"),
        **dict.fromkeys("‐‑–—", "-"),
        **{"…": "...", "·": "|", "×": "x", "±": "+-", "≤": "<=", "≥": ">="},
        **{"→": "->", "←": "<-", "✓": "+", "✗": "X", "▲": "!", "○": "o", "●": "*"},
    }
)
"""What stands for our own symbols where an encoding lacks them."""

_LOOK_ALIKE_ERRORS = "paceline-look-alike"


def _replace_unencodable(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs: a look-alike, or else an escape such as ``\\u4f60``."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(LOOK_ALIKES)
    return text.encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error(_LOOK_ALIKE_ERRORS, _replace_unencodable)


_CELL_ERRORS = "paceline-cells"


def _replace_cells(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs for the screen: one sign for each cell. The desk itself draws only
    ASCII in such a terminal, but the scroll bars are Textual's."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_ascii_cells, error.object[error.start : error.end])), error.end


def _ascii_cells(char: str) -> str:
    if "\u2580" <= char <= "\u259f":  # blocks
        return "#"
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return ""
    return "??" if unicodedata.east_asian_width(char) in "WF" else "?"


codecs.register_error(_CELL_ERRORS, _replace_cells)


class CheckedOutput(CleanOutput):
    """A text stream on a standard descriptor whose writes never fail, and are clean.

    What is written after the first failure is lost. `failure` holds that failure.
    """

    def __init__(self, stream: TextIO, fd: int) -> None:
        """Takes the encoding of ``stream``, Python's own stream on the descriptor ``fd``."""
        self._fd = fd
        self._terminal_encoding = stream.encoding
        self.failure: OSError | None = None
        self.is_reported = False
        """Whether the user was told of the failure."""
        super().__init__(fd, stream.encoding, _LOOK_ALIKE_ERRORS)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute
        """Not the real one if that is ASCII: click would write UTF-8 there instead."""
        is_ascii = codecs.lookup(self._terminal_encoding).name == "ascii"
        return "iso8859-1" if is_ascii else self._terminal_encoding

    @property
    def failure_text(self) -> str:
        """Why the output could not be written, in the system's words; empty if it could."""
        return str(self.failure.strerror) if self.failure else ""

    @property
    def has_lost_reader(self) -> bool:
        """Whether nobody reads the output any more: a closed pipe, socket or terminal."""
        if self.failure is None:
            return False
        gone = errno.EIO if self._is_terminal else errno.EPIPE
        return self.failure.errno in (gone, errno.EPIPE, errno.ECONNRESET)

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
        return len(text)

    def write_document(self, text: str) -> None:
        try:
            super().write_document(text)
        except OSError as error:
            self._give_up(error)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Lets the descriptor lead nowhere, also for what is still in the buffer."""
        self.failure = self.failure or error
        self._is_terminal = stat.S_ISCHR(os.fstat(self._fd).st_mode)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._fd)
        os.close(null)


def check_output() -> None:
    """Makes commands write to a `CheckedOutput`; a descriptor that was closed has no stream."""
    if sys.stdout is not None:
        sys.stdout = CheckedOutput(sys.stdout, 1)
    if sys.stderr is not None:
        sys.stderr = CheckedOutput(sys.stderr, 2)
    if isinstance(sys.__stderr__, io.TextIOWrapper):
        sys.__stderr__.reconfigure(errors=_CELL_ERRORS)


def lost_output() -> CheckedOutput | None:
    """The standard output if it could not be written; otherwise None."""
    out = sys.stdout
    return out if isinstance(out, CheckedOutput) and out.failure is not None else None


def ensure_stdio() -> None:
    """Opens the null device for each standard descriptor that is closed.

    Otherwise a pipe could get one of these numbers, and a session would close it when it redirects
    them to its log. Call this before anything else is opened; child processes inherit the result.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number
