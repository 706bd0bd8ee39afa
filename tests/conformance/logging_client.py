"""A client on a blocking socket that logs its session."""

import json
import select
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import websocket

from tests.conformance.session_log import Audio, Closed, LogEntry, Received, Sent
from workers.protocol import messages
from workers.protocol.messages import ClientMessage, ServerMessage, Turn

LONG_ENOUGH = 60.0
"""Seconds after which what should have happened never will. No test waits for it to pass."""


class LoggingClient:
    """Sends and receives, and logs both in order."""

    def __init__(self, url: str, key: str, parameters: Mapping[str, str]) -> None:
        self.parameters = dict(parameters)
        self.log: list[LogEntry] = []
        self.socket = websocket.create_connection(
            f"{url}?{urlencode(self.parameters)}" if self.parameters else url,
            header=[f"Authorization: {key}"] if key else [],
            timeout=LONG_ENOUGH,
        )

    @property
    def closed(self) -> Closed | None:
        """How the server closed; None while it has not."""
        last = self.log[-1] if self.log else None
        return last if isinstance(last, Closed) else None

    @property
    def received_messages(self) -> list[ServerMessage]:
        """Every message so far."""
        return [messages.from_json(e.frame) for e in self.log if isinstance(e, Received)]

    @property
    def final_text(self) -> str:
        """The text of all finals, in lower case without punctuation."""
        turns = [message for message in self.received_messages if isinstance(message, Turn)]
        finals = {turn.turn_order: turn.transcript for turn in turns if turn.end_of_turn}
        said = " ".join(finals.values()).lower()
        return "".join(letter for letter in said if letter.isalnum() or letter in " '")

    def send_control(self, message: ClientMessage) -> None:
        """Sends a control message."""
        self.log.append(Sent(message))
        self.socket.send(messages.encode(message))

    def send_audio(self, chunk: bytes, milliseconds: float, *, silent: bool = False) -> None:
        """Sends a chunk of audio."""
        self.log.append(Audio(milliseconds, silent))
        self.socket.send_binary(chunk)

    def receive_available(self, within: float = 0.0) -> None:
        """Receives all that has arrived; waits ``within`` seconds for the first message."""
        while self.closed is None and select.select([self.socket.fileno()], [], [], within)[0]:
            self._receive()
            within = 0.0

    def receive_until(self, there: Callable[[ServerMessage], bool]) -> None:
        """Receives messages until one meets the condition."""
        while self._receive():
            if there(self.received_messages[-1]):
                return
        raise AssertionError(f"it never came: {self.log}")

    def receive_rest(self) -> "LoggingClient":
        """Receives until the server closes."""
        while self.closed is None:
            self._receive()
        return self

    def _receive(self) -> bool:
        opcode, data = self.socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self.log.append(Closed(int.from_bytes(data[:2], "big"), data[2:].decode()))
            self.socket.shutdown()
            return False
        self.log.append(Received(json.loads(data)))
        return True
