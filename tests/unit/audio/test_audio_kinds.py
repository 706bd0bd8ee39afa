"""Everyday kinds of recording, each read whole."""

from pathlib import Path

import pytest

from tests.support.audio_kinds import KINDS, NOISE, Kind, tone_count, tone_faults, write_kind
from tests.support.av_files import encode
from tests.support.tones import TONE_S, tones
from workers.audio import decode
from workers.audio.probe import probe
from workers.errors import Unreadable


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.name) for kind in KINDS])
def test_a_kind_of_recording_is_read_whole(tmp_path: Path, kind: Kind) -> None:
    """Its length is known before it is read, and nothing is lost, doubled or shifted."""
    count = tone_count(kind)
    sound_s = count * TONE_S
    recording = probe(str(write_kind(kind, tmp_path, tones(count, kind.rate))))
    rate = recording.rate if 8000 <= recording.rate <= 48000 else 16000

    pcm = b"".join(decode.pcm_blocks(recording, rate, rate // 10))

    read_s = len(pcm) / 2 / rate
    assert recording.seconds == pytest.approx(kind.seconds(sound_s), abs=kind.padding_s + 0.001)
    assert read_s == pytest.approx(recording.seconds, abs=kind.padding_s + 0.002)
    assert kind.is_damaged == bool(recording.warnings or recording.missing_seconds)
    assert kind.name in NOISE or not tone_faults(kind, count, pcm, rate)


def test_an_encrypted_recording_is_refused_as_such(tmp_path: Path) -> None:
    """Parts of it would decode, to noise."""
    keys = {"encryption_key": "00" * 16, "encryption_kid": "11" * 16}
    options = {"encryption_scheme": "cenc-aes-ctr", **keys}
    path = tmp_path / "a.m4a"
    path.write_bytes(encode("mp4", "aac", tones(4, 44100), rate=44100, options=options))

    with pytest.raises(Unreadable, match="it is encrypted"):
        probe(str(path))
