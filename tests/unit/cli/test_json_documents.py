"""What commands print with ``--json``: documents, and errors as objects."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support import audio_files
from tests.support.schemas import validate_document
from tests.unit.cli.test_export import SPOKEN, run
from tests.unit.cli.test_run_names import make_run
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import paceline
from workers.errors import PacelineError

ROOT = Path(__file__).parents[3]


def printed(*arguments: str | Path, code: ExitCode = ExitCode.DONE) -> Any:
    """The one line of JSON that a command prints."""
    result = CliRunner().invoke(paceline, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    (line,) = result.stdout.splitlines()
    return json.loads(line)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "paceline" / "runs"


def test_check_describes_what_can_and_what_cannot_be_streamed(tmp_path: Path) -> None:
    """Each recording by itself, and a forecast of them all."""
    audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.5))
    (tmp_path / "b.wav").write_bytes(b"no audio")
    document = printed("check", "--json", tmp_path, code=ExitCode.SOME_FAILED)
    validate_document("check", document)
    good, bad = document["recordings"]

    assert (good["seconds"], good["sent"]["sessions"]) == (0.5, 1)
    assert bad["error"]["code"] == "unreadable"
    assert document["forecast"]["sessions"] == 1


def test_runs_are_listed_with_their_states(runs: Path) -> None:
    """Also one that cannot be read."""
    make_run(runs / "1", "done")
    make_run(runs / "2", "failed", "queued")
    (make_run(runs / "3") / "run.json").write_text("{")
    document = printed("runs", "--json", "--most", "3")
    validate_document("runs", document)
    damaged, unfinished, finished = document["runs"]

    assert damaged["error"]["code"] == "run_folder"
    assert (unfinished["state"], unfinished["jobs"]) == ("unfinished", {"failed": 1, "queued": 1})
    assert unfinished["command"].startswith("paceline resume ")
    assert (finished["state"], document["more"]) == ("finished", 0)


def test_export_names_each_file(tmp_path: Path) -> None:
    """And says why one was not written."""
    folder = run(tmp_path, SPOKEN)
    first = printed("export", folder, "--to", "txt,srt", "--json")
    second = printed("export", folder, "--to", "txt", "--json", code=ExitCode.SOME_FAILED)
    validate_document("export", first)
    validate_document("export", second)

    assert [Path(file["path"]).name for file in first["files"]] == ["talk.txt", "talk.srt"]
    assert second["failed"][0]["error"]["code"] == "files_exist"


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["export", "nowhere", "--json"], ExitCode.FATAL, "run_folder"),
        (["runs", "--json", "--most", "none"], ExitCode.USAGE, "usage"),
        (["check", "--json", "nowhere"], ExitCode.USAGE, "usage"),
        (["run", "--json", "--nonsense", "x"], ExitCode.USAGE, "usage"),
        (["run", "--json", "--channels", "0", "samples"], ExitCode.USAGE, "usage"),
        (["score", "nowhere", "--json"], ExitCode.FATAL, "run_folder"),
    ],
)
def test_an_error_is_an_object_too(
    runs: Path, arguments: list[str], code: ExitCode, kind: str
) -> None:
    """On stdout, with a code that stays; the sentence is on stderr."""
    document = printed(*arguments, code=code)
    validate_document("error", document)

    assert document["error"]["code"] == kind


def test_every_code_is_documented() -> None:
    """And none that does not exist."""
    sources = [path.read_text() for path in (ROOT / "workers").rglob("*.py")]
    codes = {
        code
        for text in sources
        for code in re.findall(r'^    code(?:: [^=]+)? = "(\w+)"', text, re.M)
    }
    page = (ROOT / "docs" / "command-line.md").read_text()
    table = page.split("<!-- codes -->")[1].split("<!-- /codes -->")[0]
    listed = {*re.findall(r"^\| `(\w+)`", table, re.MULTILINE)}

    assert PacelineError.code in codes
    assert listed == codes | {"system", "internal_error"}
