"""The command line."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from workers.errors import PacelineError, UsageProblem

_COMMON: Sequence[Callable[[Any], Any]] = (
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
    click.option(
        "--api-key-file",
        "key_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read the API key from this file instead of ASSEMBLYAI_API_KEY.",
    ),
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
    click.option(
        "--sessions",
        type=click.IntRange(min=1),
        metavar="N",
        help="How many to stream at once. Default: what the embedded engine can serve; "
        "10 elsewhere.",
    ),
    click.option(
        "--start-rate",
        type=click.IntRange(min=1),
        metavar="N",
        help="New sessions a minute. Default: 5 at the service, which is what a free account may "
        "start; no bound elsewhere.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The run folder. Default: a new one under the user's state folder.",
    ),
)


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_COMMON):
        command = option(command)
    return command


class _Paceline(click.Group):
    """A group whose default command is the desk: what is no command is a path."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "--version")):
            args = ["desk", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageProblem as problem:
            _fail(problem, code=2)
        except PacelineError as error:
            _fail(error, code=1)


def _fail(error: PacelineError, code: int) -> NoReturn:
    from tui.lines.cells import clean

    click.echo(f"paceline: {clean(str(error))}", err=True)
    raise SystemExit(code)


@click.group(cls=_Paceline, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paceline", prog_name="paceline")
def paceline() -> None:
    """Stream recordings to a real-time speech-to-text API at the speed of speech.

    “paceline FOLDER” opens the desk on a folder of recordings. Without an API key in
    ASSEMBLYAI_API_KEY it streams to the embedded engine on this machine.
    """


@paceline.command()
@click.argument("paths", nargs=-1, type=click.Path())
@_common
def desk(paths: tuple[str, ...], **given: Any) -> NoReturn:
    """Open the desk on these files and folders (the default command)."""
    from tui.options import options
    from workers.audio.discovery import found

    if not sys.stdout.isatty() or not sys.stdin.isatty():
        raise UsageProblem("the desk needs a terminal", "Without one, use: paceline run PATH…")
    chosen = options(**given)
    files = found(paths)
    from tui.program import supervised
    from tui.summary import Exit, exit_code, summary

    with supervised(chosen) as supervisor:
        jobs = supervisor.add(files)
        from tui.desk import Desk

        screen = Desk(supervisor, chosen.where, supervisor.folder.path)
        screen.state.expect(jobs, files)
        screen.run()
    while not supervisor.reports.empty():
        screen.state.apply(supervisor.reports.get())
    histories = list(screen.state.histories.values())
    for line in summary(histories, supervisor.folder.path):
        click.echo(line)
    if screen.return_code:
        raise SystemExit(Exit.FATAL)
    raise SystemExit(exit_code(histories, interrupted=screen.leaving.cut_short))


@paceline.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One event a line on stdout, as JSON.")
@_common
def run(paths: tuple[str, ...], as_json: bool, **given: Any) -> NoReturn:
    """Stream files and folders without a screen."""
    from tui.headless import Headless
    from tui.options import options
    from tui.program import supervised
    from tui.summary import exit_code, summary
    from workers.audio.discovery import found

    chosen = options(**given)
    files = found(paths)
    with supervised(chosen) as supervisor:
        number = "1 file" if len(files) == 1 else f"{len(files)} files"
        click.echo(f"Streaming {number} to: {chosen.where}", err=True)
        headless = Headless(supervisor, as_json=as_json)
        headless.run(files)
    for line in summary(headless.histories, supervisor.folder.path):
        click.echo(line, err=True)
    raise SystemExit(exit_code(headless.histories, interrupted=headless.interrupted))


@paceline.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@_common
def check(paths: tuple[str, ...], **given: Any) -> NoReturn:
    """Say what each file is and what would be sent. Nothing is sent."""
    from tui.checking import checked
    from tui.options import options
    from workers.audio.discovery import found

    chosen = options(**given)
    raise SystemExit(checked(found(paths), chosen, click.echo))


@paceline.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "formats",
    required=True,
    metavar="FORMATS",
    help="Which, with commas between: txt, srt, vtt, json, csv.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to. Default: the folder “exports” of the run.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def export(folder: Path, formats: str, into: Path | None, overwrite: bool) -> NoReturn:
    """Write transcripts of a run to files, offline."""
    from tui.exporting import exported

    wanted = [each.strip() for each in formats.split(",") if each.strip()]
    raise SystemExit(exported(folder, wanted, into, overwrite=overwrite, say=click.echo))


@paceline.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="The port on this machine. Default: a free one.",
)
@click.option("--open", "is_open", is_flag=True, help="Let any key in.")
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
    help="How many may be open at once. Default: what this machine can serve.",
)
@click.option(
    "--start-rate",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many may begin within a minute. Default: no bound.",
)
@click.option(
    "--busy-code",
    type=click.Choice(["1008", "3009"]),
    default="1008",
    show_default=True,
    help="The code with which one too many is refused; the service has used both.",
)
def serve(**given: Any) -> None:
    """Serve the protocol on this machine, for any client.

    The first line on stdout is the address. Ctrl-C ends it.
    """
    from tui.serving import served

    served(**given, say=click.echo)
