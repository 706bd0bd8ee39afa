"""What a terminal answers about itself."""

import os
import threading

from tui.terminal.queries import TerminalAnswers, parse_answers, query_terminal

XTERM = b"\x1b[10;3R\x1b[?0u\x1b[?1006;2$y\x1b[?64;1;9c"


def test_answers_are_read() -> None:
    """Each is known by its form; what is missing is unknown."""
    assert TerminalAnswers(True, 2, True, True) == parse_answers(XTERM)
    assert TerminalAnswers(True, 1, False, False) == parse_answers(
        b"\x1b[5;2R\x1b[?1006;0$y\x1b[?62c"
    )
    assert TerminalAnswers(True) == parse_answers(b"\x1b[?6c")
    assert TerminalAnswers() == parse_answers(b"keys that were typed")


def test_a_terminal_is_asked_and_left_as_it_was() -> None:
    """Its modes are those from before, and its answers are not left for the shell."""
    import termios

    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    asked: list[bytes] = []

    def answer() -> None:
        while b"\x1b[c" not in b"".join(asked):
            asked.append(os.read(master, 1024))
        os.write(master, XTERM)

    thread = threading.Thread(target=answer)
    thread.start()
    answers = query_terminal(slave)
    thread.join()

    assert TerminalAnswers(True, 2, True, True) == answers
    assert before == termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
