"""Prints lines that may hold foreign text: file names, transcripts, words of a server."""

import click


def print_line(text: str, *, err: bool = False) -> None:
    """Prints a line on stdout, or with ``err`` on stderr, without control characters."""
    from tui.text.width import clean  # loads Rich's tables of character widths

    click.echo(clean(text), err=err)
