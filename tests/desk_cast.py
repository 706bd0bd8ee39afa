"""Records 30 seconds of the running desk as ``docs/desk.cast``, with somebody at its keys.

The file is an asciicast of version 2, which asciinema plays: a line with the header, then a line
for each piece of output with its time in seconds.
"""

import codecs
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.engine.support.pseudo_terminal import PseudoTerminal

ROOT = Path(__file__).parents[1]
OUTPUT_PATH = ROOT / "docs" / "desk.cast"
COLUMNS, ROWS = 100, 30

KEYS = [
    (6.0, b"j"),
    (7.0, b"j"),
    (9.0, b"2"),
    (12.0, b"1"),
    (14.0, b"w"),
    (19.0, b"\x1b"),
    (21.0, b"/"),
    (21.5, b"state:done"),
    (24.0, b"\x1b"),
    (26.0, b"?"),
]
"""What is typed, and how many seconds after the first screen."""

END_SECONDS = 30.0


class Recorder:
    """Notes when a terminal got which output, from when it is made."""

    def __init__(self, terminal: PseudoTerminal) -> None:
        self.events: list[tuple[float, str, str]] = []
        self._terminal = terminal
        self._start = time.monotonic()
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._recorded_bytes = 0

    def record_until(self, seconds: float) -> None:
        """Follows the terminal until so many seconds after the start."""

        def is_there() -> bool:
            now = time.monotonic() - self._start
            text = self._decode(self._terminal.output[self._recorded_bytes :])
            self._recorded_bytes = len(self._terminal.output)
            if text:
                self.events.append((round(now, 3), "o", text))
            return now >= seconds

        self._terminal.wait_until(is_there)


def record_desk(folder: Path) -> list[tuple[float, str, str]]:
    """Records the desk on the samples. Everything that it writes is in this folder."""
    environment = {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    os.environ.update(environment)
    for name in ("ASSEMBLYAI_API_KEY", "NO_COLOR", "PACELINE_SETTINGS"):
        os.environ.pop(name, None)
    with PseudoTerminal("demo", size=(ROWS, COLUMNS)) as terminal:
        terminal.wait_for_output(b"\x1b[?1049h")  # the desk has taken the screen
        recorder = Recorder(terminal)
        for seconds, keys in KEYS:
            recorder.record_until(seconds)
            terminal.send_keys(keys)
        recorder.record_until(END_SECONDS)
        events = [*recorder.events]
        terminal.send_keys(b"\x1b")  # closes the help
        recorder.record_until(END_SECONDS + 1)  # or Esc and q would be one key, Alt+Q
        terminal.send_keys(b"qq")  # the first asks if a session is live
        terminal.wait_until(lambda: terminal.program.poll() is not None)
        return events


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        events = record_desk(Path(folder))
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "Paceline on its samples"}
    lines = [json.dumps(each, ensure_ascii=False) for each in (header, *events)]
    OUTPUT_PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(OUTPUT_PATH, file=sys.stderr)


if __name__ == "__main__":
    main()
