"""Options that several commands have in common."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click


class StartRateParam(click.ParamType[int]):
    """A number of sessions a minute; ``auto`` is 0."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Fails for anything else."""
        if value == "auto":
            return 0
        number: int = click.IntRange(min=1).convert(value, param, ctx)
        return number


class RunFolderParam(click.ParamType[Path]):
    """The folder of a run: a path, or the name by which “paceline runs” lists it."""

    name = "run"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The folder need not be there: who reads it says so."""
        from workers.runs.run_folder import runs_path

        path = Path(value)
        kept = runs_path() / path.name
        return kept if not path.exists() and str(value) == path.name and kept.exists() else path

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """Where a name is to be found."""
        return "“paceline runs” lists them."


_ENDPOINT_OPTIONS = (
    click.option(
        "--endpoint", "url", metavar="URL", help="Stream to this v3 endpoint (ws:// or wss://)."
    ),
    click.option(
        "--local", is_flag=True, help="Stream to the embedded engine, even if a key is set."
    ),
    click.option(
        "--region",
        type=click.Choice(["us", "eu"]),
        help="Keep the data in this region of the service.",
    ),
)
"""Where to."""

_AUTH_OPTIONS = (
    click.option(
        "--ca-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Trust the certificate authorities in this PEM file instead of the system's.",
    ),
    click.option(
        "--api-key-file",
        "key_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read the API key from this file instead of ASSEMBLYAI_API_KEY.",
    ),
    click.option("--keyring", is_flag=True, help="Read the API key from the system's keyring."),
    click.option(
        "--unencrypted",
        is_flag=True,
        help="Allow ws:// to another machine: audio, words and key travel in the open.",
    ),
)
"""As whom, and how safely."""

_STREAM_OPTIONS = (
    click.option(
        "--speech-model",
        default="u3-rt-pro",
        show_default=True,
        metavar="NAME",
        help="The model to ask for.",
    ),
    click.option(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other connection parameter; may be given several times.",
    ),
    click.option(
        "--chunk-ms",
        type=click.IntRange(50, 1000),
        default=100,
        show_default=True,
        help="Audio in each message, in ms.",
    ),
    click.option(
        "--sample-rate",
        type=int,
        metavar="HZ",
        help="Resample to this rate. Without it a recording keeps its own rate from 8000 to 48000 "
        "Hz, and any other becomes 16000 Hz.",
    ),
    click.option(
        "--release",
        type=click.Choice(["start", "end"]),
        default="start",
        show_default=True,
        help="Send a chunk at the start of its interval, as the vendor's guide does, or at its "
        "end, as a microphone must.",
    ),
)
"""What is sent, and how."""

_SESSIONS_DEFAULT_HELP = " Default: what the embedded engine can serve; 10 elsewhere."


def _limit_options(*, resuming: bool) -> Sequence[Callable[[Any], Any]]:
    """How many at once, how soon, how often; ``resuming``: what is not given is as it was."""
    return (
        click.option(
            "--sessions",
            type=click.IntRange(min=1),
            metavar="N",
            help=f"How many to stream at once.{'' if resuming else _SESSIONS_DEFAULT_HELP}",
        ),
        click.option(
            "--start-rate",
            type=StartRateParam(),
            default=None if resuming else "auto",
            show_default=not resuming,
            metavar="auto|N",
            help="New sessions a minute. By itself it begins at the service with 5, which is what "
            "a free account may start, and finds out whether there may be more.",
        ),
        click.option(
            "--attempts",
            type=click.IntRange(min=1),
            default=None if resuming else 4,
            show_default=not resuming,
            metavar="N",
            help="How often a recording's session may break before it has failed. Each further one "
            "goes on where the last one broke.",
        ),
        click.option(
            "--dead-after",
            type=click.FloatRange(min=1.0),
            default=None if resuming else 20.0,
            show_default=not resuming,
            metavar="SECONDS",
            help="Without a sign of life from the server, until a session counts as broken.",
        ),
    )


_OUT_OPTIONS = (
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The run folder. Default: a new one under the user's state folder.",
    ),
)
"""Where to keep it."""


def new_run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what starts a run."""
    return _apply_options(
        command,
        (
            *_ENDPOINT_OPTIONS,
            *_AUTH_OPTIONS,
            *_STREAM_OPTIONS,
            *_OUT_OPTIONS,
            *_limit_options(resuming=False),
        ),
    )


def resume_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what goes on with one: the rest, and what is not given, is the run's own."""
    return _apply_options(command, (*_AUTH_OPTIONS, *_limit_options(resuming=True)))


def _apply_options(
    command: Callable[..., Any], options: Sequence[Callable[[Any], Any]]
) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command
