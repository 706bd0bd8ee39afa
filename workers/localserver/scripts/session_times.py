"""When a scripted session received its audio and sent its turns, by the clock of the machine.

A program on the same machine can compare these times with its own: the clock is
``time.monotonic()``, in seconds.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workers import files
from workers.protocol import codec
from workers.protocol.messages import Begin, ServerMessage, Turn


@dataclass(frozen=True, slots=True)
class SentTurn:
    """A partial or final turn that was sent."""

    turn_order: int
    end_of_turn: bool
    words: tuple[str, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """What happened when in one session."""

    session_id: str
    chunk_ends_s: tuple[float, ...]
    """Seconds of audio up to the end of each chunk."""
    chunks_at_s: tuple[float, ...]
    """When each chunk was received."""
    messages_at_s: Mapping[str, float]
    """When the last ForceEndpoint and Terminate were received, by type."""
    turns: tuple[SentTurn, ...]


class SessionClock:
    """Notes what happens when in a session."""

    def __init__(self) -> None:
        self._session_id = ""
        self._chunks: list[tuple[float, float]] = []
        self._messages_at_s: dict[str, float] = {}
        self._turns: list[SentTurn] = []

    @property
    def times(self) -> SessionTimes:
        ends_s, at_s = zip(*self._chunks, strict=True) if self._chunks else ((), ())
        return SessionTimes(self._session_id, ends_s, at_s, self._messages_at_s, tuple(self._turns))

    def add_chunk(self, end_s: float, at_s: float) -> None:
        """Adds a chunk that was received, with the seconds of audio up to its end."""
        self._chunks.append((end_s, at_s))

    def add_request(self, kind: str, at_s: float) -> None:
        """Adds a ForceEndpoint or Terminate that was received."""
        self._messages_at_s[kind] = at_s

    def add_message(self, message: ServerMessage, at_s: float) -> None:
        """Adds a message that is about to be sent."""
        match message:
            case Begin():
                self._session_id = message.id
            case Turn():
                words = tuple(word.text for word in message.words)
                turn = SentTurn(message.turn_order, message.end_of_turn, words, at_s)
                self._turns.append(turn)


def append_times(path: Path, times: SessionTimes) -> None:
    """Appends a session to a file as one line of JSON. Raises `OSError`."""
    line = json.dumps(codec.dump(times)) + "\n"
    file = files.open_output(path, files.PRIVATE_FILE_MODE)
    try:
        files.write_all(file, line.encode())  # one write: lines of several sessions never mix
    finally:
        os.close(file)


def read_times(path: Path) -> dict[str, SessionTimes]:
    """The sessions of a file by session id. Raises `OSError` or `Malformed`."""
    records = [codec.parse_object(line, path.name) for line in path.read_text().splitlines()]
    sessions = [codec.load(SessionTimes, record, path.name) for record in records]
    return {times.session_id: times for times in sessions}
