"""Writes the reference pages of the documentation from the code.

``python -m tests.reference_pages`` writes them to ``docs/reference``.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import click

from tui.cli.command_help import SectionedCommand
from tui.cli.exit_codes import PRECEDENCE, ExitCode
from tui.cli.registry import COMMANDS, paceline
from tui.cli.settings_toml import commented_defaults
from tui.keys.key_table import KEY_BINDINGS, Scope
from tui.model.column_spec import columns_reference
from tui.render.columns import COLUMNS
from workers.localserver.features import FEATURES, Feature

REFERENCE_PATH = Path(__file__).parents[1] / "docs" / "reference"


def commands_reference() -> str:
    """Every command with its arguments, options and defaults, in Markdown."""
    root = click.Context(paceline, info_name="paceline", **paceline.context_settings)
    lines = ["# Commands", ""]
    for name in COMMANDS:
        command = paceline.get_command(root, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=root)
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        lines += [f"## paceline {name}", "", f"```\n{usage}\n```", "", _paragraphs(command), ""]
        assert isinstance(command, SectionedCommand)
        for section, options in command.sections(context):
            if section.example:
                lines += [f"**{section.title}**, such as `{section.example}`", ""]
            lines += ["| option | does |", "|---|---|"]
            lines += [
                f"| `{_cell(names)}` | {_cell(text)} |"
                for names, text in _records(options, context)
            ]
            lines.append("")
        for example, text in command.examples:
            lines += [f"```sh\n{example}  # {text}\n```", ""]
    return "\n".join(lines)


def _paragraphs(command: click.Command) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))


def _records(
    options: Iterable[click.Parameter], context: click.Context
) -> Iterator[tuple[str, str]]:
    for option in options:
        record = option.get_help_record(context)
        if "--help" not in option.opts and record:
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


def keys_reference() -> str:
    """Every key of the desk by where it works, in Markdown."""
    lines = ["# Keys", "", "`^` is Ctrl. [Settings](settings.md) may change most keys.", ""]
    for scope in Scope:
        lines += [f"## {scope.value}", "", "| key | does |", "|---|---|"]
        lines += [
            f"| `{_cell(key.key_display)}` | {_cell(key.description)} |"
            for key in KEY_BINDINGS
            if key.scope is scope
        ]
        lines.append("")
    return "\n".join(lines)


_FILTER_RULES = """
## The filter language

`/` shows only the rows that match every term:

| term | matches |
|---|---|
| `word` | a word in the name or the latest words; a whole state (`failed`) matches it too |
| `"two words"` | both words, one after the other |
| `name:x`, `text:x` | only the name, or only the latest words |
| `state:x` | the beginning of a state, or `live` |
| `lag>20` | a number; `<`, `>=`, `<=` and `=` work too |
| `!term` | rows that the term does not match |
"""


def columns_reference_page() -> str:
    """Every column of the session table, with how it sorts and filters, in Markdown."""
    rows = (
        f"| `{column.name}` | {column.help} | {column.sort} | "
        f"{f'`{column.filter}`' if column.filter else ''} |"
        for column in columns_reference(COLUMNS)
    )
    head = ["# Columns and filters", "", "| column | shows | sorted, first comes | filter |"]
    return "\n".join([*head, "|---|---|---|---|", *rows, _FILTER_RULES])


def settings_reference() -> str:
    """The settings file with every default, in Markdown."""
    return "\n".join(
        [
            "# Settings",
            "",
            "`paceline settings` prints where the settings file is. `paceline settings --create` "
            "writes this file, in which every line is a comment:",
            "",
            "```toml",
            commented_defaults().rstrip(),
            "```",
            "",
        ]
    )


def engine_parameters_reference() -> str:
    """What the embedded engine does with each connection parameter, in Markdown."""

    def treatment(feature: Feature) -> tuple[str, str]:
        return feature.support.value, feature.note

    rows = (
        f"| {' '.join(f'`{feature.name}`' for feature in features)} | {support} | {note} |"
        for (support, note), features in groupby(FEATURES, treatment)
    )
    head = ["# Engine parameters", "", "| parameter | in the embedded engine | |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_reference,
    "exit-codes.md": exit_codes_reference,
    "keys.md": keys_reference,
    "columns.md": columns_reference_page,
    "settings.md": settings_reference,
    "engine-parameters.md": engine_parameters_reference,
}
"""The pages and what writes each."""


def main() -> None:
    REFERENCE_PATH.mkdir(exist_ok=True)
    for name, write in PAGES.items():
        (REFERENCE_PATH / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
