"""``--log-level`` and ``--log-file``, for the commands that run something."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from workers.errors import UsageProblem

LEVELS = ("debug", "info", "warning", "error")
"""`workers.log.LEVELS`, which is not loaded for ``--help``."""


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds both options to a command."""
    level = click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        help="Log what happens, with this and more serious levels. Default: nothing; info with "
        "--log-file.",
    )
    file = click.option(
        "--log-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Append the log to this file. Default: paceline.log in the run folder; “serve” logs "
        "to stderr.",
    )
    return level(file(command))


def enable_log(level: str | None, file: Path | None, default: Path | None) -> None:
    """Turns logging on if either option was given; ``default`` None is the standard error.

    Raises `UsageProblem` when the file cannot be written.
    """
    if level is None and file is None:
        return
    from workers import log

    path = file or default
    try:
        log.enable(log.LogConfig(level or "info", str(path.absolute()) if path else None))
    except OSError as error:
        raise UsageProblem(
            f"the log file {path} cannot be written ({error.strerror})", "Name another --log-file."
        ) from error
