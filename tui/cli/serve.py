"""``paceline serve``: the embedded engine as a server for any client.

The first line on stdout is the address. Then come the key, the capacity and a command to try it;
later one line for each client that has left.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.console import print_line
from tui.cli.exit_codes import ExitCode
from tui.cli.log_options import enable_log, log_options

if TYPE_CHECKING:  # loaded when the command runs, and partly packages of an extra
    from workers.localserver.admission import ServerPolicy
    from workers.localserver.scripts.script import Script
    from workers.localserver.server import BackendContext, SessionRecord

SCRIPT_PACKAGES = [("websockets",)]
"""A script needs no recogniser."""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Listen on this port of this machine. Default: a free one.",
)
@click.option("--open", "is_open", is_flag=True, help="Accept any key.")
@click.option(
    "--script",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Perform this script instead of recognising speech: words, delays and faults.",
)
@click.option(
    "--sessions",
    type=click.IntRange(min=1),
    metavar="N",
    help="Accept this many sessions at once. Default: as many as this machine can serve.",
)
@click.option(
    "--start-rate",
    type=click.IntRange(min=1),
    metavar="N",
    help="Accept this many new sessions a minute. Default: any number.",
)
@click.option(
    "--busy-code",
    type=click.Choice(["1008", "3009"]),
    default="1008",
    show_default=True,
    help="Refuse a session over the limit with this code; the service has used both.",
)
@log_options
def serve(
    port: int,
    is_open: bool,
    file: Path | None,
    sessions: int | None,
    start_rate: int | None,
    busy_code: str,
    log_level: str | None,
    log_file: Path | None,
) -> ExitCode:
    """Serve the protocol on this machine, for any client.

    The first line on stdout is the address. Ctrl-C ends the server; a second one forces it.
    """
    import asyncio
    import errno
    import secrets

    from tui.cli.api_key import pop_env_key
    from workers import log
    from workers.errors import PacelineError
    from workers.localserver.admission import ServerPolicy
    from workers.localserver.child import REQUIRED_PACKAGES, require_packages
    from workers.localserver.refusal import CloseCode
    from workers.localserver.scripts import script_file
    from workers.protocol.endpoint import Secret

    script = None if file is None else script_file.load_script(file)
    require_packages(REQUIRED_PACKAGES if script is None else SCRIPT_PACKAGES)
    pop_env_key()  # no child process needs it here
    enable_log(log_level, log_file, default=None)
    policy = ServerPolicy(
        api_key=None if is_open else secrets.token_urlsafe(),
        max_sessions=sessions,
        max_starts_per_minute=start_rate,
        busy_code=CloseCode(int(busy_code)),
    )
    if policy.api_key is not None:
        log.add_redaction(Secret(policy.api_key).redact)
    try:
        asyncio.run(_run_server(port, policy, script))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise PacelineError(
            f"port {port} of this machine is not available ({os.strerror(error.errno)})",
            "Choose another, or leave --port out for a free one.",
        ) from error
    return ExitCode.DONE


async def _run_server(port: int, policy: "ServerPolicy", script: "Script | None") -> None:
    import asyncio
    import signal

    stop = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def request_stop() -> None:
        stop.set()
        for number in signals:
            signal.signal(number, signal.SIG_DFL)  # the next one ends the program at once

    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, request_stop)
    # After the handlers, because it takes its time: Ctrl-C meanwhile is an ordinary end too.
    from workers.localserver.server import run_server

    announcer = Announcer(policy)
    await run_server(
        port, policy, _make_backend(script), announcer.announce, stop, announcer.report_session
    )


def _make_backend(script: "Script | None") -> "BackendContext":
    """Where transcripts come from; imports only what that needs."""
    if script is None:
        from workers.localserver.recognisers import RecogniserPool

        return RecogniserPool()
    from contextlib import nullcontext

    from workers.localserver.scripts.scripted_backend import ScriptedBackend

    return nullcontext(ScriptedBackend(script))


class Announcer:
    """Prints the server's address, and each client that has left."""

    def __init__(self, policy: "ServerPolicy") -> None:
        self._key = policy.api_key
        self._lines: list[str] = []

    def announce(self, line: str) -> None:
        """Takes the server's two lines, address and capacity, and prints what a user needs."""
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

    def report_session(self, session: "SessionRecord") -> None:
        """Prints a line about a client that has left or was refused."""
        self._print_line(session_line(session))

    def _print_line(self, line: str) -> None:
        try:
            print_line(line)
        except OSError:  # the reader of stdout is gone, clients are not
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (for the rest of the process)


def session_line(session: "SessionRecord") -> str:
    """One line about a session: its id, what was streamed, how it ended."""
    from tui.text.formats import format_count

    parts = [session.session_id]
    if session.model:
        parts += [
            session.model,
            f"{session.audio_seconds:.1f} s of audio in {session.session_seconds:.1f} s",
            format_count(session.turn_count, "turn"),
        ]
    return " · ".join([*parts, f"{session.outcome} ({session.close_code})"])
