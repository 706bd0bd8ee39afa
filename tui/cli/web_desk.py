"""``paceline web-desk``: the desk as a process of ``paceline web``, which alone calls it.

It reads keys from a pipe and draws into another. Its viewer may be on another machine, so it uses
no path but those that were named.
"""

import json
import os
from typing import Any

import click

from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import log_options, new_run_options, watch_option


@click.command(hidden=True)
@click.argument("paths", nargs=-1, type=click.Path())
@new_run_options
@watch_option
@log_options
def web_desk(paths: tuple[str, ...], watch: bool, **arguments: Any) -> ExitCode:
    """Draw the desk for “paceline web”."""
    os.environ.update(json.loads(_read_line(0)))
    from tui.web.browser_driver import reserve_stdout

    reserve_stdout()
    from tui.cli.desk import load_desk_settings, open_request, run_desk, start_guard
    from tui.files.confinement import confine

    guard = start_guard()  # without a terminal it does nothing
    confine(paths)
    options, request = open_request(paths, watch, arguments)
    load_desk_settings()
    return run_desk(options, request, guard, notify=False)


def _read_line(descriptor: int) -> bytes:
    """Reads up to the end of a line, and nothing behind it: the rest is keys."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(descriptor, 1)):
        line += byte
    return line
