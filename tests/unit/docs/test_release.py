"""The version, the list of changes and the recording of the desk belong to each other."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
MAX_CAST_SECONDS = 35.0


def test_the_newest_changes_are_those_of_this_version() -> None:
    """With the day of the release."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## \[(.+)\] - (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest is not None
    assert newest[1] == version
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", newest[2])


def test_the_recording_can_be_played() -> None:
    """It is an asciicast of version 2, about half a minute long, and names no folder of ours."""
    text = (DOCS / "desk.cast").read_text()
    header, *events = [json.loads(line) for line in text.splitlines()]

    assert header["version"] == 2
    times = [seconds for seconds, _, _ in events]
    assert times == sorted(times)
    assert 25.0 < times[-1] < MAX_CAST_SECONDS
    assert {kind for _, kind, _ in events} == {"o"}
    assert not re.search(r"/(tmp|home|root)\b", text)


def test_the_recording_plays_without_a_foreign_host() -> None:
    """The player is in the documentation, and the page loads nothing else."""
    page = (DOCS / "index.md").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]+)"|create\("([^"]+)"', page)

    assert loaded
    assert all((DOCS / (source or cast)).is_file() for source, cast in loaded)
