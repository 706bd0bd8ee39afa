"""Asks the terminal what it can do, with control sequences to which it answers on its input."""

import os
import re
import select
import termios
import time
import tty
from dataclasses import dataclass

ANSWER_TIMEOUT_S = 1.0
"""How long all answers may take, over a slow connection too."""

_WIDE = "語"  # two cells, in a terminal that knows Unicode
_QUERY = (
    f"\r{_WIDE}\x1b[6n\r  \r"  # where the cursor is after a wide character, which is then removed
    "\x1b[?u"  # the kitty keyboard protocol
    "\x1b[?1006$p"  # the mouse, with coordinates beyond column 223
    "\x1b[c"  # its kind: every terminal answers, and does so last
)
_END = re.compile(rb"\x1b\[\?[0-9;]*c")


@dataclass(frozen=True, slots=True)
class TerminalAnswers:
    """What a terminal answered."""

    answered: bool = False
    """Whether it answered at all; otherwise nothing is known."""
    wide_cells: int | None = None
    """How many cells a wide character took."""
    has_kitty_keys: bool = False
    has_mouse: bool | None = None
    """None: the terminal does not tell."""


def query_terminal(fd: int) -> TerminalAnswers:
    """Asks the terminal on descriptor ``fd``, which nothing else may read meanwhile."""
    before = termios.tcgetattr(fd)
    answer = b""
    try:
        tty.setcbreak(fd, termios.TCSAFLUSH)
        os.write(fd, _QUERY.encode())
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while not _END.search(answer) and (left := until - time.monotonic()) > 0:
            if not select.select([fd], [], [], left)[0]:
                break
            if not (received := os.read(fd, 1024)):
                break
            answer += received
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)
    return parse_answers(answer)


def parse_answers(answer: bytes) -> TerminalAnswers:
    """Reads what a terminal has answered; what it did not is unknown."""
    position = re.search(rb"\x1b\[\d+;(\d+)R", answer)
    mouse = re.search(rb"\x1b\[\?1006;(\d)\$y", answer)
    return TerminalAnswers(
        answered=_END.search(answer) is not None,
        wide_cells=int(position[1]) - 1 if position else None,
        has_kitty_keys=re.search(rb"\x1b\[\?\d+u", answer) is not None,
        has_mouse=mouse[1] in b"123" if mouse else None,  # 0: it does not know that mode
    )
