"""What a session makes of recordings that are damaged, change, or are still being written."""

import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.support.scripted_server import ScriptedServer, serve_normally
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    LONG_ENOUGH,
    ObservedSupervisor,
    run_supervisor,
)
from tests.support import audio_files
from workers.audio.source import ReadOptions, Source
from workers.jobs.events import Ended, Outcome, Progressed, Waited
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobStatus
from workers.pacing.certificate import Verdict
from workers.traces.reader import TraceReader

SAMPLES = audio_files.distinct_samples(1.5)
AUDIO = SAMPLES.tobytes()


def wav_header(size: int) -> bytes:
    """A header of mono PCM16 at 16 kHz that declares this many bytes of audio."""
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    return (
        struct.pack("<4sI8s", b"RIFF", size + 36, b"WAVEfmt ")
        + fmt
        + b"data"
        + struct.pack("<I", size)
    )


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(44 + len(AUDIO) // 2)
        file.write(bytes(100))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(100))


ACTS: list[Callable[[Path], object]] = [lambda path: None, Path.unlink, append, overwrite]


def record(path: Path, is_resumed: threading.Event) -> None:
    """Writes a recording at the speed of speech, with a pause, and its sizes at the end."""
    with path.open("r+b", buffering=0) as file:
        file.seek(44)
        for start in range(0, len(AUDIO), 3000):
            file.write(AUDIO[start : start + 3000])
            time.sleep(3000 / 32000)
            if start == 15_000:
                is_resumed.wait(LONG_ENOUGH)
                time.sleep(0.6)  # so long the session waits at least
        file.write(struct.pack("<4sI4s", b"LIST", 4, b"INFO"))
        file.seek(0)
        file.write(wav_header(len(AUDIO)))


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ObservedSupervisor, list[bytes]]:
    """Recordings that change in mid-stream, one that is being written, and one cut short, streamed
    at once; and the audio that arrived."""
    folder = tmp_path_factory.mktemp("whole")
    changed = [folder / f"{number}.wav" for number in range(len(ACTS))]
    for path in changed:
        audio_files.write_recording(path, SAMPLES)
    growing, cut = folder / "growing.wav", folder / "cut.wav"
    growing.write_bytes(wav_header(0))
    cut.write_bytes(wav_header(2 * len(AUDIO)) + AUDIO)
    followed = Source(str(growing), ReadOptions(follow=True))
    part = Source(str(changed[0]), ReadOptions(follow=True, end_s=1.0))
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, folder / "run") as observed,
    ):
        is_resumed = threading.Event()
        recorder = threading.Thread(target=record, args=[growing, is_resumed])
        recorder.start()
        observed.supervisor.add([*map(Source, map(str, changed)), followed, Source(str(cut)), part])
        for job, (act, path) in enumerate(zip(ACTS, changed, strict=True), 1):
            observed.wait_for_event(Progressed, job)
            act(path)
        # It may also wait for an instant before that, for a chunk that is half written.
        observed.wait_until(
            lambda: any(
                one.waiting and one.sent_seconds >= 0.5 for one in progress_of(observed, FOLLOWED)
            )
        )
        is_resumed.set()
        observed.wait_until_idle()
        recorder.join()
    return observed, [session.pcm for session in endpoint.received_sessions]


FOLLOWED, CUT, FOLLOWED_PART = len(ACTS) + 1, len(ACTS) + 2, len(ACTS) + 3


def progress_of(observed: ObservedSupervisor, job: int) -> list[Progressed]:
    events = observed.events_of(Progressed, job)
    return [event for event in events if isinstance(event, Progressed)]


def ended(observed: ObservedSupervisor, job: int) -> Ended:
    (event,) = observed.events_of(Ended, job)
    assert isinstance(event, Ended)
    return event


def test_a_whole_recording_has_no_fault(
    streamed: tuple[ObservedSupervisor, list[bytes]],
) -> None:
    """Its certificate has the same seconds three times."""
    observed, _ = streamed
    certificate = ended(observed, 1).certificate

    assert certificate is not None
    assert certificate.read is not None
    assert 1.5 == certificate.read.file_seconds == certificate.read.decoded_seconds
    assert 1.5 == certificate.audio_seconds
    assert certificate.read.is_unchanged
    assert not certificate.has_audio_fault
    assert [] == observed.job_states[1].warnings


def test_a_change_is_noticed_and_said(streamed: tuple[ObservedSupervisor, list[bytes]]) -> None:
    """What is still the old recording is done; a mixture is not."""
    observed, received = streamed
    outcomes = [ended(observed, job).outcome for job in (2, 3, 4)]
    warnings = [observed.job_states[job].recording_faults for job in (2, 3)]
    certificates = [ended(observed, job).certificate for job in (2, 3, 4)]

    assert [Outcome.DONE, Outcome.DONE, Outcome.UNREADABLE] == outcomes
    # Said while it happens, or at the end.
    assert ["deleted", "grow"] == [
        next(word for word in ("deleted", "grow") if word in fault.replace("grew", "grow"))
        for faults in warnings
        for fault in faults
    ]
    assert "changed" in ended(observed, 4).reason
    assert "Hello world." == observed.job_states[4].transcript.text
    assert all(certificate and certificate.has_audio_fault for certificate in certificates)
    assert received.count(AUDIO) >= 4


def test_a_recording_is_streamed_while_it_is_written(
    streamed: tuple[ObservedSupervisor, list[bytes]],
) -> None:
    """All of it, without what the recorder adds at the end; waiting is not a slip."""
    observed, received = streamed
    state, certificate = observed.job_states[FOLLOWED], ended(observed, FOLLOWED).certificate
    assert JobStatus.DONE is state.status
    assert [] == state.warnings
    assert 1.5 == state.total_seconds
    assert state.is_exact
    assert all(one.sent_seconds < one.total_seconds for one in progress_of(observed, FOLLOWED)[:-2])
    assert AUDIO in received
    assert certificate is not None
    assert Verdict.SLIPPED is not certificate.verdict
    assert (certificate.waited_ms or 0) > 500
    assert observed.events_of(Waited, FOLLOWED)
    assert not certificate.has_audio_fault


def test_a_followed_part_ends_with_the_part(
    streamed: tuple[ObservedSupervisor, list[bytes]],
) -> None:
    """What comes after it is not missing."""
    observed, _ = streamed
    certificate = ended(observed, FOLLOWED_PART).certificate

    assert [] == observed.job_states[FOLLOWED_PART].warnings
    assert certificate is not None
    assert certificate.read is not None
    assert 1.0 == certificate.read.file_seconds == certificate.read.decoded_seconds
    assert not certificate.has_audio_fault


def test_the_certificate_can_be_computed_again(
    streamed: tuple[ObservedSupervisor, list[bytes]],
) -> None:
    """From the trace alone, waits and what was read included."""
    observed, _ = streamed
    for job in (1, 2, FOLLOWED):
        folder = observed.supervisor.folder.path
        (path,) = folder.glob(f"{job:04d}-*.trace.jsonl")
        trace = TraceReader(path)
        events = [timed.event for timed in trace]
        again = trace.chunk_times.timing(1)

        assert again is not None
        assert ended(observed, job) == events[-1]
        assert ended(observed, job).certificate == again.certificate


def test_what_is_missing_is_said_from_the_probe_on(
    streamed: tuple[ObservedSupervisor, list[bytes]],
) -> None:
    """What is there is streamed."""
    observed, _ = streamed
    state = observed.job_states[CUT]

    assert JobStatus.DONE is state.status
    assert pytest.approx(1.5, abs=0.01) == state.missing_seconds
    assert 1 == len(state.recording_faults)
    certificate = ended(observed, CUT).certificate
    assert certificate is not None
    assert certificate.has_audio_fault


def test_strict_makes_it_a_failure(tmp_path: Path) -> None:
    """The transcript is kept, and it is not tried again."""
    cut = tmp_path / "cut.wav"
    cut.write_bytes(wav_header(2 * 16000) + AUDIO[:16000])
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(
            endpoint.url,
            tmp_path / "run",
            settings=StreamSettings(strict=True),
            retry_policy=FAST_RETRIES,
        ) as observed,
    ):
        observed.supervisor.add([str(cut)])
        observed.wait_until_idle()
    state = observed.job_states[1]

    assert Outcome.UNREADABLE is ended(observed, 1).outcome
    assert JobStatus.FAILED is state.status
    assert state.recording_faults[0] == ended(observed, 1).reason
    assert "Hello world." == state.transcript.text


def test_a_recording_that_is_being_written_can_be_cancelled(tmp_path: Path) -> None:
    """While its recorder pauses; the session ends politely."""
    path = tmp_path / "growing.wav"
    path.write_bytes(wav_header(0) + AUDIO)
    with (
        path.open("ab"),
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        (job,) = observed.supervisor.add([Source(str(path), ReadOptions(follow=True))])
        observed.wait_until(lambda: any(one.waiting for one in progress_of(observed, job)))
        observed.supervisor.cancel(job)
        observed.wait_until_idle()
    certificate = ended(observed, job).certificate

    assert Outcome.CANCELLED is ended(observed, job).outcome
    assert [{"type": "Terminate"}] == endpoint.received_sessions[0].control_messages
    assert AUDIO == endpoint.received_sessions[0].pcm
    assert certificate is not None
    assert certificate.read is not None
    assert not certificate.read.is_complete
    assert not certificate.has_audio_fault
