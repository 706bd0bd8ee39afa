"""Prints lines that may contain untrusted text: file names, transcripts, server messages."""

import click


def print_line(text: str, *, err: bool = False) -> None:
    """Prints a line without control characters on stdout, or on stderr if ``err`` is set."""
    from tui.text.width import clean  # loads Rich's tables of character widths

    click.echo(clean(text), err=err)
