"""Sequences for the terminal's window: its title, and desktop notifications.

Terminals that do not know them ignore them. xterm's documentation of control sequences has the
titles (OSC 2, and CSI 22 and 23 t, which keep a title and bring it back). Notifications have no
standard: iTerm2's are OSC 9, those of rxvt-unicode OSC 777.
"""

from collections.abc import Mapping

from workers.visible_text import clean

KEEP_TITLE = "\x1b[22;2t"
"""Keeps the present title on the terminal's stack; the guard's `RESTORE_TITLE` brings it back."""

_READS_OSC_777 = ("foot", "rxvt", "ghostty")
"""How the names of terminals begin that read OSC 777. Those built on VTE do too."""


def title_sequence(title: str) -> str:
    """Sets the window's title. ``title`` is cleaned of control characters."""
    return f"\x1b]2;{clean(title)}\x07"


def notification_sequence(title: str, text: str, environment: Mapping[str, str]) -> str:
    """Asks the terminal to show a desktop notification.

    ``environment``: says which terminal it is; tmux passes the sequence on if its option
    ``allow-passthrough`` is on.
    """
    title, text = clean(title).replace(";", ","), clean(text).replace(";", ",")
    terminal = environment.get("TERM", "")
    if terminal.startswith(_READS_OSC_777) or "VTE_VERSION" in environment:
        sequence = f"\x1b]777;notify;{title};{text}\x07"
    else:
        sequence = f"\x1b]9;{title}: {text}\x07"
    if "TMUX" in environment:
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return sequence
