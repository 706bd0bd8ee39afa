"""``paceline web``: the desk in a browser."""

import os
from typing import Any

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import (
    WholeNumberRange,
    count_option,
    log_options,
    new_run_options,
    watch_option,
)


@command(
    ("paceline web calls", "Stream the folder “calls”, and show the desk in a browser."),
    ("paceline web --local --port 9000 calls", "The same on a port of your choice."),
)
@click.argument("paths", nargs=-1, type=click.Path())
@count_option(
    "--port",
    "Listen on this port.",
    type=WholeNumberRange(1, 65535),
    default=8700,
    show_default=True,
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Listen on this address. Other machines can reach any but a loopback address, so it needs "
    "--token.",
)
@click.option(
    "--token",
    "shares_token",
    is_flag=True,
    help="With --host: let in every machine that has the token, which is printed and changes each "
    "time. The connection is not encrypted.",
)
@new_run_options
@watch_option
@log_options
def web(
    paths: tuple[str, ...],
    port: int,
    host: str,
    shares_token: bool,
    **_: Any,
) -> ExitCode:
    """Show the desk in a browser, to one viewer at a time."""
    import asyncio
    import secrets
    from functools import partial

    from tui.cli.api_key import pop_env_key
    from workers.errors import MissingExtra, UsageProblem
    from workers.protocol.endpoint import is_loopback
    from workers.secrecy import KEY_VARIABLE, public_environment

    try:
        from tui.web.server import DeskProcess, ListenAddress, serve_desk
    except ImportError as error:
        raise MissingExtra("web", "a desk in a browser") from error
    if not is_loopback(host) and not shares_token:
        hint = "Add --token to let in every machine that has the token, or leave --host away."
        raise UsageProblem(f"other machines could reach {host}", hint)
    if missing := next((path for path in paths if not os.path.lexists(path)), None):
        raise UsageProblem(f"there is no file or folder “{missing}”", "Check its name.")
    ctx = click.get_current_context()
    public = public_environment(os.environ)
    hidden = {name: value for name, value in os.environ.items() if public.get(name) != value}
    if key := pop_env_key():
        hidden[KEY_VARIABLE] = key
    token = secrets.token_urlsafe(24)

    async def run() -> int:
        desk = DeskProcess(_desk_arguments(ctx, paths), hidden)
        on_ready = partial(_print_address, host, token)
        return await serve_desk(ListenAddress(host, port), desk, token, on_ready)

    code = asyncio.run(run())
    return next((each for each in ExitCode if each == code), ExitCode.INTERNAL_ERROR)


def _desk_arguments(ctx: click.Context, paths: tuple[str, ...]) -> list[str]:
    """The options that were given, as the desk's own command line, then the paths."""
    from click.core import ParameterSource

    words = []
    for option in ctx.command.params:
        name = option.name or ""
        given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not isinstance(option, click.Option) or name in ("port", "host", "shares_token"):
            continue
        if not given:
            continue
        value = ctx.params[name]
        if option.is_flag:
            # One name is the option, whichever value it stands for.
            words.append(option.opts[0])
        elif option.multiple:
            words += [f"{option.opts[0]}={each}" for each in value]
        else:
            words.append(
                f"{option.opts[0]}={'auto' if name == 'start_rate' and not value else value}"
            )
    return [*words, "--", *paths]


def _print_address(host: str, token: str, port: int) -> None:
    from tui.cli.console import print_line
    from workers.protocol.endpoint import is_loopback

    shown = f"[{host}]" if ":" in host else host
    print_line(f"Open http://{shown}:{port}/#token={token}")
    print_line("One viewer at a time sees the desk. The run goes on while nobody does.")
    print_line("Ctrl-C ends it; sessions end politely.")
    if not is_loopback(host):
        print_line("The connection is not encrypted: use a network that you trust, or a tunnel.")
