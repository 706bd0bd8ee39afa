"""Links that somebody has planted at every name that the program writes or reads by itself."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.engine.cli.test_program import run_cli
from tests.engine.support import server_faults
from tests.engine.support.ground_truth import write_numbered_recording
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import run_supervisor
from tests.engine.support.transcribing_server import transcribe
from tests.support.report_builders import report, turn_heard
from tui.app.clipboard import MAX_CLIPBOARD_BYTES, copy_transcripts
from tui.cli.exit_codes import ExitCode
from tui.cli.faults import report_fault
from tui.config.remembered_choices import load_choice, save_choice
from workers.errors import RunFolderProblem
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.runs import reader
from workers.runs.index import CHANGES_NAME, INDEX_NAME
from workers.runs.job_timeline import BEFORE_START_S
from workers.runs.timeline import RunTimeline

CANARY = "canary"
"""Is in each file outside, and must not be read."""

WRITTEN = (
    "0001-truth-0.2.trace.jsonl",
    "0001-truth-0.3.trace.jsonl",
    "0001-truth-0.4.log",
    "faults.log",
    "copied.txt",
    "report.html",
    "report-delays.svg",
    "report-time.svg",
    "scores.csv",
    "junit.xml",
    "words.jsonl",
    "summary.md",
    "exports/truth-0.txt",
    "exports/truth-0.srt",
    "exports/truth-1.json",
    "../state/paceline/faults.log",
    "../state/paceline/remembered.json",
    "../config/paceline/settings.toml",
)
"""What the commands below write, from the run folder on."""


def link(path: Path, target: Path) -> None:
    target.write_text(CANARY)
    path.symlink_to(target)


def broken_link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def hard_link(path: Path, target: Path) -> None:
    target.write_text(CANARY)
    os.link(target, path)


def pipe(path: Path, target: Path) -> None:
    os.mkfifo(path)


PLANTS: Mapping[str, Callable[[Path, Path], None]] = {
    "link": link,
    "broken link": broken_link,
    "hard link": hard_link,
    "pipe": pipe,
}


@pytest.fixture(scope="module")
def broken_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run whose first job broke; its server is still there, for a run that resumes it."""
    folder = tmp_path_factory.mktemp("planted")
    truths = [write_numbered_recording(folder, 10, job) for job in range(2)]
    broken = transcribe(fault=server_faults.drop_connection, at=6)
    with ScriptedServer(broken, transcribe()) as endpoint:
        with run_supervisor(endpoint.url, folder / "run") as observed:
            observed.supervisor.add([truths[0].path])
            observed.wait_until_idle()
            observed.supervisor.add([truths[1].path])
            observed.wait_until_idle()
        yield folder / "run"


@pytest.fixture
def run(broken_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run, with folders for state and settings beside it."""
    for variable in ("state", "config", "cache"):
        monkeypatch.setenv(f"XDG_{variable.upper()}_HOME", str(tmp_path / variable))
    for name in ("state/paceline", "config/paceline", "outside"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copytree(broken_run, tmp_path / "run")
    return tmp_path / "run"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def use_everything(run: Path) -> list[str]:
    """Runs every command that writes into a run folder or the user's; returns what they said."""
    commands: Sequence[Sequence[str | Path]] = (
        ("resume", run, "--no-desk", "--attempts", "3", "--log-level", "debug"),
        ("export", run, "--to", "txt,srt,json", "--overwrite"),
        ("report", run, "--svg"),
        ("score", run, "--csv", run / "scores.csv", "--junit", run / "junit.xml"),
        ("score", run, "--simuleval", run / "words.jsonl", "--markdown", run / "summary.md"),
        ("settings", "--create"),
        ("runs",),
    )
    results = [run_cli(*command) for command in commands]
    for result in results:
        assert "Traceback" not in result.stderr, result.stderr
        assert "internal error" not in result.stderr
    report_fault(RuntimeError("a bug"), run / "faults.log")
    report_fault(RuntimeError("a bug"))
    save_choice("export", {"folder": "x"})
    state = JobState(JobId(1), "a.wav")
    text = "word " * (MAX_CLIPBOARD_BYTES // 4)
    state.apply(report(JobId(1), turn_heard(0, text, final=True)))
    copied = copy_transcripts([state], run)
    assert (run / "copied.txt").read_text().startswith("word"), copied.notice
    assert load_choice("export") == {"folder": "x"}
    return [result.stdout + result.stderr for result in results]


@pytest.mark.parametrize("kind", PLANTS)
def test_no_command_writes_through_a_link(run: Path, tmp_path: Path, kind: str) -> None:
    """What the links lead to stays as it was, and is not read. The recording is completed."""
    outside = tmp_path / "outside"
    (run / "exports").mkdir()
    for number, name in enumerate(WRITTEN):
        PLANTS[kind](run / name, outside / f"target-{number}")
    before = contents(outside)
    output = use_everything(run)
    (run / "planted").write_text("\n".join(output))
    kept = [path for path in run.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]
    states = reader.read_job_states(run)

    assert contents(outside) == before
    if kind != "hard link":  # those that nothing wrote to are still there
        assert not [path for path in kept if CANARY.encode() in path.read_bytes()]
    assert [len(state.transcript.text.split()) for state in states] == [10, 10]


def test_exports_are_not_written_through_a_folder_that_is_a_link(run: Path, tmp_path: Path) -> None:
    """The folder for exports in a run folder is ours; one that the user names may be a link."""
    (run / "exports").symlink_to(tmp_path / "outside")
    refused = run_cli("export", run, "--to", "txt")
    named = run_cli("export", run, "--to", "txt", "--into", run / "exports")

    assert "exports is a link" in refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert named.returncode == 0
    assert len(contents(tmp_path / "outside")) == 2


def test_a_log_is_not_written_through_a_link(run: Path, tmp_path: Path) -> None:
    """The user asked for a log, so the program does not go on without it."""
    link(run / "paceline.log", tmp_path / "outside" / "log")
    result = run_cli("resume", run, "--no-desk", "--log-level", "debug")

    assert (tmp_path / "outside" / "log").read_text() == CANARY
    assert "paceline.log is a link" in result.stderr
    assert result.returncode == ExitCode.USAGE


def test_runs_that_are_links_are_not_listed(run: Path, tmp_path: Path) -> None:
    """Somebody else could make them, so they have no name. As a path, a link is followed."""
    runs = tmp_path / "state" / "paceline" / "runs"
    runs.mkdir()
    (runs / "linked").symlink_to(run)

    assert "truth" not in run_cli("runs").stdout
    assert "linked" not in run_cli("runs").stdout
    assert run_cli("export", "linked", "--to", "txt").returncode == 1
    assert run_cli("export", runs / "linked", "--to", "txt").returncode == 0


def with_canary(path: Path, outside: Path) -> None:
    """Moves a file of the run outside, with a canary in it, and leaves a link."""
    target = outside / path.name
    content = path.read_text() if path.exists() else '{"header": {"canary": true}}\n'
    target.write_text(content.replace("w00001", CANARY).replace("truth-1", f"{CANARY}-1"))
    path.unlink(missing_ok=True)
    path.symlink_to(target)


READ = (
    INDEX_NAME,
    CHANGES_NAME,
    "run.lock",
    "0001-truth-0.1.trace.jsonl",
    "0002-truth-1.1.trace.jsonl",
)


@pytest.mark.parametrize("name", READ)
def test_no_command_reads_through_a_link(run: Path, tmp_path: Path, name: str) -> None:
    """Each says which file is a link, or goes on without it."""
    with_canary(run / name, tmp_path / "outside")
    before = contents(tmp_path / "outside")
    commands: Sequence[Sequence[str | Path]] = (
        ("export", run, "--to", "txt,json,csv"),
        ("score", run, "--json"),
        ("report", run),
        ("resume", run, "--no-desk", "--attempts", "1"),
    )
    said = ""
    for command in commands:
        result = run_cli(*command)
        said += result.stdout + result.stderr
    try:
        timeline = RunTimeline(run, running=False)
        said += str(timeline.reports_between(BEFORE_START_S, timeline.duration_s))
    except RunFolderProblem as problem:
        said += str(problem)
    files = [path for path in run.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]

    assert "Traceback" not in said
    assert CANARY not in said
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
    assert contents(tmp_path / "outside") == before
