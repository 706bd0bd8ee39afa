"""The command line."""

import io
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from tui.cli.log_options import log_options
from tui.cli.shared_options import RunFolderParam, new_run_options, resume_options
from workers.errors import PacelineError, UsageProblem


class _DefaultDeskGroup(click.Group):
    """A group whose default command is the desk: what is no command is a path."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "--version")):
            args = ["desk", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):  # not every locale has our signs
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except UsageProblem as problem:
            _fail(problem, code=2)
        except PacelineError as error:
            _fail(error, code=1)


def _fail(error: PacelineError, code: int) -> NoReturn:
    from tui.text.width import clean

    click.echo(f"paceline: {clean(str(error))}", err=True)
    raise SystemExit(code)


def _report_skipped(path: str, reason: str) -> None:
    from tui.text.width import clean

    click.echo(clean(f"Skipped {path}: {reason}"), err=True)


@click.group(cls=_DefaultDeskGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paceline", prog_name="paceline")
def paceline() -> None:
    """Stream recordings to a real-time speech-to-text API at the speed of speech.

    “paceline FOLDER” opens the desk on a folder of recordings. Without an API key in
    ASSEMBLYAI_API_KEY it streams to the embedded engine on this machine.
    """


@paceline.command()
@click.argument("paths", nargs=-1, type=click.Path())
@new_run_options
@log_options
def desk(paths: tuple[str, ...], **given: Any) -> NoReturn:
    """Open the desk on these files and folders (the default command)."""
    from tui.terminal.guard import TerminalGuard

    guard = TerminalGuard()  # before anything is drawn; it is there when the rest is loaded
    from tui.cli.run import RunRequest, require_terminal, run_desk
    from tui.cli.run_options import parse_options
    from workers.audio.discovery import find_recordings

    require_terminal("paceline run PATH…")
    skipped: list[tuple[str, str]] = []
    files = find_recordings(paths, lambda *one: skipped.append(one))
    raise SystemExit(run_desk(parse_options(**given), RunRequest(files, skipped=skipped), guard))


@paceline.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One event a line on stdout, as JSON.")
@new_run_options
@log_options
def run(paths: tuple[str, ...], as_json: bool, **given: Any) -> NoReturn:
    """Stream files and folders without a screen."""
    from tui.cli.run import RunRequest, run_headless
    from tui.cli.run_options import parse_options
    from workers.audio.discovery import find_recordings

    raise SystemExit(
        run_headless(
            parse_options(**given),
            RunRequest(find_recordings(paths, _report_skipped)),
            as_json=as_json,
        )
    )


@paceline.command()
@click.argument("folder", metavar="RUN", type=RunFolderParam())
@click.option("--no-desk", is_flag=True, help="Stream without a screen, as “run” does.")
@click.option("--json", "as_json", is_flag=True, help="The same, with one event a line on stdout.")
@click.option("--endpoint", "url", metavar="URL", help="Go on at this v3 endpoint instead.")
@resume_options
@log_options
def resume(folder: Path, no_desk: bool, as_json: bool, **given: Any) -> NoReturn:
    """Go on with what a run did not finish.

    Broken recordings go on behind their last final turn, with the settings of the run. What was
    done stays as it is, and so does what the user cancelled.
    """
    from tui.terminal.guard import TerminalGuard

    guard = None if no_desk or as_json else TerminalGuard()  # as above
    from tui.cli.resume import prepare_resume
    from tui.cli.run import RunRequest, require_terminal, run_desk, run_headless
    from workers.runs import run_folder

    if guard is not None:
        require_terminal(f"paceline resume {folder} --no-desk")
    run = run_folder.reopen(folder)
    try:
        options, left = prepare_resume(folder, **given)
    except BaseException:
        run.close()
        raise
    work = RunRequest((), left.jobs, run)
    if guard is None:
        raise SystemExit(run_headless(options, work, as_json=as_json))
    raise SystemExit(run_desk(options, work, guard))


@paceline.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@new_run_options
def check(paths: tuple[str, ...], **given: Any) -> NoReturn:
    """Say what each file is and what would be sent. Nothing is sent."""
    from tui.cli.check import check_files
    from tui.cli.run_options import parse_options
    from workers.audio.discovery import find_recordings

    chosen = parse_options(**given)
    raise SystemExit(check_files(find_recordings(paths, _report_skipped), chosen, click.echo))


@paceline.command()
@click.option("--create", is_flag=True, help="Write a file with every default in a comment.")
def settings(create: bool) -> None:
    """Say where the settings of the desk are, and what is in force.

    PACELINE_SETTINGS names another file.
    """
    from tui.cli import settings

    (settings.create_settings_file if create else settings.print_settings)(click.echo)


@paceline.command()
@click.option("--most", type=click.IntRange(min=1), default=10, show_default=True, metavar="N")
def runs(most: int) -> None:
    """List the latest runs, and how to go on with those that are not finished."""
    from tui.cli.runs import print_runs
    from workers.runs.run_folder import runs_path

    print_runs(runs_path(), most, click.echo)


@paceline.command()
@click.argument("folder", metavar="[RUN]", required=False, type=RunFolderParam())
def view(folder: Path | None) -> NoReturn:
    """Look back at a run on the desk, and play it again.

    Without RUN, at the latest one that “runs” lists. Nothing is streamed or changed.
    """
    from tui.terminal.guard import TerminalGuard

    guard = TerminalGuard()  # as above
    from tui.cli.run import require_terminal
    from tui.cli.view import latest_run, view_run
    from workers.runs.run_folder import runs_path

    folder = folder or latest_run(runs_path())
    require_terminal(f"paceline export {folder} --to txt")
    raise SystemExit(view_run(folder, guard))


@paceline.command()
@click.argument("folder", metavar="RUN", type=RunFolderParam())
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
@click.option("--one-file", "together", is_flag=True, help="One file a format for all recordings.")
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
@click.option("--number", is_flag=True, help="Keep them, and give the new ones a number.")
def export(
    folder: Path, formats: str, into: Path | None, together: bool, overwrite: bool, number: bool
) -> NoReturn:
    """Write transcripts of a run to files, offline."""
    from tui.cli.export import export_run
    from workers.exports import OverwritePolicy

    if overwrite and number:
        raise UsageProblem("--overwrite and --number do not go together", "Choose one.")
    existing = (
        OverwritePolicy.REPLACE
        if overwrite
        else OverwritePolicy.NUMBER
        if number
        else OverwritePolicy.REFUSE
    )
    wanted = [each.strip() for each in formats.split(",") if each.strip()]
    raise SystemExit(
        export_run(folder, wanted, into, existing=existing, together=together, echo=click.echo)
    )


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
@log_options
def serve(**given: Any) -> None:
    """Serve the protocol on this machine, for any client.

    The first line on stdout is the address. Ctrl-C ends it.
    """
    from tui.cli.serve import serve_endpoint

    serve_endpoint(**given, echo=click.echo)
