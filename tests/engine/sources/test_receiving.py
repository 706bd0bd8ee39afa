"""Jobs whose recordings arrive from the network or a pipe, in real sessions."""

import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.engine.cli.test_program import ROOT, cli_command, run_cli
from tests.engine.cli.test_secrets import holding
from tests.engine.support.recording_server import RecordingServer
from tests.engine.support.scripted_server import (
    BEGIN,
    ScriptedServer,
    ServerConnectionScript,
    serve_normally,
    turn_message,
)
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    LONG_ENOUGH,
    resume_supervisor,
    run_supervisor,
)
from tests.support import audio_files
from workers.audio.source import ReadOptions, Source
from workers.jobs.events import Ended, Fetched, Outcome
from workers.jobs.job_state import JobStatus
from workers.runs import reader
from workers.sources.addresses import remote_source

SAMPLES = audio_files.distinct_samples(0.4)


@pytest.fixture
def wav(tmp_path: Path) -> bytes:
    return Path(audio_files.write_recording(tmp_path / "a.wav", SAMPLES)).read_bytes()


@pytest.fixture
def server(wav: bytes):
    with RecordingServer(wav) as server:
        yield server


async def lose_connection(line: ServerConnectionScript) -> None:
    """One final turn, then the connection breaks."""
    await line.send(BEGIN)
    await line.receive(chunks=2)
    await line.send(turn_message(0, "One.", final=True))
    await line.receive(chunks=1)
    await line.socket.close(1011)


def kept_recordings(folder: Path) -> list[Path]:
    return list(folder.glob("*.recording*"))


def test_a_url_is_streamed_and_its_secrets_are_kept_nowhere(
    server: RecordingServer, tmp_path: Path
):
    """The recording is in the run folder while it is needed; the password never is."""
    source = remote_source(server.url("login/a.wav?token=pa55word", "user:pa55word@"))
    folder = tmp_path / "run"
    with ScriptedServer(serve_normally) as endpoint, run_supervisor(endpoint.url, folder) as run:
        run.supervisor.add([source])
        run.wait_until_idle()

    assert run.job_states[1].status is JobStatus.DONE
    assert endpoint.received_sessions[0].pcm == SAMPLES.tobytes()
    assert run.events_of(Fetched)
    assert kept_recordings(folder) == []
    assert holding(folder, "pa55word") == []


def test_another_attempt_needs_no_other_download(server: RecordingServer, tmp_path: Path):
    """What was delivered is kept until the job is done, so that an attempt can go back."""
    with (
        ScriptedServer(lose_connection, serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", retry_policy=FAST_RETRIES) as run,
    ):
        run.supervisor.add([remote_source(server.url("a.wav"))])
        run.wait_until_idle()

    assert run.job_states[1].status is JobStatus.DONE
    assert len(endpoint.received_sessions) == 2
    assert len(server.requests) == 1


def test_a_resumed_run_reads_what_was_kept(server: RecordingServer, tmp_path: Path):
    """Even if the URL is not known any more; without anything kept, the run asks for it."""
    kept, missing = (f"{name}/a.wav?token=x" for name in ("ranges", "missing"))
    folder = tmp_path / "run"
    with (
        ScriptedServer(lose_connection) as endpoint,
        run_supervisor(endpoint.url, folder) as run,
    ):
        run.supervisor.add([remote_source(server.url(kept)), remote_source(server.url(missing))])
        run.wait_until_idle()
        assert [state.status for _, state in sorted(run.job_states.items())] == [
            JobStatus.FAILED,
            JobStatus.FAILED,
        ]
    with ScriptedServer(serve_normally) as endpoint, resume_supervisor(endpoint.url, folder) as run:
        run.wait_until_idle()
        done, asking = (run.job_states[job] for job in (1, 2))

    assert done.status is JobStatus.DONE
    assert asking.status is JobStatus.FAILED
    assert asking.ended is not None
    assert "whole URL" in asking.ended.hint
    assert [path for path, _ in server.requests].count(f"/{kept}") == 1


def test_a_job_that_is_cancelled_needs_no_more(server: RecordingServer, tmp_path: Path):
    """Its download ends, and a retry continues it."""
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as run,
    ):
        (job,) = run.supervisor.add([remote_source(server.url("ranges/hold/a.wav"))])
        run.wait_for_event(Fetched)
        run.supervisor.cancel(job)
        run.wait_until_idle()
        assert run.job_states[1].status is JobStatus.CANCELLED
        server.release.set()
        assert run.supervisor.retry(job)
        run.wait_until_idle()

    assert run.job_states[1].status is JobStatus.DONE
    assert endpoint.received_sessions[0].pcm == SAMPLES.tobytes()


def test_the_halves_of_a_call_share_one_download(tmp_path: Path):
    """Both sessions read the same bytes."""
    stereo = audio_files.sine(0.3, channels=2)
    path = Path(audio_files.write_recording(tmp_path / "call.wav", stereo))
    with (
        RecordingServer(path.read_bytes()) as server,
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as run,
    ):
        options = ReadOptions(speakers=("agent", "caller"))
        run.supervisor.add([replace(remote_source(server.url("call.wav")), options=options)])
        run.wait_until_idle()

    assert [JobStatus.DONE] * 2 == [state.status for state in run.job_states.values()]
    assert len(server.requests) == 1
    assert kept_recordings(tmp_path / "run") == []


def test_a_pipe_is_streamed(wav: bytes, tmp_path: Path):
    """Any container that is written into it; nothing else is read as one."""
    with ScriptedServer(serve_normally) as endpoint:
        command = cli_command("run", "-", "--endpoint", endpoint.url, "--out", tmp_path / "run")
        result = subprocess.run(
            command, input=wav, capture_output=True, cwd=ROOT, timeout=LONG_ENOUGH
        )

    assert result.returncode == 0, result.stderr
    assert endpoint.received_sessions[0].pcm == SAMPLES.tobytes()
    assert kept_recordings(tmp_path / "run") == []


def test_a_pipe_is_streamed_while_it_arrives(tmp_path: Path):
    """If the program is killed, what had arrived is streamed by another, which says so."""
    samples = audio_files.distinct_samples(3.0)
    wav = Path(audio_files.write_recording(tmp_path / "a.wav", samples)).read_bytes()
    folder = tmp_path / "run"
    with ScriptedServer(serve_normally) as endpoint:
        options = ("--endpoint", endpoint.url, "--out", folder, "--json")
        with subprocess.Popen(
            cli_command("run", "-", *options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        ) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(wav[:32_044])  # one second
            program.stdin.flush()
            while b'"progress"' not in program.stdout.readline():
                pass
            assert kept_recordings(folder)
            program.stdin.write(wav[32_044:64_044])
            program.stdin.flush()
            spool = folder / "0001.recording"
            while spool.stat().st_size < 64_044:
                pass
            family = psutil.Process(program.pid).children(recursive=True)
            program.kill()
            program.wait()
        psutil.wait_procs(family, timeout=LONG_ENOUGH)
        resumed = run_cli("resume", folder, "--json")
    first, second = endpoint.received_sessions
    (state,) = reader.read_job_states(folder)

    assert resumed.returncode == 0, resumed.stderr
    assert samples[:32_000].tobytes().startswith(first.pcm)
    assert first.pcm
    assert samples[:32_000].tobytes().endswith(second.pcm)
    assert second.pcm
    assert any("the rest of it was lost" in warning for warning in state.warnings)
    assert kept_recordings(folder) == []


@pytest.mark.parametrize("place", ["disk", "ranges", "whole"])
def test_a_part_is_streamed_with_the_times_of_the_file(place: str, tmp_path: Path):
    """Only its samples are sent; a turn at its start has the time of its start. No more is
    downloaded than that, if the server allows it."""
    samples = audio_files.distinct_samples(20.0)
    path = Path(audio_files.write_recording(tmp_path / "b.wav", samples))
    with (
        RecordingServer(path.read_bytes()) as server,
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as run,
    ):
        url = server.url(f"{place}/b.wav")
        source = Source(str(path)) if place == "disk" else remote_source(url)
        run.supervisor.add([replace(source, options=ReadOptions(start_s=10.5, end_s=11.0))])
        run.wait_until_idle()
    state = run.job_states[1]
    (ended,) = run.events_of(Ended)

    assert endpoint.received_sessions[0].pcm == samples[168_000:176_000].tobytes()
    assert [word.start for word in state.transcript.turns[0].words] == [10_500, 10_600]
    assert (state.part_seconds, state.sent_part_seconds) == (0.5, 0.5)
    assert ended.certificate.audio_seconds == 0.5
    assert ended.outcome is Outcome.DONE
    assert state.resume_point.at_ms >= 10_500
    if place == "ranges":
        head, part = (requested for _, requested in server.requests)
        assert head == "bytes=0-65535"
        assert part == f"bytes={44 + 9.5 * 32_000:.0f}-{44 + 12 * 32_000 - 1}"
