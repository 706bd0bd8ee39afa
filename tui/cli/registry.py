"""The ``paceline`` command: its subcommands, loaded when they are needed, and its exit code.

A new subcommand is a module in this package and a line in `COMMANDS`. The module contains a click
command that returns an `ExitCode`. Both are named like the subcommand, with ``_`` for a hyphen. At
its top the module imports only what its help needs; the command itself imports the rest.
"""

import errno
import itertools
import os
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tui.cli.exit_codes import ExitCode
from workers.errors import PacelineError, UsageProblem

if TYPE_CHECKING:  # loaded when a shell asks
    from click.shell_completion import CompletionItem

COMMANDS = {
    "calibrate": "Measure the error of our own delays against a server with known ones.",
    "check": "Describe each file and how it would be sent.",
    "compare": "Compare runs of the same recordings with the first one, offline.",
    "completion": "Print the script that completes commands, options and names in a shell.",
    "compress": "Compress the traces of a run to about a twentieth.",
    "demo": "Stream the samples to the embedded engine.",
    "desk": "Open the desk on these files and folders (the default command).",
    "doctor": "Check what works on this machine and what is missing.",
    "export": "Write transcripts of a run to files, offline.",
    "find-limit": "Find how many sessions hold to a service level, and what gives in.",
    "man": "Print or write manual pages, made from the commands.",
    "merge": "Make one run of several, such as those of shards.",
    "report": "Write the scores of a run as one HTML page, offline.",
    "resume": "Continue what a run did not finish.",
    "run": "Stream files and folders without a screen.",
    "runs": "List the latest runs, and how to continue unfinished ones.",
    "score": "Score the words and delays of a run, offline.",
    "serve": "Serve the protocol on this machine, for any client.",
    "settings": "Print the path and the values of the desk's settings.",
    "view": "Show a past run on the desk, and replay it.",
    "web": "Show the desk in a browser, to one viewer at a time.",
}
"""Each command and its line in ``paceline --help``: the first sentence of its own help."""

INNER_COMMANDS = ("web-desk",)
"""Commands that only the program itself calls; the help does not list them."""


COMPLETE_VARIABLE = "_PACELINE_COMPLETE"
"""The environment variable with which a shell asks, however the program is started."""

_PLAIN_NAME = re.compile(r"[\w.-]+")
"""A name that no shell would have to quote."""

_ARGUMENTS = "paceline.arguments"
"""The key under which a command line's arguments are kept while it runs."""


class CommandRegistry(click.Group):
    """Loads commands by name. Arguments without a command are paths for the default one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in (*COMMANDS, *INNER_COMMANDS):
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"tui.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Inserts “desk”, the default command, before arguments without a command."""
        if ctx.resilient_parsing and not args:  # a shell completes the first word
            return super().parse_args(ctx, args)
        if args[:1] == ["help"] and not os.path.lexists("help"):
            args = [*args[1:2], "--help"]
        if not args or args[0] not in (*COMMANDS, *INNER_COMMANDS, "-h", "--help", "--version"):
            _refuse_unknown_word(ctx, args)
            args = ["desk", *args]
        ctx.meta[_ARGUMENTS] = [*args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Completes the first word: a command, a path or an option."""
        import glob

        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):  # an option of the program, or of the default command
            desk = self.get_command(ctx, "desk")
            options = click.Command.shell_complete(self, ctx, incomplete)
            return options + (desk.shell_complete(ctx, incomplete) if desk is not None else [])
        commands = [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        if not incomplete or not commands:
            return [CompletionItem(incomplete, type="file"), *commands]
        # bash looks for paths only if it is given no words, so these paths are words too.
        paths = sorted(glob.glob(f"{glob.escape(incomplete)}*"))
        plain = [CompletionItem(name) for name in paths if _PLAIN_NAME.fullmatch(name)]
        return [*commands, *plain]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), code.meaning) for code in ExitCode])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs a command line. The exit code also says whether stdout could be written."""
        try:
            return super().main(*args, **{"complete_var": COMPLETE_VARIABLE, **extra})
        except SystemExit as ended:
            from tui.cli.console import report_lost_output

            code = next(code for code in ExitCode if code == (ended.code or 0))
            raise SystemExit(report_lost_output(code)) from None

    def invoke(self, ctx: click.Context) -> NoReturn:
        """Runs the subcommand and exits with its code; prints an expected failure as a sentence."""
        from tui.cli.api_key import hide_env_key

        hide_env_key()
        try:
            code = super().invoke(ctx)
        except click.NoSuchOption as error:
            files = (arg for arg in ctx.meta[_ARGUMENTS] if arg[:1] == "-" and os.path.lexists(arg))
            if file := next(files, None):  # `*` may have found it
                from tui.text.width import clean

                hint = f"To name the file {clean(file)}, put -- before all names."
                _print_json_error(ctx, "usage", error.format_message(), hint)
                raise click.UsageError(f"{error.format_message()} {hint}", error.ctx) from error
            _print_json_error(ctx, "usage", error.format_message())
            raise
        except click.ClickException as error:
            _print_json_error(ctx, "usage", error.format_message())
            raise
        except click.exceptions.Exit:
            raise  # click's own: `--help`
        except (KeyboardInterrupt, click.Abort):
            code = ExitCode.INTERRUPTED
        except (PacelineError, OSError) as error:
            from tui.cli.console import print_line

            limit = _limit_text(error) if isinstance(error, OSError) else None
            if isinstance(error, PacelineError):
                _print_json_error(ctx, error.code, error.reason, error.hint)
            else:
                _print_json_error(ctx, "system", limit or str(error))
            # A manifest's problems, one a line.
            for line in f"paceline: {limit or error}".splitlines():
                print_line(line, err=True)
            code = ExitCode.USAGE if isinstance(error, UsageProblem) else ExitCode.FATAL
        except Exception as error:
            if isinstance(error, RuntimeError) and "start new thread" in str(error):
                from tui.cli.console import print_line

                limit = _limit_text(OSError(errno.EAGAIN, ""))
                _print_json_error(ctx, "system", f"no thread could be started: {limit}")
                print_line(f"paceline: no thread could be started: {limit}", err=True)
                raise SystemExit(ExitCode.FATAL) from None
            if sys.excepthook is not sys.__excepthook__:
                raise  # Ctrl-C interrupted an import: `tui.__main__` exits silently
            from tui.cli.faults import report_fault

            _print_json_error(ctx, "internal_error", type(error).__name__)
            code = report_fault(error)
        raise SystemExit(code)


def _print_json_error(ctx: click.Context, code: str, message: str, hint: str = "") -> None:
    """Prints an error as an object on stdout if the command line asks for JSON."""
    arguments = itertools.takewhile(lambda argument: argument != "--", ctx.meta[_ARGUMENTS])
    if "--json" in arguments:
        from tui.cli.console import print_json_error

        print_json_error(code, message, hint)


_PLAIN_WORD = re.compile(r"[A-Za-z-]+")


def _refuse_unknown_word(ctx: click.Context, args: list[str]) -> None:
    """Raises a usage error if the first word is neither a file nor a command, although it may be
    meant as one: before the desk asks for a terminal."""
    import difflib

    word = args[0] if args else ""
    is_plain = _PLAIN_WORD.fullmatch(word) and not word.startswith("-")
    if ctx.resilient_parsing or not is_plain or os.path.lexists(word):
        return
    nearest = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = "“paceline --help” lists the commands."
    if nearest:
        hint = f"Did you mean “paceline {nearest[0]}”?"
    raise click.UsageError(f"There is no file, folder or command “{word}”. {hint}", ctx)


def _limit_text(error: OSError) -> str | None:
    """The limit of the system that stopped the program; None if it was something else."""
    from workers.machine_limits import reached_limit

    return reached_limit(error)


def _print_versions(ctx: click.Context, parameter: click.Parameter, is_wanted: bool) -> None:
    if not is_wanted or ctx.resilient_parsing:
        return
    from tui.cli.console import print_line
    from tui.cli.version import version_lines

    for line in version_lines():
        print_line(line)
    ctx.exit()


@click.group(cls=CommandRegistry, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_versions,
    help="Show the versions of Paceline and of what it is made of, and exit.",
)
def paceline(**_: Any) -> None:
    """Stream recordings to a real-time speech-to-text API at the speed of speech.

    “paceline FOLDER” opens the desk on a folder of recordings. Without an API key in
    ASSEMBLYAI_API_KEY it streams to the embedded engine on this machine.
    """
