"""Everyday kinds of recording, each read whole."""

from pathlib import Path

import pytest

from tests.support.audio_kinds import KINDS, Kind, write_kind
from tests.support.tones import TONE_S, HeardTone, heard_tones, tones
from workers.audio import decode
from workers.audio.probe import probe

MAX_SHIFT_S = 0.03
"""Seconds by which a tone may seem to begin elsewhere, because of the windows that look for it."""
NOISE = "amr-wb"
"""The one kind that has noise instead of tones, because nothing here can encode it."""


SHORTENED = frozenset([
    "wma", "wma-v1", "3gp-amr", "wav-mp3", "g722", "g726", "caf-killed-recorder",
    "mp3-joined-tagged", "mp3-vbr-no-header", "mp3-no-header-all-tags", "mp3-vbr-loud-first",
    "mp3-cut-download", "mp3-joined", "flac-cut-download", "vorbis-chained-rate-change",
    "vorbis-chained", "opus-chained", "opus-chained-stereo",
])  # fmt: skip
"""Kinds that are not read whole, or not measured exactly."""


def tone_count(kind: Kind) -> int:
    return 4 if kind.name.startswith("speex") else 6


def faults(kind: Kind, sound_s: float, heard: list[HeardTone]) -> list[str]:
    """What is wrong with what was heard: tones that are lost, doubled or elsewhere."""
    found = [tone.index for tone in heard]
    expected = list(range(int(sound_s * kind.kept / TONE_S)))
    if found[: len(expected)] != expected or (found != expected and kind.kept == 1.0):
        return [f"heard {found} instead of {expected}"]
    return [
        f"tone {tone.index} begins at {tone.start_s:.3f} s"
        for tone in heard
        if abs(tone.start_s - kind.lead_s - tone.index * TONE_S) > MAX_SHIFT_S + kind.padding_s
    ]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            kind,
            id=kind.name,
            marks=[pytest.mark.xfail(strict=False)] if kind.name in SHORTENED else [],
        )
        for kind in KINDS
    ],
)
def test_a_kind_of_recording_is_read_whole(tmp_path: Path, kind: Kind) -> None:
    """Its length is known before it is read, and nothing is lost, doubled or shifted."""
    count = tone_count(kind)
    sound_s = count * TONE_S
    recording = probe(str(write_kind(kind, tmp_path, tones(count, kind.rate))))
    rate = recording.rate if 8000 <= recording.rate <= 48000 else 16000

    pcm = b"".join(decode.pcm_blocks(recording, rate, rate // 10))

    read_s = len(pcm) / 2 / rate
    assert recording.seconds == pytest.approx(kind.seconds(sound_s), abs=kind.padding_s + 0.001)
    assert read_s == pytest.approx(recording.seconds, abs=0.002)
    assert kind.is_damaged == bool(recording.warnings or recording.missing_seconds)
    assert kind.name == NOISE or not faults(kind, sound_s, heard_tones(pcm, rate))
