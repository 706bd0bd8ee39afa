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
from tui.cli.log_options import enable_log
from tui.text.formats import format_count
from tui.text.width import clean
from workers import log
from workers.errors import PacelineError
from workers.localserver.child import REQUIRED_PACKAGES, PackageGroups, require_packages
from workers.localserver.refusal import CloseCode
from workers.localserver.scripts import script_file
from workers.localserver.scripts.script import Script
from workers.localserver.server_policy import ServerPolicy, SessionRecord
from workers.protocol.endpoint import Secret

if TYPE_CHECKING:  # its packages are those of an extra
    from workers.localserver.server import BackendContext

Echo = Callable[[str], object]

SCRIPT_PACKAGES: PackageGroups = [("websockets",)]


def serve_endpoint(
    *,
    port: int,
    is_open: bool,
    file: Path | None,
    sessions: int | None,
    start_rate: int | None,
    busy_code: str,
    log_level: str | None,
    log_file: Path | None,
    echo: Echo,
) -> None:
    """Serves until Ctrl-C or SIGTERM; a second one forces.

    ``port`` 0 takes a free one; ``file`` is a script to perform. Raises `PacelineError` when it
    cannot begin.
    """
    script = None if file is None else script_file.load_script(file)
    require_packages(REQUIRED_PACKAGES if script is None else SCRIPT_PACKAGES)
    os.environ.pop(KEY_VARIABLE, None)  # no process needs it here
    enable_log(log_level, log_file, default=None)
    house = ServerPolicy(
        api_key=None if is_open else secrets.token_urlsafe(),
        max_sessions=sessions,
        max_starts_per_minute=start_rate,
        busy_code=CloseCode(int(busy_code)),
    )
    if house.api_key is not None:
        log.add_redaction(Secret(house.api_key).redact)
    try:
        asyncio.run(_run_server(port, house, script, Announcer(house, echo)))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise PacelineError(
            f"port {port} of this machine cannot be had ({os.strerror(error.errno)})",
            "Choose another, or leave --port out for a free one.",
        ) from error


async def _run_server(
    port: int, policy: ServerPolicy, script: Script | None, announcer: "Announcer"
) -> None:
    stop = asyncio.Event()

    def ask() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # the next one ends us at once

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ask)
    # Only now what takes its time: a Ctrl-C meanwhile is an ordinary end too.
    from workers.localserver.server import run_server

    await run_server(
        port, policy, _make_backend(script), announcer.announce, stop, announcer.report_session
    )


def _make_backend(script: Script | None) -> "BackendContext":
    """Where words come from; imports only what that takes."""
    if script is None:
        from workers.localserver.recognisers import RecogniserPool

        return RecogniserPool()
    from workers.localserver.scripts.scripted_backend import ScriptedBackend

    return nullcontext(ScriptedBackend(script))


class Announcer:
    """Tells where to come, and who has gone."""

    def __init__(self, policy: ServerPolicy, echo: Echo) -> None:
        self._key = policy.api_key
        self._echo = echo
        self._lines: list[str] = []

    def announce(self, line: str) -> None:
        """The server's two lines."""
        self._lines.append(line)
        if len(self._lines) < 2:
            return
        address = self._lines[0]
        capacity = int(self._lines[1].removeprefix("capacity "))
        key = f"ASSEMBLYAI_API_KEY={self._key} " if self._key else ""
        self._print_line(address)
        self._print_line(f"key: {self._key or 'any'}")
        self._print_line(
            f"capacity: {capacity} {'session' if capacity == 1 else 'sessions'} at once"
        )
        self._print_line(f"try: {key}paceline run FILE --endpoint {address} --sessions {capacity}")
        self._print_line("Ctrl-C ends it.")

    def report_session(self, session: SessionRecord) -> None:
        """A client has left, or was sent away."""
        self._print_line(clean(session_line(session)))

    def _print_line(self, line: str) -> None:
        try:
            self._echo(line)
        except OSError:  # whoever read stdout has gone; clients have not
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (for the rest of the process)


def session_line(session: SessionRecord) -> str:
    """A visit in a line: the session, what was heard, how it ended."""
    told = [session.session_id]
    if session.model:
        told += [
            session.model,
            f"{session.audio_seconds:.1f} s of audio in {session.session_seconds:.1f} s",
            format_count(session.turn_count, "turn"),
        ]
    return " · ".join([*told, f"{session.outcome} ({session.close_code})"])
