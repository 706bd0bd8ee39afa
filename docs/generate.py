"""Writes the reference pages of the documentation from the code.

``python docs/generate.py`` writes them to ``docs/reference``.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from tui.cli.exit_codes import PRECEDENCE, ExitCode
from tui.cli.registry import COMMANDS, paceline

REFERENCE_PATH = Path(__file__).parent / "reference"


def commands_reference() -> str:
    """Every command with its arguments, options and defaults, in Markdown."""
    root = click.Context(paceline, info_name="paceline")
    lines = ["# Commands", ""]
    for name in COMMANDS:
        command = paceline.get_command(root, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=root)
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        lines += [f"## paceline {name}", "", f"```\n{usage}\n```", "", _paragraphs(command), ""]
        lines += ["| option | does |", "|---|---|"]
        lines += [
            f"| `{_cell(names)}` | {_cell(text)} |" for names, text in _options(command, context)
        ]
        lines.append("")
    return "\n".join(lines)


def _paragraphs(command: click.Command) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record and parameter.name != "help":
            yield record


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def exit_codes_reference() -> str:
    """Every exit code and when a command ends with it, in Markdown."""
    order = ", ".join(str(code.value) for code in PRECEDENCE if code is not ExitCode.DONE)
    return "\n".join(
        [
            "# Exit codes",
            "",
            "| code | means | when |",
            "|---|---|---|",
            *(f"| {code.value} | {code.meaning} | {code.when} |" for code in ExitCode),
            "",
            f"When several apply, the first of these wins: {order}.",
            "",
        ]
    )


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_reference,
    "exit-codes.md": exit_codes_reference,
}
"""The pages and what writes each."""


def main() -> None:
    REFERENCE_PATH.mkdir(exist_ok=True)
    for name, write in PAGES.items():
        (REFERENCE_PATH / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
