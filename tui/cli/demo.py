"""``paceline demo``: the desk on recordings that come with the program."""

from importlib.util import find_spec
from pathlib import Path

import click

from tui.cli.command_help import command
from tui.cli.exit_codes import ExitCode


@command(
    ("paceline demo", "Open the desk on the samples; needs no key, no network and no recording."),
)
@click.option("--no-desk", is_flag=True, help="Stream them without a screen, as “run” does.")
@click.pass_context
def demo(ctx: click.Context, no_desk: bool) -> ExitCode:
    """Stream the samples to the embedded engine.

    They are nine short recordings, one of them of a person; the others were synthesised.
    """
    paths = tuple(str(path) for path in sample_paths())
    if no_desk:
        from tui.cli.run import run

        streamed: ExitCode = ctx.invoke(run, paths=paths, local=True)
        return streamed
    from tui.cli.desk import desk

    shown: ExitCode = ctx.invoke(desk, paths=paths, local=True)
    return shown


def sample_paths() -> list[Path]:
    """A recording of a person that ships with the embedded recogniser, if that is installed, and
    the folder of samples."""
    package = Path(__file__).parents[1]
    # In a wheel they are in the package; a checkout has them where people look for them.
    packaged, checked_out = package / "samples", package.parent / "samples" / "recordings"
    paths = [packaged if packaged.is_dir() else checked_out]
    recogniser = find_spec("moonshine_voice")
    if recogniser is not None and recogniser.origin is not None:
        paths.insert(0, Path(recogniser.origin).parent / "assets" / "two_cities.wav")
    return [path for path in paths if path.exists()]
