"""The sound device, through miniaudio. Loaded only in the player's process."""

from collections.abc import Callable, Generator

from workers.errors import PacelineError

PERIOD_S = 0.04
"""Length of the blocks that the device asks for."""

PERIODS = 4
"""Blocks that the device holds. The process has a low priority, so that it may get no processor for
a while; the sound must go on."""

LATENCY_S = PERIOD_S * PERIODS
"""Seconds from the moment at which the device takes a block until the block has sounded. A sound
server may add to it."""


class NoSound(PacelineError):
    """There is no sound device, or no package to reach it."""


class SoundDevice:
    """An open device that plays mono PCM16 at ``rate`` Hz.

    ``next_block``: returns a number of samples as bytes; called in a thread of the device.
    ``backend``: one of `backends.BACKENDS`, or an empty text for the first that works. Raises
    `NoSound`.
    """

    def __init__(self, rate: int, backend: str, next_block: Callable[[int], bytes]) -> None:
        try:
            import miniaudio
        except ImportError as error:
            hint = "Install it with: pip install 'paceline[listen]'"
            raise NoSound("listening needs the package miniaudio", hint) from error
        chosen = [miniaudio.Backend[backend.upper()]] if backend else None
        try:
            device = miniaudio.PlaybackDevice(
                output_format=miniaudio.SampleFormat.SIGNED16,
                nchannels=1,
                sample_rate=rate,
                buffersize_msec=round(PERIOD_S * 1000),
                callback_periods=PERIODS,
                backends=chosen,
                # It must not be above the sessions; the default is the highest.
                thread_prio=miniaudio.ThreadPriority.NORMAL,
                app_name="Paceline",
            )
            if device.backend == "Null" and backend != "null":  # miniaudio's last resort
                device.close()
                raise miniaudio.MiniaudioError("every backend failed")
            blocks = _blocks(next_block)
            next(blocks)
            device.start(blocks)
        except miniaudio.MiniaudioError as error:
            where = f" through {backend}" if backend else ""
            hint = "Connect one, or set listen.backend."
            raise NoSound(f"no sound device was found{where}", hint) from error
        self._device, self.rate = device, rate

    def close(self) -> None:
        """Stops the sound."""
        self._device.close()


def _blocks(next_block: Callable[[int], bytes]) -> Generator[bytes, int, None]:
    """Miniaudio's interface: a generator that receives a number of samples and yields them."""
    count = yield b""
    while True:
        count = yield next_block(count)
