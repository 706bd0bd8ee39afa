"""``paceline man``: the manual pages, made from the commands."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tui.cli.command_help import SectionedCommand, command
from tui.cli.exit_codes import ExitCode
from tui.cli.shared_options import path_option


@command(
    ("paceline man --into ~/.local/share/man/man1", "Then “man paceline-run” shows a page."),
    ("paceline man run", "Print the page of “run”."),
)
@click.argument("name", metavar="[COMMAND]", required=False)
@path_option("--into", folder=True, help="Write all pages to this folder.")
def man(name: str | None, into: Path | None) -> ExitCode:
    """Print or write manual pages, made from the commands.

    Without COMMAND, print the page of the program itself.
    """
    from tui.cli.console import print_line, print_script
    from tui.cli.registry import COMMANDS, paceline
    from workers import files
    from workers.errors import UsageProblem

    root = click.Context(paceline, info_name="paceline", **paceline.context_settings)
    if into is None:
        if name is not None and name not in COMMANDS:
            raise UsageProblem(f"there is no command “{name}”", "“paceline --help” lists them.")
        print_script(program_page(root) if name is None else command_page(root, name))
        return ExitCode.DONE
    if name is not None:
        raise UsageProblem("--into writes the pages of all commands", "Name no command.")
    files.make_folders(into, files.SHARED_FOLDER_MODE)
    pages = {"paceline": program_page(root)}
    pages |= {f"paceline-{each}": command_page(root, each) for each in COMMANDS}
    for title, page in pages.items():
        files.write_output(into / f"{title}.1", page.encode())
    print_line(f"✓ {len(pages)} pages in {into}")
    return ExitCode.DONE


def program_page(root: click.Context) -> str:
    """The page paceline(1): what the program is, and its commands."""
    from tui.cli.registry import COMMANDS

    lines = [*_head("paceline", "stream recordings to a real-time speech-to-text API")]
    lines += [".SH SYNOPSIS", ".B paceline", "[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR] \\fIPATH\\fR..."]
    lines += [".SH DESCRIPTION", *_paragraphs(root.command.help or "")]
    lines += [".SH COMMANDS"]
    for name, line in COMMANDS.items():
        lines += [".TP", f"\\fBpaceline\\-{_roff(name)}\\fR(1)", _roff(line)]
    lines += [*_exit_codes()]
    return "\n".join(lines) + "\n"


def command_page(root: click.Context, name: str) -> str:
    """The page of a command."""
    found = root.command.get_command(root, name) if isinstance(root.command, click.Group) else None
    assert isinstance(found, SectionedCommand)
    context = click.Context(found, info_name=name, parent=root)
    summary, *_ = (found.help or "").split(".")
    lines = [*_head(f"paceline-{name}", " ".join(summary.split()))]
    usage = " ".join(found.collect_usage_pieces(context))
    lines += [".SH SYNOPSIS", f"\\fBpaceline {_roff(name)}\\fR {_roff(usage)}"]
    lines += [".SH DESCRIPTION", *_paragraphs(found.help or "")]
    for section, options in found.sections(context):
        lines += [f".SH {_roff(section.title.upper())}"]
        for option in options:
            if record := option.get_help_record(context):
                lines += [".TP", f"\\fB{_roff(record[0])}\\fR", _roff(record[1])]
        if section.example:
            lines += [".PP", f"Such as \\fB{_roff(section.example)}\\fR."]
    lines += [".SH EXAMPLES"]
    for example, text in found.examples:
        lines += [".TP", f"\\fB{_roff(example)}\\fR", _roff(text)]
    lines += [*_exit_codes(), ".SH SEE ALSO", "\\fBpaceline\\fR(1)"]
    return "\n".join(lines) + "\n"


def _head(title: str, summary: str) -> Iterator[str]:
    from importlib.metadata import version

    yield f'.TH "{_roff(title).upper()}" "1" "" "Paceline {version("paceline")}" "Paceline"'
    yield ".SH NAME"
    yield f"{_roff(title)} \\- {_roff(summary)}"


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _roff(paragraph)


def _exit_codes() -> Sequence[str]:
    lines = [".SH EXIT STATUS"]
    for code in ExitCode:
        lines += [".TP", f"\\fB{code.value}\\fR", _roff(code.meaning)]
    return lines


def _roff(text: str) -> str:
    """A text as roff shows it: on one line, and without anything that begins a request."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text)
