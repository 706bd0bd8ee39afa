"""Probes a file before anything is sent: whether it is complete, its length and its rate.

Refuses a truncated recording instead of streaming it as if it were complete. In some formats,
libsndfile logs that the header declares too much; in others, the last sample cannot be read.
"""

import os
import re
import time
from dataclasses import replace
from math import inf

import soundfile

from workers.audio.channels import with_mix
from workers.audio.discovery import special_file_kind
from workers.audio.raw_encodings import SNDFILE_ENCODINGS, raw_format_of
from workers.audio.recording import Reader, Recording, clock
from workers.audio.segments import mp3_segments, ogg_segments
from workers.audio.sndfile_reader import SndfileReader
from workers.audio.source import DEFAULT_OPTIONS, RawFormat, ReadOptions
from workers.audio.wav_layout import WavLayout, find_wav_audio
from workers.errors import Unreadable
from workers.ranges import RATE_HZ

_UNKNOWN_SIZE_BYTES = 0x7FFF0000
"""A declared size of at least this, or of 0, comes from a writer that could not seek back."""

_UNKNOWN_FRAME_COUNT = 16 * _UNKNOWN_SIZE_BYTES
"""A length of at least this many samples, eight days at 48000 Hz, counts as unknown."""

_HEADER_SLACK_BYTES = 64
"""How far a header may be off although no audio is missing, since writers count differently."""

_SIZE_MISMATCH = re.compile(r"(?! *Bytes/sec|RIFF|RF64).*:\s*(\d+) \(should be (\d+)\)")
"""A line of libsndfile's log about a size. Bytes per second and the size of the whole are often
wrong, and do not matter."""

_HEADERLESS_SUFFIXES = frozenset([".raw", ".pcm"])

_INEXACT_SUBTYPES = frozenset(["MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"])
"""Encodings whose length in a WAV file libsndfile estimates."""

MAX_SHORTFALL_S = 0.1
"""Seconds by which a container may declare too much without a loss: encoders pad, and round."""

HEADER_TIMEOUT_S = 5.0
"""How long a probe waits for the header of a new file that is followed."""
_HEADER_POLL_S = 0.1
_MAX_NEW_BYTES = 4096
"""A file with this many bytes or more has its header."""

_CONVERT_HINT = "If it plays elsewhere, convert it: ffmpeg -i INPUT -ac 1 -ar 16000 OUTPUT.wav"

_WEB_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_WEB_PAGE_BYTES = 512

_CHANNEL_HINT = "--channels mix sends the mix of all its channels."


def probe(path: str, options: ReadOptions = DEFAULT_OPTIONS) -> Recording:
    """Probes the audio that ``options`` choose; raises `Unreadable` with what is wrong."""
    if options.follow:
        return _probe_growing(path, options)
    size = _file_size_bytes(path)
    if not size:
        raise Unreadable("the file is empty", "Its length is 0 bytes.")
    raw = options.raw or raw_format_of(path)
    if raw is not None:
        recording = _probe_raw(path, size, replace(options, raw=raw), raw)
    else:
        recording = _probe_headed(path, size, options)
    _check(recording)
    if not recording.frames:
        raise Unreadable("the file contains no audio", "Its length is 0 samples.")
    return with_mix(recording)


def _probe_raw(path: str, size: int, options: ReadOptions, raw: RawFormat) -> Recording:
    if raw.encoding not in SNDFILE_ENCODINGS:
        return _probe_with_av(path, size, options)
    with SndfileReader(path, raw=raw) as file:
        return Recording(
            path=path,
            seconds=file.frames / raw.rate,
            rate=raw.rate,
            channels=raw.channels,
            frames=int(file.frames),
            format=f"RAW {file.subtype}",
            size=size,
            reader=Reader.RAW,
            options=options,
        )


def _probe_headed(path: str, size: int, options: ReadOptions) -> Recording:
    if os.path.splitext(path)[1].lower() in _HEADERLESS_SUFFIXES:
        reason = "a file with this suffix has no header that tells how to read it"
        raise Unreadable(reason, "Name its format, e.g. --raw s16le:16000:1")
    recording = None
    with open(path, "rb") as file:
        if _WEB_PAGE.match(file.read(_WEB_PAGE_BYTES)):
            raise Unreadable("this is a web page, not a recording", "Check the address.")
    if not options.track:
        with open(path, "rb") as file:
            layout = find_wav_audio(file)
        if layout is not None and layout.end <= layout.start:
            raise Unreadable("the file contains no audio", "It ends after its header.")
        recording = _probe_with_sndfile(path, size, options, layout)
    return recording or _probe_with_av(path, size, options)


def _probe_growing(path: str, options: ReadOptions) -> Recording:
    """Probes a file that may still be written; waits for the header of one that is new."""
    from workers.audio.growing import NotFollowable  # few runs need it
    from workers.audio.growing_bytes import CLOSED_GRACE_S, has_been_closed

    deadline = time.monotonic() + HEADER_TIMEOUT_S
    while True:
        try:
            return _probe_written(path, options)
        except NotFollowable:
            raise
        except Unreadable:
            is_new = _file_size_bytes(path) < _MAX_NEW_BYTES and time.monotonic() < deadline
            idle_s = time.time() - os.stat(path).st_mtime
            if not is_new or (idle_s > CLOSED_GRACE_S and has_been_closed(path)):
                raise
        time.sleep(_HEADER_POLL_S)


def _probe_written(path: str, options: ReadOptions) -> Recording:
    """Probes what is there of a file. One that is complete may have any format."""
    from workers.audio import growing
    from workers.audio.growing_bytes import has_been_closed

    size, is_closed = _file_size_bytes(path), has_been_closed(path)
    if not size or growing.is_sample_file(path, options):
        try:
            recording = growing.probe_growing(path, options)
        except growing.NotFollowable:
            if not is_closed:
                raise
        else:
            _check(recording)
            return with_mix(recording) if recording.frames else recording
    elif not is_closed:
        return _probe_growing_av(path, size, options)
    return probe(path, replace(options, follow=False))


def _probe_growing_av(path: str, size: int, options: ReadOptions) -> Recording:
    """Probes the beginning of what FFmpeg reads; the length is not known before the end."""
    from workers.audio.av_reader import AvReader
    from workers.audio.av_track import AvTrack
    from workers.audio.growing_bytes import GrowingBytes

    with AvTrack(path, options, growing=GrowingBytes(path, None)) as track:
        name = track.format
    with AvReader(path, options, growing=GrowingBytes(path, None)) as reader:
        recording = Recording(
            path=path,
            seconds=0.0,
            rate=reader.samplerate,
            channels=reader.channels,
            frames=0,
            format=name,
            size=size,
            reader=Reader.GROWING_AV,
            options=options,
            is_exact=False,
        )
    _check(recording)
    return recording


def _check(recording: Recording) -> None:
    """Raises `Unreadable` if the rate is impossible, or the chosen channels do not exist."""
    options = recording.options
    if recording.rate not in RATE_HZ:
        reason = f"its header gives a rate of {recording.rate} Hz, which no recording has"
        raise Unreadable(reason, _CONVERT_HINT)
    if options.speakers and recording.channels != len(options.speakers):
        raise _not_stereo(recording.channels)
    if options.channel is not None and options.channel > recording.channels:
        raise Unreadable(_channel_refusal(options.channel, recording.channels), _CHANNEL_HINT)


def _probe_with_sndfile(
    path: str, size: int, options: ReadOptions, layout: WavLayout | None
) -> Recording | None:
    """Probes with libsndfile; None if it cannot read the file, or its length is in doubt."""
    is_wav_corrected = layout is not None and not layout.is_header_right
    try:
        with SndfileReader(path, is_wav_corrected=is_wav_corrected) as file:
            if not 0 < file.frames < _UNKNOWN_FRAME_COUNT or (
                layout is not None and file.subtype in _INEXACT_SUBTYPES
            ):
                return None
            frames = _counted_frames(file, path)
            if frames is None:
                return None
            seconds = frames / file.samplerate
            share = layout.missing_share if layout is not None else _missing_share(file)
            absent_s = seconds * share
            missing_s = _missing_in_part(absent_s, seconds, options)
            return Recording(
                path=path,
                seconds=seconds,
                rate=file.samplerate,
                channels=file.channels,
                frames=frames,
                format=f"{file.format} {file.subtype}",
                size=size,
                reader=Reader.WAV if is_wav_corrected else Reader.SNDFILE,
                options=options,
                missing_seconds=missing_s,
                warnings=(_truncation_warning(seconds, absent_s),) if missing_s else (),
            )
    except Unreadable:
        return None


def _probe_with_av(path: str, size: int, options: ReadOptions) -> Recording:
    from workers.audio.av_length import probe_track  # loads FFmpeg, which most files do not need

    track = probe_track(path, options)
    seconds = track.frames / track.rate
    absent_s = (track.declared_s or 0.0) - seconds
    missing_s = _missing_in_part(absent_s, seconds, options)
    warnings: tuple[str, ...] = ()
    if missing_s:
        warnings = (_truncation_warning(seconds, absent_s),)
    elif track.is_cut and absent_s <= MAX_SHORTFALL_S and seconds < (options.end_s or inf):
        warnings = (f"the file is cut short: it stops at {clock(seconds)}",)
    return Recording(
        path=path,
        seconds=seconds,
        rate=track.rate,
        channels=track.channels,
        frames=track.frames,
        format=track.format,
        size=size,
        reader=Reader.AV,
        options=options,
        is_exact=track.is_exact,
        missing_seconds=missing_s,
        warnings=warnings,
    )


def _missing_in_part(absent_s: float, seconds: float, options: ReadOptions) -> float:
    """How much is missing of what is streamed, if ``absent_s`` are missing after the ``seconds`` of
    the file; 0 if it is next to nothing."""
    if options.end_s is not None:
        absent_s = min(absent_s, options.end_s - seconds)
    return absent_s if absent_s > MAX_SHORTFALL_S else 0.0


def _truncation_warning(seconds: float, missing_s: float) -> str:
    return f"the file is cut short: it stops at {clock(seconds)} of {clock(seconds + missing_s)}"


def _not_stereo(channels: int) -> Unreadable:
    """Why a recording that is not stereo cannot be split."""
    if channels == 1:
        reason = "it has only one channel, so there are no two speakers to split"
        return Unreadable(reason, "--channels mix streams it as it is.")
    reason = f"it has {channels} channels, and only a stereo recording can be split"
    return Unreadable(reason, "--channels N streams one of its channels.")


def _channel_refusal(chosen: int, count: int) -> str:
    """What is wrong with choosing a channel that a file with ``count`` channels has not."""
    held = "only one channel" if count == 1 else f"only {count} channels"
    return f"it has {held}, and channel {chosen} was asked for"


def _file_size_bytes(path: str) -> int:
    """Raises `Unreadable` if this is no file, or may not be read."""
    try:
        stat = os.stat(path)
        if kind := special_file_kind(stat.st_mode):
            raise Unreadable(f"this is {kind}, not a file", "Choose an audio file.")
        with open(path, "rb"):
            pass
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise Unreadable("this link is broken", "Was its file moved or deleted?") from error
        raise Unreadable("the file does not exist", "Was it moved or deleted?") from error
    except PermissionError as error:
        raise Unreadable("the file may not be read", "Check its permissions.") from error
    except OSError as error:
        raise Unreadable(f"the file cannot be opened ({error.strerror})") from error
    return stat.st_size


def _missing_share(file: SndfileReader) -> float:
    """How much more audio the header declares than there is, as a share of what there is."""
    shares = [0.0]
    for line in file.extra_info.splitlines():
        if (match := _SIZE_MISMATCH.match(line)) is not None:
            declared, actual = int(match[1]), int(match[2])
            is_known = 0 < actual < declared < _UNKNOWN_SIZE_BYTES
            if is_known and declared - actual > _HEADER_SLACK_BYTES:
                shares.append((declared - actual) / actual)
    return max(shares)


def _counted_frames(file: SndfileReader, path: str) -> int | None:
    """How many samples libsndfile reads; None if it may not read all that there is."""
    frames = int(file.frames)
    if file.format in ("OGG", "MP3"):
        segments = ogg_segments(path, "") if file.format == "OGG" else mp3_segments(path)
        if not segments:  # a free bit rate, which only decoders find
            return frames
        (first, *others), slack = segments, MAX_SHORTFALL_S * file.samplerate
        counted = round((first.seconds or 0.0) * file.samplerate)
        is_whole = not (others or first.missing_s or first.is_cut) and counted > 0
        # It stops at its own count, but does not get that far if there is less.
        return counted if is_whole and 0 <= frames - counted + 1 < slack else None
    if file.format == "FLAC":
        try:
            file.seek(frames - 1)
            return frames if len(file.read(1)) == 1 else None
        except soundfile.LibsndfileError:
            return None
    return frames
