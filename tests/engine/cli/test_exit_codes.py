"""Exit codes of the real program, where no other test of a command holds them."""

from pathlib import Path
from shutil import copyfile

import pytest

from tests.engine.cli.test_program import ROOT, run_cli
from tests.engine.support.scripted_server import ScriptedServer, ServerConnectionScript
from tests.support import audio_files
from tui.cli.exit_codes import PRECEDENCE, ExitCode, most_severe


@pytest.fixture
def recording(tmp_path: Path) -> str:
    return audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))


def test_the_documented_precedence_holds() -> None:
    """The first code of the order wins, whatever else applies."""
    assert [130, 70, 4, 1, 2, 3, 99, 0] == [*PRECEDENCE]
    for index, code in enumerate(PRECEDENCE):
        assert code is most_severe(reversed(PRECEDENCE[index:]))
    assert most_severe([]) is ExitCode.DONE


@pytest.mark.parametrize("name", ["run.json", "notes.txt"])
def test_a_folder_that_is_not_empty_is_a_usage_error(
    tmp_path: Path, recording: str, name: str
) -> None:
    """Nothing is started and nothing is written there, with a run in it or without."""
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("{}")
    result = run_cli("run", "--endpoint", "ws://127.0.0.1:9", "--out", out, recording)

    assert (ExitCode.USAGE, "") == (result.returncode, result.stdout)
    assert f"paceline: {out} " in result.stderr
    assert [name] == [path.name for path in out.iterdir()]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--param=min_turn_silnce=400", "Did you mean min_turn_silence or"),
        ("--param=nonsense=1", "has no parameter “nonsense”"),
        ("--param=min_turn_silence=1", "must be at least 50"),
        ("--speech-model=universal-2", "has no speech model “universal-2”"),
    ],
)
@pytest.mark.slow
def test_the_embedded_engine_knows_its_parameters(
    tmp_path: Path, recording: str, option: str, message: str
) -> None:
    """An unknown one is a usage error before anything starts."""
    result = run_cli("run", "--local", option, "--out", tmp_path / "out", recording)

    assert ExitCode.USAGE == result.returncode, result.stderr
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_another_endpoint_decides_about_parameters(tmp_path: Path, recording: str) -> None:
    """A name that only it may know is sent, in one session first: what it refuses that one, it
    would refuse the others."""
    others = [recording.replace("a.wav", f"{name}.wav") for name in "bc"]
    for other in others:
        copyfile(recording, other)

    async def refuse(line: ServerConnectionScript) -> None:
        error = "User Input Validation Error: Invalid 'new_one'"
        await line.send({"type": "Error", "error_code": 3006, "error": error})
        await line.socket.close(3006)

    with ScriptedServer(refuse) as endpoint:
        options = ("--endpoint", endpoint.url, "--param", "new_one=1", "--out", tmp_path / "out")
        result = run_cli("run", *options, recording, *others)
        connections = len(endpoint.received_sessions)

    assert (ExitCode.SOME_FAILED, 1) == (result.returncode, connections)
    assert "Paceline does not know the parameter “new_one”." in result.stderr
    assert result.stderr.count("Invalid 'new_one'") == 1
    assert "2 recordings not started" in result.stderr
    assert "paceline resume" not in result.stderr
    assert "paceline export" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["resume", "nowhere", "--no-desk"], ExitCode.FATAL, "there is no run “nowhere”"),
        (["export", "nowhere", "--to", "txt"], ExitCode.FATAL, "there is no run “nowhere”"),
        (["check", ROOT / "LICENSE"], ExitCode.SOME_FAILED, ""),
        (["settings"], ExitCode.USAGE, "cannot be read"),
        (["settings", "--create"], ExitCode.USAGE, "already exists"),
        (["runs", "--most", "0"], ExitCode.USAGE, "is not a whole number from 1"),
        (["serve", "--script", "nowhere"], ExitCode.USAGE, "cannot be read"),
    ],
)
def test_every_mistake_has_its_code_and_a_sentence(
    tmp_path: Path, arguments: list[str | Path], code: ExitCode, message: str
) -> None:
    """Commands other than `run`; the settings file of this test is a folder."""
    result = run_cli(*arguments, PACELINE_SETTINGS=str(tmp_path))

    assert code == result.returncode
    assert message in result.stderr
    assert "Traceback" not in result.stderr
