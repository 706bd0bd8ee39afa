"""Plays one passage: decodes it, and gives the sound device the right samples at the right time.

Three threads meet here: the decoder's fills the buffer, the device's takes samples from it, and the
process's main thread calls `steer`.
"""

from contextlib import closing
from time import monotonic, sleep

import numpy as np

from workers import threads
from workers.audio.decode import pcm_blocks
from workers.errors import Unreadable
from workers.jobs.sent_position import SentPosition
from workers.playback.live_target import EXACT_S, LiveTarget, playback_speed
from workers.playback.messages import Heard, Play, PlaybackEnded
from workers.playback.run_recording import find_recording
from workers.playback.sample_buffer import PlaybackSamples, SampleBuffer
from workers.playback.sound_device import LATENCY_S, PERIOD_S

FADE_S = 0.005
"""How long the sound takes to rise after silence or a jump, because a step would click."""

MAX_LEAD_S, MAX_LAG_S = 0.15, 1.5
"""A playback that is ahead of its session by more waits: the session stalls. One that is behind by
more jumps: the session has made up for a stall, or the decoder has just found the place."""

DELAY_STEP_S, MAX_DELAY_S = 0.1, 1.0
"""What is decoded too late, because it was written just before it was sent or because the machine
is busy, is heard so much later, until the decoder is ahead again."""

READY_S = 0.1
DECODED_BLOCK_S = 0.05
WRITER_POLL_S = 0.02
"""How often a recording that is still being written is looked at."""


class _NobodyListens(Exception):
    """Ends a decoder that is still on its way to its first sample."""


class PassagePlayer:
    """Plays the passage of ``play``. Raises `Unreadable` as `find_recording` does."""

    def __init__(self, play: Play) -> None:
        passage = play.passage
        self._recording, settings = find_recording(passage)
        self.rate = settings.sample_rate_for(self._recording)
        self._number = play.number
        sent = passage.sent
        self._target = LiveTarget(sent, settings.chunk_ms / 1000) if sent else None
        start_s = max(passage.start_s, self._recording.options.start_s)
        if self._target is not None:
            start_s = self._target.position_s(monotonic())
        start_frame = round(start_s * self.rate)
        self._buffer = SampleBuffer(self.rate, start_frame)
        self._is_sounding = self._is_starved = False
        self._delay_s = 0.0
        """How much later than it is sent the sound is meant to be heard."""
        self._speed, self._remainder = 1.0, 0.0
        """The speed of the playback, and the part of a sample that the last block took too few."""
        self._faded_samples = 0
        self._block_end, self._block_at = start_frame, monotonic()
        """The frame after the last block that the device took, and when it took it."""
        threads.start_thread(self._decode, "decoder")

    def close(self) -> None:
        """Ends the decoder."""
        self._buffer.close()

    def follow(self, sent: SentPosition) -> None:
        """Applies a report of the session that the passage follows."""
        if self._target is not None:
            self._target.update(sent)

    # --- the decoder's thread

    def _decode(self) -> None:
        buffer = self._buffer

        def check() -> None:
            if buffer.is_closed:
                raise _NobodyListens

        def wait() -> bool:
            sleep(WRITER_POLL_S)
            return not buffer.is_closed

        blocks = pcm_blocks(
            self._recording,
            self.rate,
            round(self.rate * DECODED_BLOCK_S),
            buffer.next_frame,
            on_skip=check,
            wait=wait if self._target else None,  # what has ended is complete
        )
        try:
            with closing(blocks):
                for block in blocks:
                    if not buffer.put(block):
                        return
            buffer.complete()
        except _NobodyListens:
            pass
        except Unreadable as error:
            buffer.complete(error)
        except Exception as error:  # a decoder's own error: it must not end the process unheard
            buffer.complete(Unreadable(f"it cannot be decoded ({type(error).__name__})"))

    # --- the device's thread

    def next_block(self, count: int) -> bytes:
        """The next ``count`` samples, as PCM16: of the passage while it sounds, else silence."""
        block = np.zeros(count, dtype="<i2")
        if self._is_sounding:
            taken = self._read_stretched(count) if self._speed != 1.0 else self._buffer.read(count)
            block[: len(taken)] = self._fade_in(taken)
            if len(taken):
                self._block_end, self._block_at = self._buffer.next_frame, monotonic()
            self._is_starved |= len(taken) < count and not self._buffer.is_complete
        return block.tobytes()

    def _read_stretched(self, count: int) -> PlaybackSamples:
        """Makes ``count`` samples from slightly more or fewer, so that no gap is heard."""
        exact = count * self._speed + self._remainder
        needed = round(exact)
        self._remainder = exact - needed
        samples = self._buffer.read(needed, lookahead=1)
        if len(samples) < needed:  # at the end of the recording, or of what is decoded
            return samples[:count]
        points = np.arange(count) * (needed / count)
        stretched: PlaybackSamples = np.rint(np.interp(points, np.arange(len(samples)), samples))
        return stretched

    def _fade_in(self, samples: PlaybackSamples) -> PlaybackSamples:
        if not len(samples):
            self._faded_samples = 0
        length = round(FADE_S * self.rate)
        if self._faded_samples >= length:
            return samples
        gains = np.arange(self._faded_samples, self._faded_samples + len(samples)) / length
        self._faded_samples += len(samples)
        faded: PlaybackSamples = np.rint(samples * np.minimum(gains, 1.0))
        return faded

    # --- the main thread

    def steer(self, now: float) -> Heard | PlaybackEnded:
        """Starts, holds, corrects or ends the sound; call it at least ten times a second."""
        buffer, target = self._buffer, self._target
        if buffer.is_drained and (not self._is_sounding or now - self._block_at > LATENCY_S):
            failure = buffer.failure
            return PlaybackEnded(self._number, *((failure.reason, failure.hint) if failure else ()))
        if target is not None:
            self._approach(target, now)
        else:
            self._is_sounding |= self._is_ready
        heard_s = self._heard_s(now)
        unheard_s = None if target is None else target.unheard_s(heard_s, now)
        return Heard(self._number, max(0.0, heard_s), now, unheard_s, self._is_sounding)

    def _heard_s(self, now: float) -> float:
        """The position in the recording of what sounds at ``now``."""
        since_block_s = min(now - self._block_at, PERIOD_S) if self._is_sounding else 0.0
        return self._block_end / self.rate - LATENCY_S + since_block_s

    def _approach(self, target: LiveTarget, now: float) -> None:
        """Plays a little faster or slower to meet the target; jumps or waits if it is far away."""
        if self._buffer.is_full:
            self._delay_s = 0.0
        late_s = target.position_s(now) - self._delay_s - self._heard_s(now)
        if self._is_sounding and not self._is_starved and -MAX_LEAD_S < late_s < MAX_LAG_S:
            self._speed = playback_speed(late_s)
            return
        # The device takes this sample next, and it sounds when the device has played the others.
        next_s = target.position_s(now + LATENCY_S - PERIOD_S / 2) - self._delay_s
        self._buffer.skip_to(round(next_s * self.rate))
        is_ahead = self._buffer.next_frame / self.rate > next_s + EXACT_S
        has_waited = now - self._block_at > DELAY_STEP_S and not (is_ahead or self._is_ready)
        if self._is_starved or (self._buffer.has_begun and has_waited):
            self._delay_s = min(self._delay_s + DELAY_STEP_S, MAX_DELAY_S)
            self._block_at = now
        self._is_sounding = not is_ahead and self._is_ready
        self._is_starved = False
        self._speed, self._remainder, self._faded_samples = 1.0, 0.0, 0
        self._block_end = self._buffer.next_frame

    @property
    def _is_ready(self) -> bool:
        """Whether enough is decoded to go on without a gap."""
        return self._buffer.is_complete or len(self._buffer) >= READY_S * self.rate
