"""Reads recordings with libsndfile, in constant memory."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import soundfile

from workers.audio.reader import (
    BLOCK_S,
    MAX_BLOCK_SAMPLES,
    DamageCallback,
    SampleBlock,
    SkipCallback,
)
from workers.audio.recording import Damage
from workers.audio.source import DEFAULT_OPTIONS, RawFormat
from workers.errors import Unreadable

if TYPE_CHECKING:
    from workers.audio.file_bytes import FileBytes

_EXACT_SEEK_SUBTYPES = frozenset([
    "PCM_16", "PCM_24", "PCM_32", "PCM_S8", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW",
    "ALAC_16", "ALAC_24", "ALAC_32", "IMA_ADPCM", "MS_ADPCM",
])  # fmt: skip
"""Encodings that seek exactly. Files in others are read from the beginning: after a seek, a lossy
decoder returns or counts samples differently, and some decoders cannot seek."""

_PCM16_SUBTYPES = frozenset([
    "PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW", "ALAC_16", "IMA_ADPCM", "MS_ADPCM", "GSM610",
    "DPCM_8", "DPCM_16",
])  # fmt: skip
"""Encodings of at most 16 bits. FLAC files report their depth as WAV files do."""

_SAMPLE_SUBTYPES = frozenset([
    "PCM_16", "PCM_24", "PCM_32", "PCM_S8", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW",
])  # fmt: skip
_SAMPLE_BLOCK_S = 2 * BLOCK_S
"""A read of plain samples decodes nothing, so no block is lost to damage, and blocks may be longer:
reading one takes as long as sending a chunk, whatever its length."""


class SndfileReader(soundfile.SoundFile):  # type: ignore[misc]  # it ships no types
    """An open audio file, an `AudioReader`; raises `Unreadable` if it cannot be opened.

    ``raw``: the format of a file without a header; ``is_wav_corrected``: a WAV file is read behind
    a header with the right sizes.
    """

    next_frame = 0

    def __init__(
        self,
        path: str,
        on_skip: SkipCallback = lambda: None,
        on_damage: DamageCallback = lambda damage: None,
        *,
        raw: RawFormat | None = None,
        is_wav_corrected: bool = False,
    ) -> None:
        self._path = path
        self._on_skip, self._on_damage = on_skip, on_damage
        self._wav = _open_wav(path) if is_wav_corrected else None
        try:
            # As text, a path would have to be valid UTF-8.
            super().__init__(self._wav or os.fsencode(path), **_raw_arguments(raw))
        except soundfile.LibsndfileError as error:
            if not os.path.exists(path):
                reason = "the file is no longer there"
                raise Unreadable(reason, "Was it moved or deleted?") from error
            raise Unreadable(f"the file cannot be read as audio ({_detail(error)})") from error

    def close(self) -> None:
        super().close()
        if self._wav is not None:
            self._wav.close()

    def seekable(self) -> bool:
        """Returns False. Otherwise each read would seek, which corrupts the end of an Opus file."""
        return False

    @property
    def is_16_bit(self) -> bool:
        return self.subtype in _PCM16_SUBTYPES

    @property
    def _is_plain(self) -> bool:
        """Whether the file holds samples as they are. A FLAC file also names their depth."""
        return self.subtype in _SAMPLE_SUBTYPES and self.format != "FLAC"

    def iter_blocks(self, dtype: str, start_frame: int = 0) -> Iterator[SampleBlock]:
        block_s = _SAMPLE_BLOCK_S if self._is_plain else BLOCK_S
        step = max(1, min(round(self.samplerate * block_s), MAX_BLOCK_SAMPLES // self.channels))
        try:
            if start_frame and self.subtype in _EXACT_SEEK_SUBTYPES and super().seekable():
                self.next_frame = self.seek(min(start_frame, self.frames))
            while len(block := self.read(step, dtype=dtype, always_2d=True)):
                skipped = max(0, start_frame - self.next_frame)
                self.next_frame += len(block)
                if skipped < len(block):
                    yield block[skipped:]
                else:
                    self._on_skip()
        except soundfile.LibsndfileError as error:
            reason = f"audio is damaged ({_detail(error)})"
            if self.format == "FLAC":
                yield from self._rest_of_flac(dtype, max(self.next_frame, start_frame))
            elif not self.next_frame:
                raise Unreadable(reason) from error
            else:
                self._on_damage(Damage(self.next_frame / self.samplerate, None, reason))

    def iter_pieces(self, starts: Sequence[int], size: int) -> Iterator[SampleBlock]:
        for start in starts:
            with suppress(soundfile.LibsndfileError):  # this place is damaged
                if super().seekable():
                    self.seek(min(start, self.frames))
                yield self.read(size, dtype="float32", always_2d=True)

    def _rest_of_flac(self, dtype: str, start_frame: int) -> Iterator[SampleBlock]:
        """Goes on with FFmpeg, which finds the next frame after damage."""
        from workers.audio.av_reader import AvReader

        with AvReader(self._path, DEFAULT_OPTIONS, self._on_skip, self._on_damage) as reader:
            for block in reader.iter_blocks(dtype, start_frame):
                self.next_frame = reader.next_frame
                yield block


def _raw_arguments(raw: RawFormat | None) -> dict[str, object]:
    if raw is None:
        return {}
    from workers.audio.raw_encodings import SNDFILE_ENCODINGS

    subtype, endian = SNDFILE_ENCODINGS[raw.encoding]
    layout = {"samplerate": raw.rate, "channels": raw.channels}
    return {"format": "RAW", "subtype": subtype, "endian": endian, **layout}


def _open_wav(path: str) -> "FileBytes":
    from workers.audio.file_bytes import FileBytes
    from workers.audio.wav_layout import find_wav_audio  # few files need it

    with open(path, "rb") as file:
        layout = find_wav_audio(file)
    if layout is None:
        raise Unreadable("the file is no longer a WAV file", "Was it overwritten?")
    return FileBytes(path, layout.start, layout.end, layout.header)


def _detail(error: soundfile.LibsndfileError) -> str:
    detail: str = error.error_string.rstrip(".").strip()
    return detail
