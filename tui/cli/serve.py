"""``paceline serve``: the embedded engine as a server for any client.

The first line on stdout is the address. The key, the capacity and a command to try it follow, then
a line for each session when it ends.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.command_help import command
from tui.cli.console import print_line
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import (
    NumberRange,
    WholeNumberRange,
    count_option,
    enable_log,
    log_options,
    path_option,
)
from workers.ranges import SESSIONS, SPEED, SPEED_LIMIT, STARTS_PER_MINUTE

if TYPE_CHECKING:  # loaded when the command runs; some need packages of an extra
    from workers.localserver.admission import ServerPolicy
    from workers.localserver.scripts.script import Script
    from workers.localserver.server import BackendContext, SessionRecord


@command(
    ("paceline serve --port 8765 --open", "Serve any client that runs on this machine."),
)
@count_option(
    "--port",
    "Listen on this port of this machine. Default: any free port.",
    type=WholeNumberRange(0, 65535),
    default=0,
)
@click.option("--open", "is_open", is_flag=True, help="Accept any key.")
@path_option(
    "--script",
    "file",
    help="Play this script of words, delays and faults instead of recognising speech.",
)
@path_option(
    "--times",
    "times_file",
    help="With --script: append to this file when each session received its audio and sent its "
    "turns, as a line of JSON.",
)
@count_option(
    "--sessions",
    help="Accept this many sessions at once. Default: as many as this machine can serve.",
    allowed=SESSIONS,
)
@count_option(
    "--start-rate",
    help="Accept this many new sessions a minute. Default: any number.",
    allowed=STARTS_PER_MINUTE,
)
@click.option(
    "--speed-limit",
    type=NumberRange(SPEED_LIMIT),
    default=1.25,  # `workers.localserver.admission.SERVICE_SPEED_LIMIT`
    show_default=True,
    metavar="FACTOR",
    help="Accept audio at up to this many times the speed of speech. Above the default, which is "
    "the cloud service's limit, fewer sessions are served at once.",
)
@click.option(
    "--busy-code",
    type=click.Choice(["1008", "3009"]),
    default="1008",
    show_default=True,
    help="Close code for sessions over the limit; the cloud service has used both.",
)
@click.option(
    "--warn",
    "send_warnings",
    is_flag=True,
    help="Send clients a Warning for each parameter that is not applied. Without it, only Begin "
    "and the log say so, because some clients treat a Warning as an error.",
)
@log_options
def serve(
    port: int,
    is_open: bool,
    file: Path | None,
    times_file: Path | None,
    sessions: int | None,
    start_rate: int | None,
    speed_limit: float,
    busy_code: str,
    send_warnings: bool,
    log_level: str | None,
    log_file: Path | None,
) -> ExitCode:
    """Serve the protocol on this machine, for any client.

    The first line on stdout is the address. Press Ctrl-C to end the server, twice to force it.
    """
    import asyncio
    import errno
    import secrets

    from tui.cli.api_key import pop_env_key
    from tui.terminal.stdio import lost_output
    from workers import files
    from workers.errors import PacelineError, UsageProblem
    from workers.localserver.child import REQUIRED_PACKAGES, require_packages
    from workers.localserver.refusal import CloseCode
    from workers.localserver.scripts.script_file import load_script

    script = None if file is None else load_script(file)
    if times_file is not None:
        if script is None:
            raise UsageProblem("--times needs --script", "Name a script, or omit --times.")
        try:
            os.close(files.open_output(times_file, files.PRIVATE_FILE_MODE))
        except OSError as error:
            reason = f"{times_file} cannot be written ({error.strerror})"
            raise UsageProblem(reason, "Name another file.") from error
    require_packages(REQUIRED_PACKAGES if script is None else [("websockets",)])
    from workers.localserver.admission import ServerPolicy  # loads websockets

    pop_env_key()  # no child process needs it here
    enable_log(log_level, log_file, default=None)
    api_key = None if is_open else secrets.token_urlsafe()
    code = CloseCode(int(busy_code))
    policy = ServerPolicy(
        api_key,
        sessions,
        start_rate,
        code,
        speed_limit=speed_limit,
        send_warnings=send_warnings,
    )
    try:
        asyncio.run(_run_server(port, policy, script, times_file))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        reason = f"port {port} of this machine is not available ({os.strerror(error.errno)})"
        hint = "Choose another port, or omit --port to use any free port."
        raise PacelineError(reason, hint) from error
    if (output := lost_output()) is not None and output.has_lost_reader:
        output.failure = None  # nobody read the lines, but clients were served
    return ExitCode.DONE


async def _run_server(
    port: int, policy: "ServerPolicy", script: "Script | None", times_file: Path | None
) -> None:
    import asyncio
    import signal
    from contextlib import nullcontext

    stop = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def request_stop() -> None:
        stop.set()
        for number in signals:
            signal.signal(number, signal.SIG_DFL)  # the next one ends the program at once

    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, request_stop)
    # Slow to load, so after the handlers: Ctrl-C during the import ends the server normally too.
    from workers import secrecy
    from workers.localserver.admission import SERVICE_SPEED_LIMIT
    from workers.localserver.server import run_server
    from workers.secrecy import Secret

    backend: BackendContext
    if script is None:
        from workers.localserver.recognisers import RecogniserPool

        backend = RecogniserPool(policy.speed_limit / SERVICE_SPEED_LIMIT)
    else:
        from workers.localserver.scripts.scripted_backend import ScriptedBackend

        backend = nullcontext(ScriptedBackend(script, times_file))
    server_lines: list[str] = []

    def announce(line: str) -> None:
        """Collects the server's two lines, address and capacity, and prints what a user needs."""
        server_lines.append(line)
        if len(server_lines) == 2:
            address, capacity = server_lines[0], int(line.removeprefix("capacity "))
            key = f"ASSEMBLYAI_API_KEY={policy.api_key} " if policy.api_key else ""
            print_line(address)
            print_line(f"key: {policy.api_key or 'any'}")
            print_line(f"capacity: {capacity} session{'s' if capacity != 1 else ''} at once")
            speed = policy.speed_limit / SERVICE_SPEED_LIMIT
            options = f"--endpoint {address} --sessions {capacity}"
            options += f" --speed {min(speed, SPEED.high):g}" if speed > 1 else ""
            print_line(f"try: {key}paceline run FILE {options}")
            print_line("Ctrl-C ends it.")
            secrecy.protect(Secret(policy.api_key) if policy.api_key else None)

    def report_session(session: "SessionRecord") -> None:
        print_line(session_line(session))

    await run_server(port, policy, backend, announce, stop, report_session)


def session_line(session: "SessionRecord") -> str:
    """A line about a session: its id, what was streamed, what had no effect, and how it ended."""
    from tui.text.formats import format_count

    parts = [session.session_id]
    if session.model:
        audio = f"{session.audio_seconds:.1f} s of audio in {session.session_seconds:.1f} s"
        parts += [session.model, audio, format_count(session.turn_count, "turn")]
    if session.unapplied:
        parts.append(f"not applied: {', '.join(session.unapplied)}")
    return " · ".join([*parts, f"{session.outcome} ({session.close_code})"])
