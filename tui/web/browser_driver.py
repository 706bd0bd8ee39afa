"""Textual's driver for a desk in a browser. The server passes on what it writes, as packets.

Unlike Textual's own, it outlives its viewer: each later viewer gets the whole screen.
"""

import os
import signal
from collections.abc import Mapping
from typing import Any

from textual.drivers.web_driver import WebDriver

_STDOUT, _STDERR = 1, 2

_packets_descriptor = _STDOUT


def reserve_stdout() -> None:
    """Keeps the pipe of stdout for packets; whatever else is printed goes to stderr."""
    global _packets_descriptor
    _packets_descriptor = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)


class BrowserDriver(WebDriver):
    """Draws to the server, and reads keys from it."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self.fileno = _packets_descriptor
        self._write = self._write_all  # type: ignore[assignment]  # Textual's is a partial

    def _write_all(self, packet: bytes) -> int:
        """Writes a packet as a whole. Called in the event loop only."""
        try:
            rest = memoryview(packet)
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        except BrokenPipeError:  # the server is gone; the input thread ends the desk
            pass
        return len(packet)

    def start_application_mode(self) -> None:
        super().start_application_mode()
        folder = getattr(getattr(self._app, "actions", None), "run_folder", "")
        self.write_meta({"type": "run_folder", "path": str(folder)})

    def run_input_thread(self) -> None:
        """Reads what the server sends; without a server, ends the desk as a lost terminal would."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    def on_meta(self, packet_type: str, payload: Any) -> None:
        """Called in the input thread."""
        if packet_type == "attach":
            self._app.call_later(self._attach, payload)
        else:
            super().on_meta(packet_type, payload)

    def _attach(self, payload: Mapping[str, Any]) -> None:
        """Sets the modes of a new viewer's terminal, and draws every cell."""
        self.write("\x1b[?1049h\x1b[?25l")
        self._enable_mouse_support()
        self._enable_bracketed_paste()
        super().on_meta("resize", dict(payload))
        self._app.refresh(layout=True)
