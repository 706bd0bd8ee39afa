"""``paceline serve``: the embedded endpoint alone, for other people's clients.

The first line on stdout is the address. Then come the key, how many sessions there may be and a
line to try it with; later a line for each client that has gone.
"""

import asyncio
import errno
import os
import secrets
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli.api_key import KEY_VARIABLE
from tui.text.formats import counted
from tui.text.width import clean
from workers.errors import PacelineError
from workers.localserver.child import NEEDED, Packages, need
from workers.localserver.refusal import CloseCode
from workers.localserver.scripts import script_file
from workers.localserver.scripts.script import Script
from workers.localserver.server_policy import House, Visit

if TYPE_CHECKING:  # its packages are those of an extra
    from workers.localserver.server import Streams

Say = Callable[[str], object]

NEEDED_BY_SCRIPTS: Packages = [("websockets",)]


def served(
    *,
    port: int,
    is_open: bool,
    file: Path | None,
    sessions: int | None,
    start_rate: int | None,
    busy_code: str,
    say: Say,
) -> None:
    """Serves until Ctrl-C or SIGTERM; a second one forces.

    ``port`` 0 takes a free one; ``file`` is a script to perform. Raises `PacelineError` when it
    cannot begin.
    """
    script = None if file is None else script_file.read(file)
    need(NEEDED if script is None else NEEDED_BY_SCRIPTS)
    os.environ.pop(KEY_VARIABLE, None)  # no process needs it here
    house = House(
        token=None if is_open else secrets.token_urlsafe(),
        sessions=sessions,
        start_rate=start_rate,
        busy_code=CloseCode(int(busy_code)),
    )
    try:
        asyncio.run(_serve(port, house, script, Porter(house, say)))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise PacelineError(
            f"port {port} of this machine cannot be had ({os.strerror(error.errno)})",
            "Choose another, or leave --port out for a free one.",
        ) from error


async def _serve(port: int, house: House, script: Script | None, porter: "Porter") -> None:
    stop = asyncio.Event()

    def ask() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # the next one ends us at once

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ask)
    # Only now what takes its time: a Ctrl-C meanwhile is an ordinary end too.
    from workers.localserver.server import run

    await run(port, house, _streams(script), porter.announce, stop, porter.gone)


def _streams(script: Script | None) -> "Streams":
    """Where words come from; imports only what that takes."""
    if script is None:
        from workers.localserver.recognisers import Pool

        return Pool()
    from workers.localserver.scripts.scripted import Scripted

    return nullcontext(Scripted(script))


class Porter:
    """Tells where to come, and who has gone."""

    def __init__(self, house: House, say: Say) -> None:
        self._key = house.token
        self._say = say
        self._lines: list[str] = []

    def announce(self, line: str) -> None:
        """The server's two lines."""
        self._lines.append(line)
        if len(self._lines) < 2:
            return
        address = self._lines[0]
        capacity = int(self._lines[1].removeprefix("capacity "))
        key = f"ASSEMBLYAI_API_KEY={self._key} " if self._key else ""
        self._tell(address)
        self._tell(f"key: {self._key or 'any'}")
        self._tell(f"capacity: {capacity} {'session' if capacity == 1 else 'sessions'} at once")
        self._tell(f"try: {key}paceline run FILE --endpoint {address} --sessions {capacity}")
        self._tell("Ctrl-C ends it.")

    def gone(self, visit: Visit) -> None:
        """A client has left, or was sent away."""
        self._tell(clean(line(visit)))

    def _tell(self, line: str) -> None:
        try:
            self._say(line)
        except OSError:  # whoever read stdout has gone; clients have not
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (for the rest of the process)


def line(visit: Visit) -> str:
    """A visit in a line: the session, what was heard, how it ended."""
    told = [visit.session]
    if visit.model:
        told += [
            visit.model,
            f"{visit.audio_seconds:.1f} s of audio in {visit.session_seconds:.1f} s",
            counted(visit.turns, "turn"),
        ]
    return " · ".join([*told, f"{visit.words} ({visit.code})"])
