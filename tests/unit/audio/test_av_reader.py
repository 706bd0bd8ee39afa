"""Recordings that FFmpeg's libraries read: the same samples as theirs, and nothing but the file."""

import io
import socket
import subprocess
import sys
import threading
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

from tests.support.av_files import encode
from tests.support.tones import Samples, tones
from workers.audio.decode import pcm_blocks
from workers.audio.probe import probe
from workers.audio.recording import Damage, Reader
from workers.audio.source import RawEncoding, RawFormat, ReadOptions
from workers.errors import Unreadable

RATE = 44100
SOUND = tones(4, RATE)
STEREO = np.stack([SOUND, 0.5 * SOUND], axis=1)

FORMATS = {
    "m4a": ("ipod", "aac", RATE),
    "m4a-alac": ("ipod", "alac", RATE),
    "webm-opus": ("webm", "libopus", 48000),
    "webm-vorbis": ("webm", "vorbis", RATE),
    "ogg-flac": ("ogg", "flac", RATE),
    "wma": ("asf", "wmav2", RATE),
    "ac3": ("ac3", "ac3", RATE),
    "aac": ("adts", "aac", RATE),
    "ts": ("mpegts", "aac", RATE),
    "mp2": ("mp2", "mp2", RATE),
    "avi": ("avi", "mp3", RATE),
}


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def encoded(path: Path, kind: str, channels: int = 1) -> str:
    container, codec, rate = FORMATS[kind]
    sound = tones(4, rate)
    if codec == "vorbis" or channels == 2:  # FFmpeg's own encoder of Vorbis writes only stereo
        sound = np.stack([sound, 0.5 * sound], axis=1)
    options = {"strict": "-2"} if codec == "vorbis" else {}
    bit_rate = 128_000 if codec == "wmav2" else None
    content = encode(container, codec, sound, rate=rate, bit_rate=bit_rate, codec_options=options)
    return written(path, content)


def decoded(
    path: str, rate: int | None = None, start: int = 0, options: ReadOptions | None = None
) -> tuple[Samples, list[Damage]]:
    recording = probe(path, options or ReadOptions())
    damage: list[Damage] = []
    blocks = pcm_blocks(recording, rate or recording.rate, 1600, start, on_damage=damage.append)
    return np.frombuffer(b"".join(blocks), "<i2").astype(int), damage


def decoded_by_ffmpeg(path: str) -> Samples:
    """The mean of all channels in PCM16, as FFmpeg decodes them."""
    with av.open(path) as file:
        frames = [frame.to_ndarray().T for frame in file.decode(audio=0)]
    return np.concatenate(frames).mean(axis=1) * 32768


@pytest.mark.parametrize("kind", ["m4a", "webm-opus", "aac", "ac3", "wma"])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_samples_are_those_that_ffmpeg_decodes(
    tmp_path: Path, kind: str, channels: int
) -> None:
    """Without the encoder's delay at the start, and to within the rounding."""
    path = encoded(tmp_path / "a", kind, channels)
    pcm, damage = decoded(path)
    expected = decoded_by_ffmpeg(path)

    assert len(expected) == len(pcm)
    assert np.abs(np.clip(expected, -32768, 32767) - pcm).max() <= 1
    assert not damage


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_the_resampled_samples_are_those_of_soxr(tmp_path: Path, rate: int) -> None:
    """As if the whole recording were resampled at once."""
    soundfile.write(tmp_path / "a.wav", SOUND, RATE, subtype="FLOAT")
    pcm, _ = decoded(str(tmp_path / "a.wav"), rate)
    expected = soxr.resample(SOUND.astype(np.float32), RATE, rate) * 32768

    assert np.abs(expected - pcm).max() <= 1


@pytest.mark.parametrize("kind", FORMATS)
def test_a_recording_goes_on_from_any_sample(tmp_path: Path, kind: str) -> None:
    """A session resumes without repeating or losing a sample."""
    path = encoded(tmp_path / "a", kind)
    for rate, rounding in ((None, 0), (16000, 1)):
        whole, _ = decoded(path, rate)
        for start in (1, 7001, len(whole) - 1000, len(whole)):
            rest, _ = decoded(path, rate, start)

            assert len(rest) == len(whole) - start
            assert np.abs(rest - whole[start:]).max(initial=0) <= rounding


@pytest.mark.parametrize("kind", FORMATS)
def test_the_length_is_counted_before_anything_is_decoded(tmp_path: Path, kind: str) -> None:
    """Within a few milliseconds, by which some containers round."""
    path = encoded(tmp_path / "a", kind)
    recording = probe(path)

    assert recording.is_exact
    assert recording.frames == pytest.approx(len(decoded(path)[0]), abs=0.005 * recording.rate)
    assert recording.seconds == pytest.approx(2.0, abs=0.08)


def test_a_track_is_chosen_by_number_or_language(tmp_path: Path) -> None:
    """The first one is the default; what is not there is refused with what is."""
    quiet = 0.1 * SOUND
    content = encode("matroska", "flac", SOUND, quiet, rate=RATE, languages=("eng", "deu"))
    path = written(tmp_path / "a.mkv", content)
    first, second = (np.abs(sound).max() * 32768 for sound in (SOUND, quiet))
    for track, level in (("", first), ("1", first), ("2", second), ("DEU", second)):
        pcm, _ = decoded(path, options=ReadOptions(track=track))

        assert np.abs(pcm).max() == pytest.approx(level, rel=0.01)
    for track in ("3", "0", "fra"):
        with pytest.raises(Unreadable, match=f"no audio track “{track}”") as refused:
            probe(path, ReadOptions(track=track))

        assert "1 (eng), 2 (deu)" in refused.value.hint


def test_a_film_without_sound_is_refused_as_such(tmp_path: Path) -> None:
    """Pictures are not audio."""
    output = io.BytesIO()
    with av.open(output, "w", format="mp4") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 32), np.uint8), "yuv420p")
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    with pytest.raises(Unreadable, match="no audio track"):
        probe(written(tmp_path / "a.mp4", output.getvalue()))


def test_streams_that_change_are_brought_to_the_first_rate_and_channels(tmp_path: Path) -> None:
    """Radio recorders write such files; each part keeps its length and its pitch."""
    loud, quiet = (encode("adts", "aac", level * SOUND, rate=RATE) for level in (1.0, 0.3))
    stereo = encode("adts", "aac", np.stack([tones(4, 22050)] * 2, axis=1), rate=22050)
    alone = [probe(written(tmp_path / "a.aac", part)).seconds for part in (loud, stereo, quiet)]
    pcm, _ = decoded(written(tmp_path / "b.aac", loud + stereo + quiet))

    assert len(pcm) / RATE == pytest.approx(sum(alone), abs=0.05)
    assert np.abs(pcm[int(RATE * 2.3) : int(RATE * 3.8)]).max() > 5000


@pytest.mark.parametrize("kind", ["mp3", "aac", "ts", "flac"])
def test_damage_in_the_middle_costs_only_its_place(tmp_path: Path, kind: str) -> None:
    """What comes after it is decoded, and the damage is reported where it is."""
    containers = {"mp3": ("mp3", "mp3"), "flac": ("flac", "flac")}
    container, codec = containers.get(kind) or FORMATS[kind][:2]
    content = bytearray(encode(container, codec, tones(12, RATE), rate=RATE))
    whole, _ = decoded(written(tmp_path / "whole", bytes(content)))
    middle = len(content) // 2
    content[middle : middle + 1500] = bytes(range(1, 151)) * 10
    pcm, damage = decoded(written(tmp_path / "a", bytes(content)))

    assert len(whole) * 0.9 < len(pcm) <= len(whole)
    assert kind == "mp3" or np.abs(pcm[-5000:] - whole[-5000:]).max() <= 1  # it keeps its padding
    assert np.abs(pcm[-5000:]).max() > 5000
    assert damage
    assert all(abs(one.at_s - 3.0) < 0.6 and one.reason for one in damage)


def test_a_prepared_file_makes_it_open_nothing_else(tmp_path: Path) -> None:
    """Neither another file nor an address, whatever the file is called."""
    secret = tmp_path / "secret.wav"
    soundfile.write(secret, SOUND, RATE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        connections: list[object] = []
        threading.Thread(target=lambda: connections.append(server.accept()), daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
        contents = [
            *(playlist.format(to) for to in (secret, secret.name, f"http://{address}/a.ts")),
            f"ffconcat version 1.0\nfile '{secret.name}'\n",
            f"ffconcat version 1.0\nfile 'http://{address}/a.wav'\n",
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {address[10:]} "
            "RTP/AVP 0\n",
            f'<?xml version="1.0"?><MPD><BaseURL>http://{address}/</BaseURL></MPD>',
            f"[Reference]\nRef1=http://{address}/a.asf\n",
        ]
        for content in contents:
            for name in ("a.m3u8", "a.ffconcat", "a.sdp", "a.mpd", "a.m4a", "a%03d.png"):
                with pytest.raises(Unreadable):
                    probe(written(tmp_path / name, content.encode()))

        assert not connections


def test_a_film_whose_sound_is_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """QuickTime files may take their sound from a file beside them, by its path."""
    secret = written(tmp_path / "secret.mov", encode("mov", "pcm_s16le", SOUND, rate=RATE))
    path = tmp_path / "a.mov"
    content = bytearray(encode("mov", "pcm_s16le", 0.1 * SOUND, rate=RATE))
    name = secret.encode()
    alias = bytes(10) + bytes(28) + bytes(12) + b"\x0asecret.mov".ljust(64, b"\0") + bytes(16)
    alias += b"\0\1\0\1" + bytes(16) + b"\0\2" + len(name).to_bytes(2, "big") + name
    alias += bytes(len(name) % 2) + b"\xff\xff\0\0"
    entry = (12 + len(alias)).to_bytes(4, "big") + b"alis" + bytes(4) + alias
    at = content.rindex(b"dref", 0, content.index(b"stbl")) + 12
    content[at : at + 12] = entry
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        start = content.rindex(box, 0, at) - 4
        size = int.from_bytes(content[start : start + 4], "big") + len(entry) - 12
        content[start : start + 4] = size.to_bytes(4, "big")
    path.write_bytes(content)
    with av.open(str(path), options={"enable_drefs": "1", "use_absolute_path": "1"}) as file:
        followed = next(file.decode(audio=0)).to_ndarray()
    with pytest.raises(Unreadable):
        probe(str(path))

    assert followed.any()  # FFmpeg would follow it, if it were allowed to


def test_what_ffmpeg_logs_reaches_no_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It complains about damage on standard error."""
    content = bytearray(encode("adts", "aac", tones(12, RATE), rate=RATE))
    content[5000:6000] = bytes(range(1, 101)) * 10
    decoded(written(tmp_path / "a.aac", bytes(content)))
    with pytest.raises(Unreadable):
        probe(written(tmp_path / "b.m4a", b"\0\0\0\x18ftypM4A " + bytes(100)))

    assert ("", "") == capfd.readouterr()


def test_without_pyav_a_file_that_needs_it_says_so(tmp_path: Path) -> None:
    """There is no wheel of it for some platforms. Other files are read as ever."""
    path = encoded(tmp_path / "a.m4a", "m4a")
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    program = (
        "import sys; sys.modules['av'] = None\n"
        "from workers.audio.probe import probe\n"
        "from workers.errors import Unreadable\n"
        "probe(sys.argv[2])\n"
        "try: probe(sys.argv[1])\n"
        "except Unreadable as error: print(error)\n"
    )
    arguments = [sys.executable, "-c", program, path, str(tmp_path / "a.wav")]
    told = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout

    assert "PyAV" in told
    assert "Install" in told


@pytest.mark.parametrize(
    ("encoding", "dtype"), [("s16le", "<i2"), ("s16be", ">i2"), ("f32le", "<f4"), ("s32le", "<i4")]
)
def test_samples_without_a_header_are_read_as_told(
    tmp_path: Path, encoding: str, dtype: str
) -> None:
    """Two channels, each sample where it belongs, also from the middle."""
    full = 1.0 if dtype == "<f4" else -float(np.iinfo(dtype).min)
    path = written(tmp_path / "a.pcm", (STEREO * full).astype(dtype).tobytes())
    options = ReadOptions(raw=RawFormat(RawEncoding(encoding), RATE, 2))
    pcm, _ = decoded(path, options=options)
    rest, _ = decoded(path, start=5000, options=options)

    assert np.abs(pcm - STEREO.mean(axis=1) * 32768).max() < 2  # rounded twice
    assert np.array_equal(rest, pcm[5000:])
    assert probe(path, options).reader is Reader.RAW


def test_samples_without_a_header_need_a_format(tmp_path: Path) -> None:
    """Nothing tells it; the hint says how to."""
    with pytest.raises(Unreadable) as refused:
        probe(written(tmp_path / "a.pcm", SOUND.tobytes()))

    assert "--raw" in refused.value.hint


@pytest.mark.parametrize("kind", ["m4a", "aac", "webm-opus", "mkv", "wv"])
def test_a_cut_file_is_read_as_far_as_it_goes(tmp_path: Path, kind: str) -> None:
    """Its length is what can be decoded, and one warning says that it is cut short."""
    others = {"mkv": ("matroska", "aac", RATE), "wv": ("wv", "wavpack", RATE)}
    container, codec, rate = others.get(kind) or FORMATS[kind]
    options = {"movflags": "faststart"} if container == "ipod" else {}
    content = encode(container, codec, tones(12, rate), rate=rate, options=options)
    path = written(tmp_path / "a", content[: len(content) * 6 // 10])
    recording = probe(path)
    pcm, damage = decoded(path)

    assert len(pcm) == pytest.approx(recording.frames, abs=0.03 * rate)
    assert 2.5 < recording.seconds < 4.0
    assert "cut short" in recording.warnings[0]
    assert not damage


def test_a_film_without_its_index_is_refused_as_such(tmp_path: Path) -> None:
    """Recorders write it last, so it is not there if they crash."""
    content = encode("mp4", "aac", SOUND, rate=RATE)
    with pytest.raises(Unreadable, match="index is missing"):
        probe(written(tmp_path / "a.mp4", content[: len(content) // 2]))
