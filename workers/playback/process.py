"""The player's process: receives commands, plays, and reports until the pipe is closed."""

import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic

from workers import threads
from workers.audio.limits import limit_memory
from workers.errors import PacelineError
from workers.playback.messages import Command, Play, PlaybackEnded
from workers.playback.passage_player import PassagePlayer
from workers.playback.sound_device import SoundDevice

PLAYER_NICENESS = 10
"""Added to the priority number: whatever sessions need, they get first."""

STEER_INTERVAL_S = 0.05
MAX_SILENT_DEVICE_S = 3.0
"""A device that takes nothing for so long is gone."""


def play_until_closed(pipe: Connection, backend: str) -> None:
    """The main function of the process. ``backend``: see `SoundDevice`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # multiprocessing uses it at exit
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # see `growing_bytes.has_writer`
    threads.exit_on_fault()
    limit_memory()
    quiet = os.open(os.devnull, os.O_WRONLY)  # sound libraries print what does not work
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    with suppress(OSError):
        os.nice(PLAYER_NICENESS)
    with suppress(OSError):  # for ``top`` and ``ps -e``; not every system has /proc
        Path("/proc/self/comm").write_text("paceline player")
    player = _PlayerProcess(pipe, backend)
    with suppress(EOFError, OSError):  # the program has closed the pipe, or is gone
        while True:
            player.step()


class _PlayerProcess:
    """Plays one passage after the other. The sound device stays open as long as the rate does."""

    def __init__(self, pipe: Connection, backend: str) -> None:
        self._pipe, self._backend = pipe, backend
        self._passage: PassagePlayer | None = None
        self._device: SoundDevice | None = None
        self._taken_at = 0.0
        """When the device last took a block, on the monotonic clock."""

    def step(self) -> None:
        """Handles a command, or reports; raises `EOFError` if the pipe is closed."""
        if self._pipe.poll(STEER_INTERVAL_S):
            command: Command = self._pipe.recv()
            if isinstance(command, Play):
                self._play(command)
            elif self._passage is not None:
                self._passage.follow(command)
        elif self._passage is not None:
            now = monotonic()
            report = self._passage.steer(now)
            if now - self._taken_at > MAX_SILENT_DEVICE_S:
                report = PlaybackEnded(
                    report.number, "the sound device stopped", "Is it still connected?"
                )
            self._pipe.send(report)
            if isinstance(report, PlaybackEnded):
                self._end_passage()

    def _play(self, play: Play) -> None:
        self._end_passage()
        try:
            passage = self._passage = PassagePlayer(play)
            if self._device is None or self._device.rate != passage.rate:
                if self._device is not None:
                    self._device.close()
                    self._device = None
                self._device = SoundDevice(passage.rate, self._backend, self._next_block)
        except PacelineError as error:
            self._end_passage()
            self._pipe.send(PlaybackEnded(play.number, error.reason, error.hint))
        self._taken_at = monotonic()

    def _end_passage(self) -> None:
        if self._passage is not None:
            self._passage.close()
            self._passage = None

    def _next_block(self, count: int) -> bytes:
        """Called in the device's thread."""
        self._taken_at, passage = monotonic(), self._passage
        return bytes(2 * count) if passage is None else passage.next_block(count)
