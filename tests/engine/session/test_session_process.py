"""One session, in its real process, against an endpoint that does what the test says."""

import asyncio
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ConnectionScript,
    ScriptedServer,
    ServerConnectionScript,
    serve_normally,
    turn_message,
)
from tests.engine.support.supervisor_harness import run_supervisor
from tests.support import audio_files
from workers.jobs.events import Began, ChunksSent, Ended, Outcome, Progressed, TurnReceived, Warned
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobStatus
from workers.pacing.schedule import Release
from workers.session.assignment import Timeouts
from workers.session.conversation import START_LEAD_S
from workers.traces import reader

SHORT = Timeouts(begin_s=0.5, next_message_s=0.5)


def ended_by(script: ConnectionScript, tmp_path: Path, timeouts: Timeouts | None = None) -> Ended:
    """How a session of one second ends against a script."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    with (
        ScriptedServer(script) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", timeouts=timeouts) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
        (ended,) = observed.events_of(Ended)
    assert isinstance(ended, Ended)
    return ended


def test_a_session_from_its_begin_to_its_end(tmp_path: Path) -> None:
    """All audio arrives bit for bit, the last chunk filled up to 50 ms; Terminate follows it."""
    samples = audio_files.distinct_samples(1.02)
    path = audio_files.write_recording(tmp_path / "a.wav", samples)
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
    (received,) = endpoint.received_sessions
    sizes = [len(chunk) for _, chunk in received.audio]

    assert sizes == [3200] * 10 + [1600]
    assert received.pcm == samples.tobytes() + bytes(len(received.pcm) - samples.nbytes)
    assert received.control_messages == [{"type": "Terminate"}]
    job_state = observed.job_states[1]
    assert job_state.status is JobStatus.DONE
    assert job_state.transcript.text == "Hello world."


def test_the_declared_rate_is_the_rate_of_what_is_sent(tmp_path: Path) -> None:
    """Resampled or not; a wrong rate would garble everything."""
    for rate, requested, sent in ((44100, None, 44100), (44100, 8000, 8000), (96000, None, 16000)):
        path = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0, rate, 2), rate)
        settings = StreamSettings(rate=requested)
        with (
            ScriptedServer(serve_normally) as endpoint,
            run_supervisor(endpoint.url, tmp_path / f"{sent}", settings=settings) as observed,
        ):
            observed.supervisor.add([path])
            observed.wait_until_idle()
        (received,) = endpoint.received_sessions
        query = parse_qs(urlsplit(received.path).query)

        assert query["sample_rate"] == [str(sent)]
        assert query["speech_model"] == ["u3-rt-pro"]
        assert len(received.pcm) == pytest.approx(sent * 2, abs=8)


def test_no_audio_before_begin(tmp_path: Path) -> None:
    """The open socket is not yet a session."""
    early: list[int] = []

    async def slow(line: ServerConnectionScript) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.socket.recv(), 0.5)
        early.append(len(line.received.audio))
        await serve_normally(line)

    assert ended_by(slow, tmp_path).outcome is Outcome.DONE
    assert early == [0]


def test_no_chunk_leaves_before_it_is_due(tmp_path: Path) -> None:
    """Seen from the receiving side, in both conventions: never ahead of the speed of speech."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    for release in Release:
        with (
            ScriptedServer(serve_normally) as endpoint,
            run_supervisor(
                endpoint.url, tmp_path / release.value, settings=StreamSettings(release=release)
            ) as observed,
        ):
            observed.supervisor.add([path])
            observed.wait_until_idle()
        (received,) = endpoint.received_sessions
        (ended,) = observed.events_of(Ended)
        first = 0.1 if release is Release.END else 0.0

        assert [
            k
            for k, (at, _) in enumerate(received.audio)
            if at < received.begin_sent_at + first + k * 0.1
        ] == []
        assert isinstance(ended, Ended)
        assert ended.certificate is not None
        assert ended.certificate.release is release
        assert ended.certificate.chunks == 10


def test_the_trace_holds_the_lag_of_every_chunk(tmp_path: Path) -> None:
    """So that the certificate can be computed again from it."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
    (file,) = (tmp_path / "run").glob("*.trace.jsonl")
    events = [traced.event for traced in reader.read_trace(file)]
    lags = np.concatenate([e.lag_us for e in events if isinstance(e, ChunksSent)])
    ended = events[-1]

    assert isinstance(ended, Ended)
    assert ended.certificate is not None
    assert len(lags) == ended.certificate.chunks == 10
    assert float(np.percentile(lags, 50, method="inverted_cdf")) / 1000 == (
        ended.certificate.lag_ms.p50
    )
    assert any(isinstance(event, TurnReceived) for event in events)


def test_what_is_reported_stands_in_the_trace(tmp_path: Path) -> None:
    """The trace is written first, so the screen never knows more than it."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
    (file,) = (tmp_path / "run").glob("*.trace.jsonl")
    traced = [timed.event for timed in reader.read_trace(file)]

    for kind in (Began, Progressed, TurnReceived, Ended):
        assert observed.events_of(kind) == [event for event in traced if isinstance(event, kind)]


def test_the_words_of_an_error_frame_are_reported(tmp_path: Path) -> None:
    """The frame is read before the close, whose reason says nothing."""

    async def refuse(line: ServerConnectionScript) -> None:
        await line.send({"type": "Error", "error_code": 1008, "error": "Invalid API key"})
        await line.socket.close(1008, "See Error message for details")

    ended = ended_by(refuse, tmp_path)

    assert ended.outcome is Outcome.UNAUTHORISED
    assert "Invalid API key" in ended.reason
    assert "ASSEMBLYAI_API_KEY" in ended.hint


def test_an_error_in_mid_stream_keeps_what_was_heard(tmp_path: Path) -> None:
    """And stops sending at once."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(5.0))

    async def breaks(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)
        await line.receive(chunks=2)
        await line.send(turn_message(0, "Hello.", final=True))
        await line.send({"type": "Error", "error_code": 3005, "error": "Session Cancelled"})
        await line.socket.close(3005, "See Error message for details")

    with (
        ScriptedServer(breaks) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.LOST
    assert ended.code == 3005
    assert ended.sent_seconds < 5.0
    assert observed.job_states[1].transcript.text == "Hello."


def test_a_dropped_socket_is_a_lost_session(tmp_path: Path) -> None:
    """The network fails, so there is no close frame."""

    async def drop(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)
        await line.receive(chunks=2)
        line.socket.transport.abort()

    assert ended_by(drop, tmp_path).outcome is Outcome.LOST


def test_an_endpoint_that_never_begins_is_given_up(tmp_path: Path) -> None:
    """After a while, with a reason."""

    async def silent(line: ServerConnectionScript) -> None:
        await line.receive()

    ended = ended_by(silent, tmp_path, SHORT)

    assert ended.outcome is Outcome.UNREACHABLE
    assert "no session within" in ended.reason


def test_what_the_server_warns_of_at_once_comes_behind_its_begin(tmp_path: Path) -> None:
    """Although it arrives before the clock starts; readers rely on the order of events."""

    async def warns(line: ServerConnectionScript) -> None:
        await line.send(BEGIN, {"type": "Warning", "warning": "careful", "warning_code": 7})
        await line.receive()
        await line.send(TERMINATION)

    with (
        ScriptedServer(warns) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add(
            [audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))]
        )
        observed.wait_until_idle()

    reports = [r for r in observed.reports if isinstance(r.event, Began | Warned)]
    assert [Began, Warned] == [type(report.event) for report in reports]
    # `Began` has the time of the first chunk, which is START_LEAD_S after the server's Begin.
    assert reports[0].t - START_LEAD_S <= reports[1].t


def test_a_missing_termination_is_reported(tmp_path: Path) -> None:
    """The last words may be missing; everything received is kept."""

    async def no_end(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)
        await line.receive()
        await line.send(turn_message(0, "Hello.", final=True))
        await line.receive()

    ended = ended_by(no_end, tmp_path, Timeouts(begin_s=20, next_message_s=0.5))

    assert ended.outcome is Outcome.LOST
    assert "confirm" in ended.reason


def test_the_words_after_terminate_are_waited_for(tmp_path: Path) -> None:
    """However long the server takes, as long as it sends messages."""

    async def late(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)
        await line.receive()
        for n in range(4):
            await asyncio.sleep(0.3)
            await line.send(turn_message(0, "word " * (n + 1)))
        await line.send(turn_message(0, "All the words.", final=True), TERMINATION)

    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    with (
        ScriptedServer(late) as endpoint,
        run_supervisor(
            endpoint.url, tmp_path / "run", timeouts=Timeouts(begin_s=20, next_message_s=10)
        ) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()

    assert observed.job_states[1].status is JobStatus.DONE
    assert observed.job_states[1].transcript.text == "All the words."


@pytest.mark.parametrize("code", [1000, 3008])
def test_a_close_before_the_end_is_no_success(tmp_path: Path, code: int) -> None:
    """Even a normal one: not all audio was sent."""

    async def close(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)
        await line.receive(chunks=2)
        await line.socket.close(code)

    assert ended_by(close, tmp_path).outcome in (Outcome.LOST, Outcome.REFUSED)


def test_a_termination_that_nobody_asked_for_is_no_success(tmp_path: Path) -> None:
    """The server ended it before all audio was sent."""

    async def stop(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)
        await line.receive(chunks=2)
        await line.send(TERMINATION)

    assert ended_by(stop, tmp_path).outcome is Outcome.LOST


def test_nonsense_from_the_server_is_survived(tmp_path: Path) -> None:
    """Unknown types, bad fields, no JSON: they cause warnings, and the session continues."""

    async def babble(line: ServerConnectionScript) -> None:
        await line.send("nonsense", "[1]", {"type": "Turn"}, {"type": "Applause", "n": 1})
        await line.send({"type": "Warning", "warning_code": 7, "warning": "careful"})
        await serve_normally(line)

    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    with (
        ScriptedServer(babble) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
    warnings = observed.events_of(Warned)

    assert observed.job_states[1].status is JobStatus.DONE
    assert len(warnings) == 4
    assert Warned("careful", 7) in warnings
    assert "Applause" in next((tmp_path / "run").glob("*.trace.jsonl")).read_text()


def test_a_ping_is_answered(tmp_path: Path) -> None:
    """Otherwise the server would think that the client is dead."""
    answered: list[bool] = []

    async def ping(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)
        waiter = await line.socket.ping()
        await line.receive(chunks=3)
        await waiter
        answered.append(True)
        await line.receive()
        await line.send(TERMINATION)

    assert ended_by(ping, tmp_path).outcome is Outcome.DONE
    assert answered == [True]


def test_a_message_in_many_pieces_is_one_message(tmp_path: Path) -> None:
    """Fragments may arrive far apart; no chunk waits for them."""

    async def pieces(line: ServerConnectionScript) -> None:
        await line.send(BEGIN)

        async def fragments():
            text = json.dumps(turn_message(0, "Hello in pieces.", final=True))
            for start in range(0, len(text), 40):
                yield text[start : start + 40]
                await asyncio.sleep(0.05)

        await line.socket.send(fragments())
        await line.receive()
        await line.send(TERMINATION)

    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    with (
        ScriptedServer(pieces) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()

    assert observed.job_states[1].transcript.text == "Hello in pieces."
    assert len(endpoint.received_sessions[0].audio) == 10


def test_damage_in_mid_file_is_a_warning(tmp_path: Path) -> None:
    """What can be decoded is streamed, and everything received is kept."""
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(16000 * 2) * 3000).astype(np.int16)
    path = Path(audio_files.write_recording(tmp_path / "a.flac", noise, kind="FLAC"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    path.write_bytes(content)
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([str(path)])
        observed.wait_until_idle()
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.DONE
    assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]
    assert observed.job_states[1].transcript.text == "Hello world."
    (damage,) = observed.job_states[1].damage
    assert damage.warning == f"{damage.missing_seconds:.1f} s cannot be decoded at 0:01"
    assert damage.at_seconds == pytest.approx(1.0, abs=0.3)


def test_nobody_at_the_address_is_reported(tmp_path: Path) -> None:
    """With the address, and what to do."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    with run_supervisor("ws://127.0.0.1:9", tmp_path / "run") as observed:
        observed.supervisor.add([path])
        observed.wait_until_idle()
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.UNREACHABLE
    assert "127.0.0.1:9" in ended.reason
    assert ended.hint


def test_the_key_is_in_the_header_and_nowhere_else(tmp_path: Path) -> None:
    """Not in the trace, the index, a log or a report."""
    key = "k3y-that-must-not-leak"
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", key=key) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()

    assert endpoint.received_sessions[0].headers["Authorization"] == key
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert len(files) == 4  # index, lock, trace and log
    assert not [file for file in files if key.encode() in file.read_bytes()]
    assert key not in repr(observed.reports)
