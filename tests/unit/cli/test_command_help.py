"""The help of each command: sections, and examples that can be typed as they stand."""

import shlex

import click
import pytest

from tui.cli.command_help import SECTIONS, SectionedCommand
from tui.cli.registry import COMMANDS, paceline

MAX_COLUMNS = 80

ROOT = click.Context(paceline, info_name="paceline", **paceline.context_settings)


def command_of(name: str) -> SectionedCommand:
    command = paceline.get_command(ROOT, name)
    assert isinstance(command, SectionedCommand)
    return command


def parse(command: SectionedCommand, arguments: list[str]) -> None:
    """Parses a command line without looking for what its values name."""
    context = click.Context(command, parent=ROOT)
    command.make_parser(context).parse_args(arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_it_understands(name: str) -> None:
    """Each begins with the command; “desk” is the one without a name."""
    command = command_of(name)

    assert command.examples
    for line, text in command.examples:
        words = shlex.split(line.partition(" > ")[0])
        assert words[0] == "paceline"
        assert name in ("desk", words[1])
        parse(command, words[1 if name == "desk" else 2 :])
        assert text.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_section_fits_every_command(name: str) -> None:
    """A command that has one of the options has those of the example."""
    command = command_of(name)
    context = click.Context(command, parent=ROOT)

    for section, _ in command.sections(context):
        parse(command, shlex.split(section.example))


@pytest.mark.parametrize("name", ["run", "desk", "resume", "check"])
def test_few_options_of_a_long_command_are_in_no_section(name: str) -> None:
    """A new option joins a section, so that the first one stays short."""
    command = command_of(name)
    general, options = command.sections(click.Context(command, parent=ROOT))[0]

    assert general.title == "Options"
    assert len(options) <= 9


def test_no_option_is_in_two_sections() -> None:
    """Nor is one listed that no command has."""
    listed = [name for section in SECTIONS for name in section.options]
    known = {
        name
        for command in map(command_of, COMMANDS)
        for parameter in command.params
        for name in parameter.opts
    }

    assert len(listed) == len({*listed})
    assert {*listed} <= known


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_shown_once(name: str) -> None:
    """And no line is wider than a terminal."""
    command = command_of(name)
    context = click.Context(command, info_name=name, parent=ROOT, max_content_width=MAX_COLUMNS)
    help_text = command.get_help(context)
    lines = help_text.splitlines()

    assert [line for line in lines if len(line) > MAX_COLUMNS] == []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            names = (*parameter.opts, *parameter.secondary_opts)
            begins = [line for line in lines if line.strip().startswith(names)]
            assert begins, parameter.opts
