"""The one door to the standard output and error of commands.

What is printed may contain untrusted text: file names, transcripts, server messages.
"""

import json
import os
import sys
from collections.abc import Iterable

import click

from tui.cli.exit_codes import ExitCode, most_severe
from tui.terminal.stdio import CheckedOutput, lost_output
from workers import secrecy
from workers.visible_text import clean


def print_line(text: str, *, err: bool = False) -> None:
    """Prints a line without control characters on stdout, or on stderr if ``err`` is set."""
    click.echo(clean(text), err=err)


def print_script(text: str) -> None:
    """Prints a text of our own as it is, with control characters: a script or a manual page."""
    if isinstance(sys.stdout, CheckedOutput):
        sys.stdout.write_document(text)
        sys.stdout.flush()
    else:  # in a test
        click.echo(text, nl=False)


def print_json(record: object) -> None:
    """Prints one JSON document on a line of stdout, in ASCII."""
    text = json.dumps(record, ensure_ascii=True).replace("\x7f", "\\u007f")
    if isinstance(sys.stdout, CheckedOutput):
        sys.stdout.write_document(f"{text}\n")
        sys.stdout.flush()
    else:  # in a test
        click.echo(text)


def print_json_error(code: str, message: str, hint: str = "") -> None:
    """Prints why a command failed, as docs/schemas/error.schema.json describes it."""
    print_json({"version": 1, "type": "error", "error": error_to_json(code, message, hint)})


def error_to_json(code: str, message: str, hint: str = "") -> dict[str, str]:
    """An error as an object, within any document."""
    return {
        "code": code,
        "message": clean(secrecy.redact(message)),
        "hint": clean(secrecy.redact(hint)),
    }


def ring_bell() -> None:
    """Rings the terminal's bell, if stdout is one."""
    if sys.stdout.isatty():
        print_script("\a")


def can_ask() -> bool:
    """Whether the user can be asked on stderr, and answer on stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> None:
    """Asks a question on stderr; raises `click.Abort` unless the answer is yes."""
    click.confirm(clean(question), abort=True, err=True)


def input_descriptor() -> int:
    """The descriptor of stdin, on which a program may wait for lines."""
    return sys.stdin.fileno()


def can_show_progress(*, beside_stdout: bool) -> bool:
    """Whether stderr is a terminal on which lines can be replaced. ``beside_stdout``: something is
    printed on stdout meanwhile, which must not be a terminal then."""
    is_dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
    is_terminal = sys.__stderr__ is not None and sys.__stderr__.isatty()
    return is_terminal and not is_dumb and not (beside_stdout and sys.stdout.isatty())


def terminal_descriptor() -> int | None:
    """The descriptor of the terminal on which the user both reads and writes; None without one."""
    streams = (sys.__stdin__, sys.__stdout__)
    if any(stream is None or not stream.isatty() for stream in streams):
        return None
    return sys.__stdin__.fileno() if sys.__stdin__ is not None else None


def screen_encoding() -> str | None:
    """The encoding of the terminal, or of what stands for it."""
    return sys.__stdout__.encoding if sys.__stdout__ is not None else None


def report_lost_output(code: ExitCode) -> ExitCode:
    """Says on stderr, once, that stdout could not be written; returns the exit code that follows
    from it and from ``code``, the one of the command.

    A reader that has left, such as ``head``, has what it wants: then nothing is said.
    """
    output = lost_output()
    if output is None:
        return code
    if not output.is_reported and not output.has_lost_reader:
        output.is_reported = True
        reason = f"the output could not be written ({output.failure_text})"
        advice = "Files that the command writes are complete; repeat it to see the rest."
        print_line(f"paceline: {reason}. {advice}", err=True)
    return most_severe([code, ExitCode.FATAL])


def print_warnings(warnings: Iterable[str]) -> None:
    """Prints what is wrong with a run that is read all the same, on stderr."""
    for warning in warnings:
        print_line(f"warning: {warning}", err=True)
