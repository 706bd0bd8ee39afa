"""What is sent to the terminal's window."""

import pytest

from tui.terminal import window


def test_a_title_has_no_control_characters() -> None:
    """A file's name could otherwise end the sequence and begin another."""
    assert "\x1b]2;1/2 ta␇lk\x07" == window.title_sequence("1/2 ta\x07lk")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, "\x1b]9;Paceline: 2 done, 1 failed\x07"),
        ({"TERM": "foot"}, "\x1b]777;notify;Paceline;2 done, 1 failed\x07"),
        (
            {"TERM": "xterm", "VTE_VERSION": "7200"},
            "\x1b]777;notify;Paceline;2 done, 1 failed\x07",
        ),
        (
            {"TERM": "tmux-256color", "TMUX": "/tmp/tmux"},
            "\x1bPtmux;\x1b\x1b]9;Paceline: 2 done, 1 failed\x07\x1b\\",
        ),
    ],
)
def test_a_notification_is_in_the_words_of_the_terminal(
    environment: dict[str, str], expected: str
) -> None:
    """One of two sequences, since a terminal that reads both would show it twice; wrapped for
    tmux, which would drop it."""
    assert expected == window.notification_sequence("Paceline", "2 done; 1 failed", environment)
