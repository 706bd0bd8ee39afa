"""How fast a browser opens the report of a large run, and filters its table.

``python -m tests.benchmarks.report [--files 300] [--words 600] [--pictures DIR]``

Writes a run of so many recordings, and its report; opens it in headless Chromium and measures
there, over the DevTools protocol. ``--pictures`` also keeps the page in light, dark and print.
"""

import argparse
import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from click.testing import CliRunner
from websocket import WebSocket, create_connection

from tests.benchmarks.scoring import write_run
from tui.cli.registry import paceline

FILTERS = ("0123", "wer>5", "wer<4 eot<9999", "invalid", "00", "")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --remote-debugging-port=0"
)

TYPE_AND_DRAW = """(text) => {
  const began = performance.now();
  search.value = text;
  search.dispatchEvent(new Event("input"));
  document.body.offsetHeight;
  return performance.now() - began;
}"""


class Tab:
    """A page of the browser, driven over the DevTools protocol."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._last_id = 0

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method and returns its result."""
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._last_id:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        found: dict[str, Any] = answer["result"]
        return found

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    def open(self, address: str) -> float:
        """Opens a page; returns the seconds until it has loaded, as the page itself measures."""
        self.call("Page.enable")
        self.call("Page.navigate", url=address)
        timing = "performance.getEntriesByType('navigation')[0]?.loadEventEnd"
        while not (self.evaluate("location.href") == address and self.evaluate(timing)):
            time.sleep(0.02)
        self.evaluate("document.body.offsetHeight")
        return float(self.evaluate("performance.now()")) / 1000


@contextmanager
def open_tab(folder: Path) -> Iterator[Tab]:
    """A tab of a headless browser with a profile of its own."""
    command = ["chromium", *FLAGS.split(), f"--user-data-dir={folder}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as browser:
        try:
            port = _wait_for_port(folder / "DevToolsActivePort")
            with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = json.load(answer)
            (page,) = (one for one in pages if one["type"] == "page")
            address = page["webSocketDebuggerUrl"]
            socket = create_connection(address, suppress_origin=True, timeout=120)
            yield Tab(socket)
            socket.close()
        finally:
            browser.terminate()


def _wait_for_port(path: Path) -> str:
    while not (path.exists() and (lines := path.read_text().splitlines())):
        time.sleep(0.05)
    return lines[0]


def keep_pictures(tab: Tab, folder: Path) -> None:
    """Keeps the first screens of the page in light and dark, and all of it as printed."""
    folder.mkdir(parents=True, exist_ok=True)
    size = {"width": 1200, "height": 1600, "deviceScaleFactor": 1, "mobile": False}
    tab.call("Emulation.setDeviceMetricsOverride", **size)
    for anchor in ("", "#file-1"):
        tab.evaluate(f"location.hash = '{anchor}'; window.scrollTo(0, 0)")
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            tab.call("Emulation.setEmulatedMedia", features=features)
            time.sleep(0.3)
            if anchor:
                tab.evaluate("page.scrollIntoView()")
            picture = tab.call("Page.captureScreenshot")["data"]
            name = f"{scheme}{'-file' if anchor else ''}.png"
            (folder / name).write_bytes(base64.b64decode(picture))
    tab.call("Emulation.setEmulatedMedia", features=[])
    printed = tab.call("Page.printToPDF", printBackground=True)["data"]
    (folder / "print.pdf").write_bytes(base64.b64decode(printed))


def main() -> None:
    """Prints size, seconds to open, and the slowest filter."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--words", type=int, default=600)
    parser.add_argument("--partials", type=int, default=5)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        run = write_run(folder, options.files, options.words, options.partials)
        result = CliRunner().invoke(paceline, ["report", str(run)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        page = run / "report.html"
        with open_tab(folder / "profile") as tab:
            opened = [tab.open(f"file://{page}?{time}") for time in range(3)]
            type_and_draw = f"({TYPE_AND_DRAW})"
            filtered = {
                text: max(tab.evaluate(f"{type_and_draw}({json.dumps(text)})") for _ in range(5))
                for text in FILTERS
            }
            shown_ms = tab.evaluate(
                "(() => { const began = performance.now(); location.hash = '#file-1'; showFile();"
                " document.body.offsetHeight; return performance.now() - began; })()"
            )
            if options.pictures is not None:
                keep_pictures(tab, options.pictures)
        slowest = max(filtered, key=lambda text: filtered[text])
        print(
            f"{options.files} recordings: {page.stat().st_size / 1e6:.1f} MB, opens in "
            f"{min(opened):.2f} to {max(opened):.2f} s; slowest filter {filtered[slowest]:.0f} ms "
            f"(“{slowest}”); the page of a recording {shown_ms:.0f} ms"
        )


if __name__ == "__main__":
    main()
