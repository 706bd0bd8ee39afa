"""Options that several commands have in common."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click


class StartRate(click.ParamType[int]):
    """A number of sessions a minute; ``auto`` is 0."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Fails for anything else."""
        if value == "auto":
            return 0
        number: int = click.IntRange(min=1).convert(value, param, ctx)
        return number


class RunFolder(click.ParamType[Path]):
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


_PLACE = (
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

_SECRET = (
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

_SETTINGS = (
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

_SESSIONS = " Default: what the embedded engine can serve; 10 elsewhere."


def _pace(*, again: bool) -> Sequence[Callable[[Any], Any]]:
    """How many at once, how soon, how often; ``again``: what is not given is as it was."""
    return (
        click.option(
            "--sessions",
            type=click.IntRange(min=1),
            metavar="N",
            help=f"How many to stream at once.{'' if again else _SESSIONS}",
        ),
        click.option(
            "--start-rate",
            type=StartRate(),
            default=None if again else "auto",
            show_default=not again,
            metavar="auto|N",
            help="New sessions a minute. By itself it begins at the service with 5, which is what "
            "a free account may start, and finds out whether there may be more.",
        ),
        click.option(
            "--attempts",
            type=click.IntRange(min=1),
            default=None if again else 4,
            show_default=not again,
            metavar="N",
            help="How often a recording's session may break before it has failed. Each further one "
            "goes on where the last one broke.",
        ),
        click.option(
            "--dead-after",
            type=click.FloatRange(min=1.0),
            default=None if again else 20.0,
            show_default=not again,
            metavar="SECONDS",
            help="Without a sign of life from the server, until a session counts as broken.",
        ),
    )


_FOLDER = (
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The run folder. Default: a new one under the user's state folder.",
    ),
)
"""Where to keep it."""


def new_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what starts a run."""
    return _with(command, (*_PLACE, *_SECRET, *_SETTINGS, *_FOLDER, *_pace(again=False)))


def old_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what goes on with one: the rest, and what is not given, is the run's own."""
    return _with(command, (*_SECRET, *_pace(again=True)))


def _with(
    command: Callable[..., Any], options: Sequence[Callable[[Any], Any]]
) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command
