"""Controls the player's process. The desk calls it, and never waits for it."""

import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue

from workers import processes, threads
from workers.jobs.sent_position import SentPosition
from workers.playback.messages import Command, Passage, Play, PlaybackEnded, Report

POLL_S = 0.1
MAX_SILENT_POLLS = 150
"""A process that reports nothing for so many polls is killed. A changed recording is hashed before
it is played, which takes seconds."""

_END_TIMEOUT_S = 1.0


class Player:
    """Plays passages in a process that lives from the first `play` until `stop`.

    ``backend``: one of `backends.BACKENDS`, or an empty text for the first that works. A thread
    of the player starts, watches and ends the process.
    """

    def __init__(self, backend: str = "") -> None:
        self._backend = backend
        self._context = processes.mp_context()
        self._commands: SimpleQueue[Command | None] = SimpleQueue()
        """None: stop."""
        self._reports: SimpleQueue[Report] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._number = 0

    def play(self, passage: Passage) -> None:
        """Plays a passage instead of the last one."""
        self._number += 1
        self._commands.put(Play(self._number, passage))
        if self._thread is None:
            self._thread = threads.start_thread(self._run, "player")

    def follow(self, sent: SentPosition) -> None:
        """Tells what the session of the passage has sent."""
        self._commands.put(sent)

    def stop(self) -> None:
        """Ends the sound and its process."""
        self._number += 1
        self._commands.put(None)

    def take_reports(self) -> list[Report]:
        """Returns what the process has reported on the current passage since the last call."""
        reports = []
        while not self._reports.empty():
            if (report := self._reports.get()).number == self._number:
                reports.append(report)
        return reports

    # --- the player's thread

    def _run(self) -> None:
        while True:
            command = self._commands.get()
            if isinstance(command, Play):
                self._play_until_stopped(command)

    def _play_until_stopped(self, play: Play) -> None:
        """Runs one process."""
        try:
            process, pipe = self._start_process()
        except (OSError, EOFError) as error:
            reason = f"the process that plays could not be started ({type(error).__name__})"
            self._reports.put(PlaybackEnded(play.number, reason, "Try again."))
            return
        number = play.number
        try:
            with pipe:
                pipe.send(play)
                silent_polls = 0
                while silent_polls < MAX_SILENT_POLLS:
                    if pipe.poll(POLL_S):
                        silent_polls = 0
                        self._reports.put(pipe.recv())
                    else:
                        silent_polls += 1
                    for command in self._new_commands():
                        if command is None:
                            return
                        if isinstance(command, Play):
                            number = command.number
                        pipe.send(command)
            reason = "the process that plays did not respond and was killed"
        except (OSError, EOFError):
            reason = "the process that plays was killed, or it crashed"
        finally:
            _end_process(process)
        self._reports.put(PlaybackEnded(number, reason, "Try again."))

    def _new_commands(self) -> list[Command | None]:
        """The commands that still matter. A passage replaces all commands before it, so the process
        goes on if the user has only moved from one session to another."""
        commands: list[Command | None] = []
        with suppress(Empty):
            while True:
                command = self._commands.get_nowait()
                if not isinstance(command, SentPosition):
                    commands.clear()
                commands.append(command)
        return commands

    def _start_process(self) -> tuple[BaseProcess, Connection]:
        own_end, child_end = self._context.Pipe()
        with child_end:
            try:
                process = processes.start_process(
                    self._context, _child_main, child_end, self._backend, name="paceline-player"
                )
            except BaseException:
                own_end.close()
                raise
        return process, own_end


def _end_process(process: BaseProcess) -> None:
    process.join(_END_TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join(_END_TIMEOUT_S)


def _child_main(pipe: Connection, backend: str) -> None:
    """Runs in the child; the program itself never loads decoders."""
    from workers.playback.process import play_until_closed

    play_until_closed(pipe, backend)
