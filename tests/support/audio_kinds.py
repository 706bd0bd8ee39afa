"""Everyday kinds of recording: containers, encodings, tags, damage, and headers that are wrong.

Each kind turns a sound into a file and says how much of it a listener must hear.
"""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile

from tests.support.av_files import encode
from tests.support.tones import TONE_S, Samples, heard_tones, tones
from tests.support.wav_bytes import (
    ALAW_TAG,
    EXTENSIBLE_TAG,
    FLOAT_TAG,
    PCM_TAG,
    chunk,
    fmt,
    pcm16,
    pcm24,
    wav,
)

Maker: TypeAlias = Callable[[Samples, int], bytes]
"""Makes a file of a mono sound, floats at this rate in Hz."""

FIXTURES = Path(__file__).parents[1] / "fixtures" / "audio"

_STRANGE_BYTES = bytes(range(1, 250)) * 24


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of recording."""

    name: str
    suffix: str
    make: Maker
    rate: int = 16000
    """Sample rate in Hz of the sound that it is made of."""
    padding_s: float = 0.0
    """How much the length may differ, and tones may shift: the codec's delay and last frame."""
    kept: float = 1.0
    """The share of the sound that is in the file, from its start."""
    lead_s: float = 0.0
    """Silence that the kind has before the sound."""
    tail_s: float = 0.0
    """Silence that the kind has after the sound."""
    is_damaged: bool = False
    """Whether something is missing, so that a warning is due."""

    def seconds(self, sound_s: float) -> float:
        """How long a recording of a sound of this length is."""
        return self.lead_s + sound_s * self.kept + self.tail_s


def _halves(sound: Samples) -> tuple[Samples, Samples]:
    return sound[: len(sound) // 2], sound[len(sound) // 2 :]


def _silence(seconds: float, rate: int) -> Samples:
    return np.zeros(round(seconds * rate))


def _snd(kind: str, subtype: str, channels: int = 1, endian: str | None = None) -> Maker:
    """Files that libsndfile writes; all channels are equal."""

    def make(sound: Samples, rate: int) -> bytes:
        output = io.BytesIO()
        samples = sound if channels == 1 else np.repeat(sound[:, None], channels, axis=1)
        soundfile.write(output, samples, rate, format=kind, subtype=subtype, endian=endian)
        return output.getvalue()

    return make


def _av(
    container: str,
    codec: str,
    *,
    channels: int = 1,
    bit_rate: int | None = None,
    video: str = "",
    **options: str,
) -> Maker:
    """Files that FFmpeg writes; ``options`` are those of the container."""

    def make(sound: Samples, rate: int) -> bytes:
        track = sound if channels == 1 else np.repeat(sound[:, None], channels, axis=1)
        return encode(
            container, codec, track, rate=rate, bit_rate=bit_rate, options=options, video=video
        )

    return make


def _changed(make: Maker, change: Callable[[bytes], bytes]) -> Maker:
    return lambda sound, rate: change(make(sound, rate))


def _joined(first: Maker, second: Maker | None = None) -> Maker:
    """Two whole files, one after the other, with half of the sound each."""

    def make(sound: Samples, rate: int) -> bytes:
        one, two = _halves(sound)
        return first(one, rate) + (second or first)(two, rate)

    return make


def _joined_at_another_rate(make: Maker, factor: int) -> Maker:
    """As `_joined`; the second file has a lower sample rate."""

    def make_both(sound: Samples, rate: int) -> bytes:
        one, two = _halves(sound)
        return make(one, rate) + make(two[::factor], rate // factor)

    return make_both


def _cut(make: Maker, share: float) -> Maker:
    """The first part of a file, as an interrupted download leaves it."""
    return _changed(make, lambda content: content[: round(len(content) * share)])


def _pcm_wav(
    data_size: Callable[[int], int] | None = None,
    riff_size: int | None = None,
    before: tuple[bytes, ...] = (),
    after: tuple[bytes, ...] = (),
) -> Maker:
    """16-bit WAV files; ``data_size`` says how wrong the size is."""

    def make(sound: Samples, rate: int) -> bytes:
        data = pcm16(sound)
        size = data_size(len(data)) if data_size else None
        header = fmt(rate)
        return wav(data, header, data_size=size, riff_size=riff_size, before=before, after=after)

    return make


def _padless_wav(sound: Samples, rate: int) -> bytes:
    """24-bit mono with an odd number of bytes, and a chunk that follows without the pad byte."""
    data = pcm24(sound[: len(sound) - 1 + len(sound) % 2])
    head = wav(data, fmt(rate, bits=24))
    return head[: -(len(data) % 2) or None] + chunk(b"LIST", b"INFOISFT\x04\0\0\0abc\0")


def _rifx_wav(sound: Samples, rate: int) -> bytes:
    """A big-endian WAV file."""
    data = (sound * 32767).astype(">i2").tobytes()
    body = struct.pack(">HHIIHH", PCM_TAG, 1, rate, rate * 2, 2, 16)
    content = b"WAVEfmt " + struct.pack(">I", 16) + body
    content += b"data" + struct.pack(">I", len(data)) + data
    return b"RIFX" + struct.pack(">I", len(content)) + content


def _wav_of(encode_samples: Callable[[Samples], bytes], **format_args: int) -> Maker:
    return lambda sound, rate: wav(encode_samples(sound), fmt(rate, **format_args))


def _floats(kind: str) -> Callable[[Samples], bytes]:
    return lambda sound: sound.astype(kind).tobytes()


def id3v2(body_bytes: int = 300) -> bytes:
    """An ID3v2.3 tag with a picture of this many bytes."""
    picture = b"\0image/jpeg\0\x03\0" + (_STRANGE_BYTES * (body_bytes // 6000 + 1))[:body_bytes]
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = len(frame)
    packed = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + packed + frame


def _ape_tag() -> bytes:
    item = struct.pack("<II", 4, 0) + b"Artist\0" + b"Tone"
    footer = struct.pack("<IIII8x", 2000, len(item) + 32, 1, 0)
    return item + b"APETAGEX" + footer


_ID3V1 = b"TAG" + b"Tones".ljust(30, b"\0") + bytes(94) + b"\x0c"


def _free_format(content: bytes) -> bytes:
    """MP3 frames of a constant size whose headers do not say their bit rate."""
    frame_bytes = 72 * 64000 // 16000
    frames = bytearray(content)
    for start in range(0, len(frames) - 3, frame_bytes):
        if frames[start] == 0xFF:
            frames[start + 2] &= 0x0F
    return bytes(frames)


def _without_flac_length(content: bytes) -> bytes:
    """FLAC from a stream: no number of samples and no checksum."""
    changed = bytearray(content)
    changed[21] &= 0xF0
    changed[22:42] = bytes(20)
    return bytes(changed)


def _with_flac_picture(content: bytes) -> bytes:
    """FLAC with a padding block and a big picture after the first block."""
    body = struct.pack(">I", 3) + struct.pack(">I", 10) + b"image/jpeg" + bytes(20)
    body += struct.pack(">I", 60000) + (_STRANGE_BYTES * 10)[:60000]
    blocks = bytes([6]) + len(body).to_bytes(3, "big") + body
    blocks += bytes([1]) + (500).to_bytes(3, "big") + bytes(500)
    return content[:42] + blocks + content[42:]


def _ogg_pages(content: bytes) -> list[bytes]:
    pages = content.split(b"OggS")[1:]
    return [b"OggS" + page for page in pages]


def _without_last_page(content: bytes) -> bytes:
    return b"".join(_ogg_pages(content)[:-1])


def _unknown_caf_size(content: bytes) -> bytes:
    """CAF from a recorder that was killed: its data chunk says -1."""
    at = content.index(b"data") + 4
    return content[:at] + b"\xff" * 8 + content[at + 8 :]


def _unknown_au_size(content: bytes) -> bytes:
    return content[:8] + b"\xff" * 4 + content[12:]


def _box(name: bytes, body: bytes) -> bytes:
    """A box of an MP4 file."""
    return struct.pack(">I", len(body) + 8) + name + body


def _with_mp4_cover(content: bytes) -> bytes:
    """An audio book: a picture in the tags, behind the audio."""
    picture = _box(b"data", struct.pack(">II", 13, 0) + (_STRANGE_BYTES * 10)[:50000])
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    tags = _box(b"ilst", _box(b"covr", picture))
    user_data = _box(b"udta", _box(b"meta", bytes(4) + handler + tags))
    at = content.index(b"moov") - 4
    size = int.from_bytes(content[at : at + 4], "big")
    moov = content[at + 8 : at + size] + user_data
    return content[:at] + _box(b"moov", moov) + content[at + size :]


def _trimmed_m4a(sound: Samples, rate: int) -> bytes:
    """A memo whose first second was cut off by an edit list, so that players leave it out."""
    before = tones(2, rate)[::-1]
    content = bytearray(encode("ipod", "aac", np.concatenate([before, sound]), rate=rate))
    at = content.index(b"elst") + 12  # after version, flags and the number of edits
    duration, media_time = struct.unpack_from(">II", content, at)
    struct.pack_into(">II", content, at, duration - 1000, media_time + rate)
    return bytes(content)


def _joined_wav(sound: Samples, rate: int) -> bytes:
    """Two WAV files, one after the other, as ``cat`` leaves them."""
    return b"".join(wav(pcm16(half), fmt(rate)) for half in _halves(sound))


def _with_strange_bytes(content: bytes) -> bytes:
    """A file with a piece of another one in its middle."""
    middle = len(content) // 2
    return content[:middle] + _STRANGE_BYTES[:700] + content[middle:]


def _gsm_frames(sound: Samples, rate: int) -> bytes:
    """The frames of a GSM call without a header; AIFF-C has them as telephones do."""
    content = _snd("AIFF", "GSM610")(sound, rate)
    start = content.index(b"SSND") + 16
    return content[start : start + int.from_bytes(content[start - 12 : start - 8], "big") - 8]


def _amr_wb_noise(sound: Samples, rate: int) -> bytes:
    """AMR-WB frames of random bits: no encoder is at hand, and their length can be counted."""
    noise = np.random.default_rng(1).integers(0, 256, (len(sound) * 50 // rate, 17), np.uint8)
    return b"#!AMR-WB\n" + b"".join(b"\x04" + frame.tobytes() for frame in noise)


def _ilbc_noise(sound: Samples, rate: int) -> bytes:
    """iLBC frames of random bits, as of voice mail, for the same reason."""
    noise = np.random.default_rng(1).integers(0, 256, (len(sound) * 100 // rate // 3, 50), np.uint8)
    noise[:, -1] &= 0xFE  # no frame is marked as lost
    return b"#!iLBC30\n" + noise.tobytes()


def _with_silence(make: Maker, lead_s: float, tail_s: float) -> Maker:
    return lambda sound, rate: make(
        np.concatenate([_silence(lead_s, rate), sound, _silence(tail_s, rate)]), rate
    )


def _two_tracks(container: str, codec: str, video: str = "") -> Maker:
    """A track in English, and a longer one in German that is silent."""

    def make(sound: Samples, rate: int) -> bytes:
        other = _silence(len(sound) / rate + 1, rate)
        return encode(
            container, codec, sound, other, rate=rate, languages=("eng", "deu"), video=video
        )

    return make


def _centre_only(make_channels: Callable[[Samples, int], bytes], count: int) -> Maker:
    """Surround sound with speech in the centre and silence elsewhere."""

    def make(sound: Samples, rate: int) -> bytes:
        channels = np.zeros((len(sound), count))
        channels[:, 2] = sound
        return make_channels(channels, rate)

    return make


def _write(kind: str, subtype: str) -> Callable[[Samples, int], bytes]:
    return _snd(kind, subtype)


def _encode_channels(container: str, codec: str) -> Callable[[Samples, int], bytes]:
    return lambda channels, rate: encode(container, codec, channels, rate=rate)


def _vbr_mp3(sound: Samples, rate: int) -> bytes:
    options = {"flags": "+qscale", "global_quality": str(118 * 2)}
    return encode(
        "mp3", "mp3", sound, rate=rate, options={"write_xing": "0"}, codec_options=options
    )


def _noisy_start(sound: Samples, rate: int) -> bytes:
    """VBR without a header that begins with noise, so that its rate seems higher than it is."""
    noise = np.random.default_rng(1).normal(0, 0.1, rate)
    return _vbr_mp3(np.concatenate([noise, sound, _silence(2, rate)]), rate)


_CBR = _av("mp3", "mp3", bit_rate=64000, write_xing="0", id3v2_version="0")
_MP3 = _av("mp3", "mp3", bit_rate=64000)
_OPUS = _av("ogg", "libopus", page_duration="200000")
_VORBIS = _snd("OGG", "VORBIS")
_FLAC = _snd("FLAC", "PCM_16")
_AAC_PADDING_S = 0.16
"""Seconds: the decoder's delay and the rest of the last frame at 16 kHz, where no header tells."""
_MP3_PADDING_S = 0.12

KINDS = (
    # Phones, meetings, browsers, cameras.
    Kind("m4a", "m4a", _av("ipod", "aac"), 44100, padding_s=0.03),
    Kind("m4a-stereo", "m4a", _av("ipod", "aac", channels=2), 48000, padding_s=0.03),
    Kind("m4a-alac", "m4a", _av("ipod", "alac"), 44100),
    Kind("m4a-fragmented", "m4a",
         _av("mp4", "aac", movflags="frag_keyframe+empty_moov", frag_duration="500000"), 44100,
         padding_s=0.06),
    Kind("m4a-faststart", "m4a", _av("mp4", "aac", movflags="faststart"), 44100, padding_s=0.03),
    Kind("m4a-trimmed", "m4a", _trimmed_m4a, 44100, padding_s=0.03),
    Kind("m4b-cover", "m4b", _changed(_av("ipod", "aac"), _with_mp4_cover), 44100, padding_s=0.03),
    Kind("mp4-video", "mp4", _av("mp4", "aac", video="mpeg4"), 44100, padding_s=0.03),
    Kind("mp4-two-languages", "mp4", _two_tracks("mp4", "aac", "mpeg4"), 44100, padding_s=0.03),
    Kind("mp4-opus", "mp4", _av("mp4", "libopus"), 48000, padding_s=0.03),
    Kind("mp4-flac", "mp4", _av("mp4", "flac")),
    Kind("mp4-mp3", "mp4", _av("mp4", "mp3"), 44100, padding_s=0.03),
    Kind("mov-aac", "mov", _av("mov", "aac"), 48000, padding_s=0.03),
    Kind("mov-pcm", "mov", _av("mov", "pcm_s16le"), 48000),
    Kind("mov-qt-adpcm", "mov", _av("mov", "adpcm_ima_qt"), padding_s=0.01),
    Kind("webm-opus", "webm", _av("webm", "libopus"), 48000),
    Kind("webm-live", "webm", _av("webm", "libopus", live="1"), 48000, padding_s=0.02),
    Kind("mkv-aac-video", "mkv", _av("matroska", "aac", video="mpeg4"), 44100, padding_s=0.06),
    Kind("mkv-subtitles", "mkv", lambda sound, rate: encode(
        "matroska", "flac", sound, rate=rate, video="mpeg4", has_subtitles=True)),
    Kind("mkv-two-languages", "mkv", _two_tracks("matroska", "flac")),
    Kind("mka-mp3", "mka", _av("matroska", "mp3"), 44100, padding_s=0.03),
    Kind("mkv-pcm", "mkv", _av("matroska", "pcm_s16le")),
    Kind("wma", "wma", _av("asf", "wmav2", bit_rate=64000), 44100, padding_s=0.1),
    Kind("wma-v1", "wma", _av("asf", "wmav1", bit_rate=64000), 44100, padding_s=0.1),
    Kind("wmv", "wmv", _av("asf", "wmav2", bit_rate=64000, video="wmv2"), 44100, padding_s=0.1),
    Kind("3gp-amr", "3gp", _av("3gp", "libopencore_amrnb", bit_rate=12200), 8000, padding_s=0.03),
    Kind("amr", "amr", _av("amr", "libopencore_amrnb", bit_rate=12200), 8000, padding_s=0.03),
    Kind("avi-mp3", "avi", _av("avi", "mp3", video="mpeg4"), 44100, padding_s=0.06),
    Kind("avi-pcm", "avi", _av("avi", "pcm_s16le")),
    Kind("flv-aac", "flv", _av("flv", "aac"), 44100, padding_s=0.06),
    Kind("flv-nellymoser", "flv", _av("flv", "nellymoser"), 8000, padding_s=0.06),
    Kind("ts-aac", "ts", _av("mpegts", "aac", video="mpeg2video"), 48000, padding_s=0.06),
    Kind("ts-mp2", "ts", _av("mpegts", "mp2"), 48000, padding_s=0.03),
    Kind("ts-joined", "ts", _joined(_av("mpegts", "mp2")), 48000, padding_s=0.06),
    Kind("mpg-mp2", "mpg", _av("mpeg", "mp2", video="mpeg1video"), 48000, padding_s=0.03),
    Kind("vob-ac3", "vob", _av("vob", "ac3"), 48000, padding_s=0.03),
    Kind("ac3", "ac3", _av("ac3", "ac3"), 48000, padding_s=0.03),
    Kind("eac3", "eac3", _av("eac3", "eac3"), 48000, padding_s=0.03),
    Kind("aac-adts", "aac", _av("adts", "aac"), padding_s=_AAC_PADDING_S),
    Kind("aac-id3-in-front", "aac",
         _changed(_av("adts", "aac"), lambda content: id3v2() + content),
         padding_s=_AAC_PADDING_S),
    Kind("aac-joined", "aac", _joined(_av("adts", "aac")), padding_s=2 * _AAC_PADDING_S),
    Kind("aac-latm", "latm", _av("latm", "aac"), padding_s=_AAC_PADDING_S),
    Kind("mp2", "mp2", _av("mp2", "mp2"), padding_s=0.06),
    Kind("wavpack", "wv", _av("wv", "wavpack")),
    Kind("true-audio", "tta", _av("tta", "tta")),
    Kind("real-audio", "ra", _av("rm", "real_144"), 8000, padding_s=0.03),
    # Telephony.
    Kind("g722", "g722", _av("g722", "adpcm_g722"), padding_s=0.01),
    Kind("g726", "g726", _av("g726", "g726", bit_rate=32000), 8000, padding_s=0.01),
    Kind("gsm", "gsm", _gsm_frames, 8000, padding_s=0.03),
    Kind("wav-gsm", "wav", _snd("WAV", "GSM610"), 8000, padding_s=0.05),
    Kind("wav-mulaw", "wav", _snd("WAV", "ULAW"), 8000),
    Kind("wav-alaw", "wav", _snd("WAV", "ALAW"), 8000),
    Kind("wav-ima-adpcm", "wav", _snd("WAV", "IMA_ADPCM"), padding_s=0.1),
    Kind("wav-ms-adpcm", "wav", _snd("WAV", "MS_ADPCM"), padding_s=0.1),
    Kind("wav-yamaha-adpcm", "wav", _av("wav", "adpcm_yamaha"), padding_s=0.1),
    Kind("wav-g722", "wav", _av("wav", "adpcm_g722"), padding_s=0.01),
    Kind("wav-g726", "wav", _av("wav", "adpcm_g726"), 8000, padding_s=0.01),
    Kind("wav-mp3", "wav", _av("wav", "mp3"), padding_s=_MP3_PADDING_S),
    Kind("au-mulaw", "au", _snd("AU", "ULAW"), 8000),
    Kind("au-unknown-size", "au", _changed(_snd("AU", "PCM_16"), _unknown_au_size)),
    Kind("sphere", "sph", _snd("NIST", "PCM_16")),
    Kind("sphere-mulaw", "sph", _snd("NIST", "ULAW"), 8000),
    Kind("voc", "voc", _snd("VOC", "PCM_16")),
    Kind("speex", "spx", lambda sound, rate: (FIXTURES / "tones-narrowband.spx").read_bytes(),
         8000, padding_s=0.03),
    Kind("speex-wideband", "spx",
         lambda sound, rate: (FIXTURES / "tones-wideband.spx").read_bytes(), padding_s=0.03),
    Kind("amr-wb", "awb", _amr_wb_noise),
    Kind("ilbc", "lbc", _ilbc_noise, 8000, padding_s=0.03),
    # WAV files as they are found.
    Kind("wav", "wav", _pcm_wav()),
    Kind("wav-8-bit", "wav", _snd("WAV", "PCM_U8")),
    Kind("wav-24-bit-96-khz", "wav", _snd("WAV", "PCM_24"), 96000),
    Kind("wav-32-bit-192-khz", "wav", _snd("WAV", "PCM_32"), 192000),
    Kind("wav-float", "wav", _snd("WAV", "FLOAT"), 44100),
    Kind("wav-double", "wav", _snd("WAV", "DOUBLE"), 48000),
    Kind("wav-11-khz", "wav", _snd("WAV", "PCM_16"), 11025),
    Kind("wav-stereo", "wav", _snd("WAV", "PCM_16", 2), 44100),
    Kind("wav-3-channels", "wav", _snd("WAV", "PCM_16", 3), 48000),
    Kind("wav-extensible", "wav",
         _wav_of(pcm16, tag=EXTENSIBLE_TAG, subtag=PCM_TAG)),
    Kind("wav-extensible-float", "wav",
         _wav_of(_floats("<f4"), tag=EXTENSIBLE_TAG, subtag=FLOAT_TAG, bits=32)),
    Kind("wav-extensible-alaw", "wav", lambda sound, rate: wav(
        _snd("RAW", "ALAW")(sound, rate),
        fmt(rate, tag=EXTENSIBLE_TAG, subtag=ALAW_TAG, bits=8)), 8000),
    Kind("wav-big-endian", "wav", _rifx_wav),
    Kind("wav-broadcast", "wav", _pcm_wav(
        before=(chunk(b"bext", bytes(602)), chunk(b"JUNK", bytes(4000))),
        after=(chunk(b"LIST", b"INFOISFT\x06\0\0\0abcdef"), chunk(b"iXML", b"<BWFXML/>")))),
    Kind("wav-odd-chunk-without-pad", "wav", _padless_wav, padding_s=0.001),
    Kind("wav-trailing-signature", "wav",
         _changed(_pcm_wav(), lambda content: content + b"*" * 61)),
    Kind("wav-id3-in-front", "wav", _changed(_pcm_wav(), lambda content: id3v2() + content)),
    Kind("wav-size-0", "wav", _pcm_wav(lambda size: 0, 0)),
    Kind("wav-size-0-riff-right", "wav", _pcm_wav(lambda size: 0)),
    Kind("wav-size-all-ones", "wav", _pcm_wav(lambda size: 0xFFFFFFFF, 0xFFFFFFFF)),
    Kind("wav-size-2-gib", "wav", _pcm_wav(lambda size: 0x7FFFFFFF, 0x7FFFFFFF)),
    Kind("wav-size-half", "wav", _pcm_wav(lambda size: size // 2)),
    Kind("wav-size-half-riff-half", "wav", _pcm_wav(lambda size: size // 2, 40000)),
    Kind("wav-size-in-samples-stereo", "wav", lambda sound, rate: wav(
        pcm16(np.repeat(sound, 2)), fmt(rate, channels=2), data_size=len(sound))),
    Kind("wav-size-odd", "wav", _pcm_wav(lambda size: size - 1), padding_s=0.001),
    Kind("wav-size-double", "wav", _pcm_wav(lambda size: size * 2), is_damaged=True),
    Kind("wav-riff-size-small", "wav", _pcm_wav(riff_size=36)),
    Kind("wav-riff-size-too-big", "wav", _pcm_wav(riff_size=1 << 30)),
    Kind("wav-cut-download", "wav", _cut(_pcm_wav(), 0.5), padding_s=0.002, kept=0.5,
         is_damaged=True),
    Kind("wav-crashed-float-stereo", "wav", lambda sound, rate: wav(
        np.repeat(sound, 2).astype("<f4").tobytes(),
        fmt(rate, channels=2, bits=32, tag=FLOAT_TAG), data_size=0, riff_size=0)),
    Kind("wav-joined", "wav", _joined_wav, padding_s=0.01),
    Kind("rf64", "wav", _snd("RF64", "PCM_16")),
    Kind("w64", "w64", _snd("W64", "PCM_16")),
    Kind("caf", "caf", _snd("CAF", "PCM_16")),
    Kind("caf-alac", "caf", _snd("CAF", "ALAC_16")),
    Kind("caf-killed-recorder", "caf", _changed(_snd("CAF", "PCM_16"), _unknown_caf_size)),
    Kind("caf-ima4", "caf", _av("caf", "adpcm_ima_qt"), padding_s=0.01),
    Kind("aiff", "aiff", _snd("AIFF", "PCM_16")),
    Kind("aiff-c-sowt", "aifc", _snd("AIFF", "PCM_16", endian="LITTLE")),
    Kind("aiff-float", "aifc", _snd("AIFF", "FLOAT")),
    # MP3 files as they are found.
    Kind("mp3", "mp3", _MP3, 44100),
    Kind("mp3-16-khz", "mp3", _MP3),
    Kind("mp3-no-header", "mp3", _CBR, 44100, padding_s=0.08),
    Kind("mp3-no-header-16-khz", "mp3", _CBR, padding_s=_MP3_PADDING_S),
    Kind("mp3-vbr-no-header", "mp3", _vbr_mp3, 44100, padding_s=0.08),
    Kind("mp3-vbr-silence-first", "mp3", _with_silence(_vbr_mp3, 4, 0), 44100, padding_s=0.08,
         lead_s=4),
    Kind("mp3-vbr-loud-first", "mp3", _noisy_start, 44100, padding_s=0.08, lead_s=1, tail_s=2),
    Kind("mp3-joined", "mp3", _joined(_MP3), 44100, padding_s=0.16),
    Kind("mp3-joined-no-header", "mp3", _joined(_CBR), 44100, padding_s=0.16),
    Kind("mp3-joined-tagged", "mp3", _joined(_changed(
        _MP3, lambda content: id3v2() + content + _ID3V1)), 44100, padding_s=0.16),
    Kind("mp3-big-cover", "mp3", _changed(_MP3, lambda content: id3v2(300_000) + content), 44100),
    Kind("mp3-all-tags", "mp3", _changed(
        _MP3, lambda content: id3v2() + content + _ape_tag() + _ID3V1), 44100),
    Kind("mp3-no-header-all-tags", "mp3", _changed(
        _CBR, lambda content: id3v2(5000) + content + _ape_tag() + _ID3V1), 44100, padding_s=0.08),
    Kind("mp3-zeros-in-front", "mp3", _changed(_CBR, lambda content: bytes(3000) + content), 44100,
         padding_s=0.08),
    Kind("mp3-strange-bytes-inside", "mp3", _changed(_CBR, _with_strange_bytes), 44100,
         padding_s=0.1),
    Kind("mp3-free-format", "mp3", _changed(_CBR, _free_format), padding_s=_MP3_PADDING_S),
    Kind("mp3-cut-download", "mp3", _cut(_MP3, 0.5), 44100, padding_s=0.08, kept=0.5,
         is_damaged=True),
    Kind("mp3-named-wav", "wav", _MP3, 44100),
    Kind("m4a-named-mp3", "mp3", _av("ipod", "aac"), 44100, padding_s=0.03),
    # FLAC and Ogg files as they are found.
    Kind("flac", "flac", _FLAC),
    Kind("flac-24-bit-96-khz", "flac", _snd("FLAC", "PCM_24"), 96000),
    Kind("flac-id3-in-front", "flac", _changed(_FLAC, lambda content: id3v2() + content)),
    Kind("flac-no-length", "flac", _changed(_FLAC, _without_flac_length)),
    Kind("flac-id3v1-behind", "flac", _changed(_FLAC, lambda content: content + _ID3V1)),
    Kind("flac-picture", "flac", _changed(_FLAC, _with_flac_picture)),
    Kind("flac-cut-download", "flac", _cut(_FLAC, 0.45), kept=0.5, padding_s=0.5, is_damaged=True),
    Kind("flac-in-ogg", "oga", _av("ogg", "flac")),
    Kind("vorbis", "ogg", _VORBIS, 44100),
    Kind("vorbis-chained", "ogg", _joined(_VORBIS), 44100, padding_s=0.03),
    Kind("vorbis-chained-rate-change", "ogg", _joined_at_another_rate(_VORBIS, 2), 44100,
         padding_s=0.03),
    Kind("opus", "opus", _OPUS, 48000),
    Kind("opus-16-khz", "opus", _snd("OGG", "OPUS")),
    Kind("opus-chained", "opus", _joined(_OPUS), 48000),
    Kind("opus-chained-stereo", "opus", _joined(
        _OPUS, _av("ogg", "libopus", channels=2)), 48000),
    Kind("opus-no-last-page", "opus", _changed(_OPUS, _without_last_page), 48000, padding_s=0.3),
    # Surround sound.
    Kind("flac-5-1-centre", "flac", _centre_only(_write("FLAC", "PCM_16"), 6), 48000),
    Kind("ac3-5-1-centre", "ac3", _centre_only(_encode_channels("ac3", "ac3"), 6), 48000,
         padding_s=0.03),
    Kind("m4a-5-1-centre", "m4a", _centre_only(_encode_channels("ipod", "aac"), 6), 48000,
         padding_s=0.03),
    Kind("m4a-7-1-centre", "m4a", _centre_only(_encode_channels("ipod", "aac"), 8), 48000,
         padding_s=0.03),
    Kind("mka-8-channels", "mka", _av("matroska", "wavpack", channels=8), 48000),
)  # fmt: skip


FIXTURE_SECONDS = {"speex": 2.0, "speex-wideband": 2.0}
"""Kinds that are fixed files of tones, and how long they are."""

NOISE = frozenset(["amr-wb", "ilbc"])
"""Kinds that hold noise instead of a sound, because nothing here can encode them."""

_MAX_SHIFT_S = 0.03
"""How far from its place a tone may seem to begin, because of the windows that look for it."""


def tone_count(kind: Kind) -> int:
    """How many tones a recording of this kind holds in tests."""
    return round(FIXTURE_SECONDS.get(kind.name, 3.0) / TONE_S)


def tone_faults(kind: Kind, count: int, pcm: bytes, rate: int) -> list[str]:
    """Describes each of ``count`` tones that is lost, doubled or elsewhere in mono PCM16."""
    heard = heard_tones(pcm, rate)
    found = [tone.index for tone in heard]
    expected = list(range(int(count * kind.kept)))
    if found[: len(expected)] != expected or (found != expected and kind.kept == 1.0):
        return [f"heard {found} instead of {expected}"]
    return [
        f"tone {tone.index} begins at {tone.start_s:.3f} s"
        for tone in heard
        if abs(tone.start_s - kind.lead_s - tone.index * TONE_S) > _MAX_SHIFT_S + kind.padding_s
    ]


def write_kind(kind: Kind, folder: Path, sound: Samples) -> Path:
    """Writes a file of this kind; ``sound`` has the kind's rate."""
    path = folder / f"{kind.name}.{kind.suffix}"
    path.write_bytes(kind.make(sound, kind.rate))
    return path
