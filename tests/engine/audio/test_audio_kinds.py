"""Everyday kinds of recording, streamed by real sessions."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import AcceleratedStartRate, run_supervisor
from tests.support.audio_kinds import KINDS, tone_faults, write_kind
from tests.support.tones import tones
from workers.audio.source import Source
from workers.jobs.events import Outcome
from workers.jobs.job import StreamSettings

RATE = 16000
STREAMED = frozenset([
    "m4a", "mp4-two-languages", "webm-opus", "amr", "ac3-5-1-centre", "wav-mulaw", "wav-size-0",
    "wav-size-half", "wav-cut-download", "mp3-no-header", "flac-id3-in-front", "flac-in-ogg",
    "opus-no-last-page",
])  # fmt: skip


@pytest.mark.slow
def test_a_server_gets_all_audio_of_every_kind_of_recording(tmp_path: Path) -> None:
    """As many seconds as there are, and every tone in its place."""
    kinds = {kind.name: kind for kind in KINDS if kind.name in STREAMED}
    sources = [
        Source(str(write_kind(kind, tmp_path, tones(4, kind.rate))), params=(("kind", name),))
        for name, kind in kinds.items()
    ]
    settings = StreamSettings(speed=4.0, rate=RATE)
    with (
        ScriptedServer() as server,
        run_supervisor(
            server.url,
            tmp_path / "run",
            settings=settings,
            sessions=len(sources),
            starts=AcceleratedStartRate(),
        ) as observed,
    ):
        observed.supervisor.add(sources)
        observed.wait_until_idle()
    received = {
        parse_qs(urlsplit(session.path).query)["kind"][0]: session.pcm
        for session in server.received_sessions
    }

    assert kinds.keys() == received.keys()
    assert {state.ended.outcome for state in observed.job_states.values()} == {Outcome.DONE}
    for name, kind in kinds.items():
        seconds = len(received[name]) / 2 / RATE
        assert kind.seconds(2.0) == pytest.approx(seconds, abs=kind.padding_s + 0.1), name
        assert not tone_faults(kind, 4, received[name], RATE), name
