"""Files that ask for too much, in the processes that read them."""

import multiprocessing
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import run_supervisor
from tests.support import hostile_audio
from workers.audio import decode, limits
from workers.audio.probe import probe
from workers.audio.prober import Prober
from workers.audio.source import ReadOptions, Source
from workers.errors import Unreadable
from workers.jobs.events import Began
from workers.jobs.job import StreamSettings

MAX_MEMORY_BYTES = 300 << 20


@pytest.mark.slow
def test_a_hostile_file_is_read_or_refused_within_limits(tmp_path: Path) -> None:
    """In one prober, one after the other: always a sentence, and never 300 MB."""
    before = set(psutil.Process().children())
    peaks: dict[str, int] = {}
    refusals: dict[str, Unreadable] = {}
    with Prober(multiprocessing.get_context("spawn")) as prober:
        for name, make in hostile_audio.HOSTILE.items():
            path = tmp_path / name
            path.write_bytes(make())
            try:
                assert prober.probe(str(path)).seconds > 0
            except Unreadable as refusal:
                refusals[name] = refusal
            peaks[name] = max(
                peak_memory_bytes(child.pid) for child in set(psutil.Process().children()) - before
            )

    for name, error in refusals.items():
        assert str(error).isprintable()
        assert "crash" not in error.reason, name
        assert "computing" not in error.reason, name
    assert max(peaks.values()) < MAX_MEMORY_BYTES, peaks


def test_a_hundred_hours_of_silence_are_streamed_in_constant_memory(tmp_path: Path) -> None:
    """Known at once, and decoded only as far as they are sent."""
    path = tmp_path / "bomb.flac"
    path.write_bytes(hostile_audio.flac_bomb())
    recording = probe(str(path))

    blocks = decode.pcm_blocks(recording, 8000, 800, recording.frames * 4)

    assert recording.seconds == pytest.approx(hostile_audio.BOMB_HOURS * 3600, abs=70)
    assert [next(blocks) for _ in range(10)] == [bytes(1600)] * 10


def test_a_session_of_a_hostile_file_is_limited(tmp_path: Path) -> None:
    """It goes to the hour that was asked for, and may not allocate what it likes."""
    path = tmp_path / "bomb.flac"
    path.write_bytes(hostile_audio.flac_bomb())
    source = Source(str(path), ReadOptions(start_s=180_000, end_s=180_002))
    with (
        ScriptedServer() as server,
        run_supervisor(
            server.url, tmp_path / "run", settings=StreamSettings(rate=8000)
        ) as observed,
    ):
        observed.supervisor.add([source])
        observed.wait_for_event(Began)
        (session,) = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.name() == "paceline 1.1"
        ]
        limit, _ = session.rlimit(psutil.RLIMIT_DATA)
        peak_bytes = peak_memory_bytes(session.pid)
        observed.wait_until_idle()

    assert 0 < limit < MAX_MEMORY_BYTES * 2
    assert peak_bytes < MAX_MEMORY_BYTES
    assert server.received_sessions[0].pcm == bytes(2 * 2 * 8000)


def compute_forever() -> None:
    limits.limit_cpu(0.05)
    while True:
        pass


def allocate_too_much() -> None:
    limits.limit_memory()
    held = []
    with limits.read_refusal():
        while True:
            held.append(bytearray(10 << 20))


@pytest.mark.parametrize(
    ("do", "code"), [(compute_forever, -signal.SIGXCPU), (allocate_too_much, 1)]
)
@pytest.mark.slow
def test_a_process_that_takes_too_much_ends(do: Callable[[], None], code: int) -> None:
    """A decoder that goes in a circle is ended by the system; one that allocates gets an error."""
    process = multiprocessing.get_context("spawn").Process(target=do)
    process.start()
    process.join()

    assert process.exitcode == code


def peak_memory_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10
