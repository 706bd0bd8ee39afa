"""One stream of audio through the recogniser: samples in, lines out.

Runs in a recogniser process, each instance in the thread of its stream. It drives the library's
stream by hand instead of by its listeners, because when to decode depends on how far behind it is.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import numpy as np
import soxr

from workers.localserver.leveller import Leveller
from workers.localserver.lines import Encoding, Line
from workers.localserver.voicing import Loudness, Samples, spread

RATE = 16_000
"""What the model was trained on, in Hz. The library takes other rates, but says nothing of how it
converts them; 8 kHz is recognised a little better when converted here."""

INTERVAL = 0.5
"""Seconds of audio between two decodings of the open line."""

INTERVAL_BEHIND = 2.0
"""The same when more audio waits already: all of it is taken first, so that a busy machine reads
less often instead of falling behind."""

RENEW_AFTER = 60 * RATE
"""The library keeps all audio and lines of a stream, and walks them at each decoding. So after a
minute (in samples), at the next pause, the stream is replaced: cost and memory stay flat."""

KEEP = 1 * RATE
"""Samples handed from a stream to its successor at most: what no line has claimed yet."""

STUTTER = 5
"""The decoder sometimes loops ("tho tho tho …") and recovers with the next reading. So many equal
words in a row are taken for that, and the line stays as it was read before."""


class Hearing:
    """Everything heard of one client's audio; times are ms from the client's first sample."""

    def __init__(self, model: Any, sample_rate: int, encoding: Encoding) -> None:
        self._model = model
        self._sample_rate = sample_rate
        self._decode = _DECODERS[encoding]
        self._resampler = self._new_resampler()
        self._leveller = Leveller(RATE)
        self._position = 0  # samples at RATE
        self._read_at = 0
        self._recent: Samples = np.empty(0, np.float32)
        self._open: dict[int, Line] = {}
        self._begin(at=0)

    @property
    def position(self) -> int:
        return self._position * 1000 // RATE

    def hear(self, data: bytes) -> None:
        samples = self._decode(data)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        self._take(samples)

    def due(self, *, behind: bool) -> bool:
        """Whether enough audio came for another reading; ``behind``: more of it waits already."""
        interval = INTERVAL_BEHIND if behind else INTERVAL
        return self._position - self._read_at >= interval * RATE

    def read(self) -> tuple[Line, ...]:
        """The lines that changed since the last reading."""
        self._read_at = self._position
        lines = self._lines(self._stream.update_transcription().lines)
        if not self._open and self._position - self._began > RENEW_AFTER:
            self._renew()
        return lines

    def finish(self) -> tuple[Line, ...]:
        """The lines that changed, all complete; what is heard afterwards makes new lines."""
        if self._resampler is not None:
            self._take(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))
            self._resampler = self._new_resampler()
        self._pass_on(self._leveller.rest())
        # Stopping alone can lose the last line, and can fail inside the library, which then
        # returns nothing: so all is forced out before, and an open line counts as it was last read.
        forced = self._stream.update_transcription(self._model.MOONSHINE_FLAG_FORCE_UPDATE)
        stopped = self._stream.stop()
        latest = {line.number: line for line in self._lines(forced.lines)}
        if stopped is not None:
            latest |= {line.number: line for line in self._lines(stopped.lines)}
        latest |= self._open
        self._open.clear()
        self._stream.close()
        self._begin(at=self._position)
        return tuple(Line(line.number, line.words, complete=True) for line in latest.values())

    def close(self) -> None:
        self._stream.close()

    def _begin(self, at: int) -> None:
        self._began = at
        self._line_end = at
        self._loudness = Loudness(RATE)
        # The interval is ours (see `due`), so the library's own is never reached.
        self._stream = self._model.create_stream(update_interval=float("inf"))
        self._stream.start()

    def _take(self, samples: Samples) -> None:
        self._position += len(samples)
        self._recent = np.concatenate([self._recent, samples])[-KEEP:]
        self._feed(samples)

    def _feed(self, samples: Samples) -> None:
        self._loudness.add(samples)
        self._pass_on(self._leveller.levelled(samples))

    def _pass_on(self, samples: Samples) -> None:
        if len(samples):
            self._stream.add_audio(samples.tolist(), RATE)

    def _renew(self) -> None:
        """A new library stream that begins where the last line ended, so nothing falls between."""
        unclaimed = min(self._position - self._line_end, KEEP)
        self._stream.stop()
        self._stream.close()
        self._begin(at=self._position - unclaimed)
        self._leveller.forget()  # while it holds audio back, that is the audio fed again here
        self._feed(self._recent[len(self._recent) - unclaimed :])

    def _lines(self, lines: Iterable[Any]) -> tuple[Line, ...]:
        """Our lines for those of the library that changed; also keeps which are open."""
        changed = []
        for line in lines:
            if not line.is_updated:
                continue
            reading = self._line(line)
            known = self._open.get(reading.number)
            if _stutters(reading):
                before = known.words if known is not None else ()
                reading = Line(reading.number, before, reading.complete)
            if reading.complete:
                self._open.pop(reading.number, None)
                end = self._began + round((line.start_time + line.duration) * RATE)
                self._line_end = min(end, self._position)
            else:
                self._open[reading.number] = reading
            if reading != known:
                changed.append(reading)
        return tuple(changed)

    def _line(self, line: Any) -> Line:
        start = round(line.start_time * 1000)
        end = round((line.start_time + line.duration) * 1000)
        began = self._began * 1000 // RATE
        words = spread(line.text.split(), self._loudness.voiced(start, end), start, end)
        return Line(line.line_id, tuple(word.later(began) for word in words), line.is_complete)

    def _new_resampler(self) -> Any:
        if self._sample_rate == RATE:
            return None
        return soxr.ResampleStream(self._sample_rate, RATE, 1, dtype="float32")


def _stutters(line: Line) -> bool:
    return any(len(list(run)) >= STUTTER for _, run in groupby(word.text for word in line.words))


def _from_s16le(data: bytes) -> Samples:
    # A torn last sample would raise, and its other half is not in the next message either.
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768)


def _mulaw_table() -> Samples:
    """The 256 values of G.711 µ-law: sign, 3 bits of exponent, 4 of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 7).astype(np.int32)
    magnitude = (((code & 15).astype(np.int32) << 3) + 132 << exponent) - 132
    signed: Samples = (np.where(code & 128, -magnitude, magnitude) / 32768).astype(np.float32)
    return signed


_MULAW = _mulaw_table()


def mulaw(data: bytes) -> Samples:
    """The samples of G.711 µ-law."""
    return _MULAW[np.frombuffer(data, np.uint8)]


_DECODERS: Mapping[Encoding, Callable[[bytes], Samples]] = {
    Encoding.PCM_S16LE: _from_s16le,
    Encoding.PCM_MULAW: mulaw,
}
