"""``paceline report``: one page that needs nothing else, and that foreign text cannot change."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from tests.unit.evaluation.scored_runs import turn, write_index, write_job
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import paceline

HOSTILE = "<img src=x onerror=alert(1)>&\"'</script><!--"


def write_report(run: Path, *options: str) -> Path:
    """Runs the command; returns the page."""
    result = CliRunner().invoke(paceline, ["report", str(run), *options])
    assert result.exit_code == ExitCode.DONE, result.output
    return run / "report.html"


def data_of(page: str) -> dict[str, Any]:
    """The data that the page's script reads."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two recordings; the first is still there, the second has a hostile name."""
    recording = tmp_path / "talk.wav"
    samples = np.zeros(4 * 16_000, dtype=np.int16)
    samples[32_000:] = 16_000
    soundfile.write(recording, samples, 16_000)
    (tmp_path / "talk.txt").write_text(f"good evening {HOSTILE}")
    folder = write_index(tmp_path / "run", [recording, tmp_path / HOSTILE.replace("/", "_")])
    heard = [
        turn(1.0, 0, "good 👍👍", [0.5, 0.6]),
        turn(2.0, 0, f"good morning {HOSTILE}", [0.5, 1.0, 1.4], final=True),
    ]
    size = recording.stat().st_size
    write_job(folder, heard, job=1, file=str(recording), size=size)
    write_job(folder, [turn(2.0, 0, HOSTILE, [0.5], final=True)], job=2, file=HOSTILE)
    return folder


class Loads(HTMLParser):
    """Collects what a page could load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset", "href", "action", "data"):
                self.addresses.append(value or "")
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


def test_the_page_loads_nothing_and_runs_only_its_own_script(run: Path) -> None:
    """Its policy names the hashes of what is in it; foreign text is escaped."""
    page = write_report(run).read_text()
    loads = Loads()
    loads.feed(page)
    assert not loads.handlers
    assert all(one.startswith(("data:image/svg+xml;base64,", "#file-")) for one in loads.addresses)
    assert "<img src=x" not in page
    assert "https://" not in page.replace("http://www.w3.org/", "")

    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_each_recording_has_its_words_over_time_and_its_sound(run: Path) -> None:
    """Messages with their moments, the waveform, pacing, errors and the audio beside the page."""
    first, second = data_of(write_report(run).read_text())["files"]

    assert first["messages"] == [
        [500, 0, False, 0, "good 👍👍", 0],
        [1500, 0, True, 5, f"morning {HOSTILE}", 0],  # after the five characters before
    ]
    peaks = base64.b64decode(first["waveform"])
    assert set(peaks[:190]) == {0}
    assert min(peaks[210:]) >= 125  # resampling overshoots a little at the end
    assert max(first["lags"]) == 2.0
    assert first["audio"] == "../talk.wav"
    assert ["substitution", "evening", "morning"] in first["alignment"]
    assert first["alignment"][0] == "good"
    assert (second["waveform"], second["audio"], second["alignment"]) == ("", None, None)


def test_charts_are_written_as_pictures_too(run: Path, tmp_path: Path) -> None:
    """For slides, beside the page."""
    write_report(run, "--out", str(tmp_path / "x.html"), "--svg", "--png")
    names = {path.name for path in tmp_path.glob("x-*")}
    assert names == {"x-delays.svg", "x-delays.png", "x-time.svg", "x-time.png"}
    assert (tmp_path / "x-delays.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.slow
def test_a_browser_shows_the_page_of_a_recording(run: Path, tmp_path: Path) -> None:
    """The script runs under the policy, and shows foreign text as text."""
    page = write_report(run)
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
        "--disable-background-networking --disable-component-update --dump-dom"
    )
    command = ["chromium", *flags.split(), f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run(
        [*command, f"file://{page}#file-0"], capture_output=True, text=True, timeout=100
    ).stdout
    assert '<span id="count" class="muted">2 of 2</span>' in shown
    words = "&lt;img src=x onerror=alert(1)&gt;&amp;\"'&lt;/script&gt;&lt;!--"
    assert f"<p>good morning {words}</p>" in shown.replace(' class=""', "")
    assert "<del>evening</del><ins>morning</ins>" in shown
    assert 'class="wave"' in shown


def test_the_report_quotes_a_calibration(run: Path, tmp_path: Path) -> None:
    """What ``calibrate --json`` printed; anything else is refused."""
    calibration = tmp_path / "calibration.json"
    family = {"n": 9, "mean": 0.1, "p50": 0.2, "p95": 1.25, "max": 3}
    calibration.write_text(json.dumps({"version": 1, "sessions": {"50": {"eot": family}}}))
    page = write_report(run, "--calibration", str(calibration)).read_text()
    assert "<dt>own error</dt><dd>p95 of |error| in the worst family of delays, sessions" in page
    assert "50 at once: 1.25 ms</dd>" in page
    calibration.write_text("[]")
    result = CliRunner().invoke(paceline, ["report", str(run), "--calibration", str(calibration)])
    assert result.exit_code == ExitCode.USAGE
