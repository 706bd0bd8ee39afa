"""``--speed``: faster or slower than speech, at endpoints of the user's own."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import jiwer
import pytest
from whisper_normalizer.english import EnglishTextNormalizer

from tests.engine.cli.test_program import SAMPLES, reference_text, run_cli
from tests.engine.cli.test_serve import TERMINATE, ServeProcess
from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    turn_message,
)
from tests.engine.support.supervisor_harness import ObservedSupervisor, run_supervisor
from tests.engine.support.supervisor_harness import resume_supervisor as resume
from tests.support import audio_files
from tui.cli.resume_options import prepare_resume
from workers.errors import RunFolderProblem, UsageProblem
from workers.exports.document import json_of
from workers.jobs.events import Ended
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobStatus
from workers.pacing.certificate import Certificate
from workers.runs import reader
from workers.session.assignment import Timeouts
from workers.traces.files import trace_files
from workers.traces.reader import TraceReader

RATE = 8000
SECOND = bytes(32_000)


def certificate_of(observed: ObservedSupervisor) -> Certificate:
    ended = observed.events_of(Ended)[-1]
    assert isinstance(ended, Ended)
    assert ended.certificate is not None
    return ended.certificate


def test_a_minute_is_sent_in_three_seconds(tmp_path: Path) -> None:
    """At 20 times the speed of speech: every sample, none before it is due, and the certificate
    says so. About one report a second comes, as at the speed of speech."""
    samples = audio_files.distinct_samples(60.0, RATE)
    path = audio_files.write_recording(tmp_path / "minute.wav", samples, RATE)
    folder = tmp_path / "run"
    with (
        ScriptedServer() as endpoint,
        run_supervisor(endpoint.url, folder, settings=StreamSettings(speed=20.0)) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
    (received,) = endpoint.received_sessions
    arrivals = [at - received.begin_sent_at for at, _ in received.audio]
    (trace,) = [TraceReader(path) for _, path in trace_files(folder, 1)]
    list(trace)

    assert samples.tobytes() == received.pcm
    assert 600 == len(arrivals)
    assert [] == [k for k, at_s in enumerate(arrivals) if at_s < k * 0.1 / 20]
    assert arrivals[-1] < 30.0
    assert (20.0, 60.0) == (certificate_of(observed).speed, certificate_of(observed).audio_seconds)
    assert trace.chunk_times[599].due_s - trace.chunk_times[0].due_s == pytest.approx(59.9 / 20)
    assert 20.0 == reader.read_run(folder).settings.speed


async def catches_up(line: ServerConnectionScript) -> None:
    """Recognises for a while after the end of the audio."""
    await line.send(BEGIN)
    await line.receive()
    for count in range(1, 9):
        await asyncio.sleep(0.1)
        await line.send(turn_message(0, "word " * count, final=count == 8))
    await line.send(TERMINATION)


def test_a_server_may_take_longer_to_finish_at_a_higher_speed(tmp_path: Path) -> None:
    """It has more audio left to recognise when the last chunk has come."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(2.0))
    with (
        ScriptedServer(catches_up) as endpoint,
        run_supervisor(
            endpoint.url,
            tmp_path / "run",
            settings=StreamSettings(speed=20.0),
            timeouts=Timeouts(termination_s=0.5),
        ) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()

    assert JobStatus.DONE is observed.job_states[1].status


async def breaks_after_a_turn(line: ServerConnectionScript) -> None:
    await line.send(BEGIN)
    await line.receive(chunks=20)
    await line.send(turn_message(0, "one two three", final=True))
    await line.receive(chunks=21)


def test_a_run_is_resumed_at_its_speed_but_not_at_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The speed is kept in the run's folder. The service is refused by any of its addresses, and a
    speed that no run can have is an error in a sentence."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(8.0))
    folder = tmp_path / "run"
    settings = StreamSettings(speed=8.0)
    with (
        ScriptedServer(breaks_after_a_turn) as endpoint,
        run_supervisor(endpoint.url, folder, settings=settings) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
    with ScriptedServer() as endpoint, resume(endpoint.url, folder) as observed:
        observed.wait_until_idle()

    assert 8.0 == certificate_of(observed).speed
    assert [JobStatus.DONE] == [state.status for state in reader.read_job_states(folder)]

    rest: dict[str, Any] = dict.fromkeys(
        ("ca_file", "key_file", "sessions", "start_rate", "attempts", "dead_after")
    )
    rest |= {"keyring": False, "unencrypted": False}
    for url in ("wss://streaming.assemblyai.com", "wss://streaming.eu.assemblyai.com./v3/ws"):
        monkeypatch.setenv("ASSEMBLYAI_API_KEY", "k3y")
        with pytest.raises(UsageProblem, match="only takes audio at the speed of speech"):
            prepare_resume(folder, url=url, **rest)
    assert 8.0 == prepare_resume(folder, url=None, **rest)[0].settings.speed

    index = folder / "run.json"
    index.write_text(index.read_text().replace('"speed": 8.0', '"speed": 0.0'))
    with pytest.raises(RunFolderProblem, match=r"settings.speed is 0; it must be from 0\.5 to 20"):
        prepare_resume(folder, url=None, **rest)


@pytest.mark.engine
@pytest.mark.slow
def test_the_recogniser_hears_the_same_words_at_four_times_the_speed(tmp_path: Path) -> None:
    """A run starts its own engine, with fewer sessions, and says so; an export states the speed."""
    path, folder = SAMPLES / "recordings" / "station.aiff", tmp_path / "run"
    result = run_cli("run", "--json", "--local", "--speed", "4", "--out", folder, path)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    finals = [e["transcript"] for e in events if e["type"] == "turn" and e["end_of_turn"]]
    normal = EnglishTextNormalizer()
    (state,) = reader.read_job_states(folder)

    assert jiwer.wer(normal(reference_text(path.name)), normal(" ".join(finals))) < 0.25
    assert [4.0] == [e["speed"] for e in events if e["type"] == "queued"]
    assert [4.0] == [e["certificate"]["speed"] for e in events if e["type"] == "ended"]
    assert 4.0 == json.loads(json_of(state))["speed"]
    assert "to: embedded engine on this machine at 4× speed" in result.stderr
    assert "At 4× speed the embedded engine serves " in result.stderr
    assert "of audio at 4× speed" in result.stderr


def test_a_server_accepts_audio_as_fast_as_its_owner_allows(tmp_path: Path) -> None:
    """After five minutes of audio at once, as much as half a second of that speed is worth."""
    script = tmp_path / "script.toml"
    script.write_text("[[session]]\n")
    with ServeProcess("--script", script, "--speed-limit", "20") as server, server.dial() as client:
        assert server.example.endswith(" --speed 16")
        for _ in range(299):
            client.send(SECOND)
        time.sleep(0.5)
        for _ in range(9):
            client.send(SECOND)
        client.send(TERMINATE)
        *_, termination = map(json.loads, client)

    assert ("Termination", 308) == (termination["type"], termination["audio_duration_seconds"])
