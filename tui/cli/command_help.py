"""How the help of a command reads: options in sections, and examples that work as they stand.

A new option of a command with many joins a section in `SECTIONS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

MIN_SECTIONED_OPTIONS = 9
"""With fewer options, a command lists them without sections."""


@dataclass(frozen=True, slots=True)
class Section:
    """Options that belong together, in the order of the help."""

    title: str
    example: str
    """Some of the options with values; every command that has one of the options has these."""
    options: tuple[str, ...]


SECTIONS = (
    Section(
        "Where to stream",
        "--endpoint ws://127.0.0.1:8765",
        ("--endpoint", "--local", "--region"),
    ),
    Section(
        "Key and encryption",
        "--api-key-file ~/assemblyai.key",
        ("--api-key-file", "--keyring", "--ca-file", "--unencrypted"),
    ),
    Section(
        "What to read",
        "--channels split --from 1:30 --until 5:00",
        (
            *("--channels", "--speakers", "--audio-track", "--from", "--until", "--raw"),
            *("--follow", "--watch", "--remote"),
        ),
    ),
    Section(
        "What to send",
        "--chunk-ms 50 --param format_turns=true",
        ("--speech-model", "--param", "--chunk-ms", "--sample-rate", "--release", "--speed"),
    ),
    Section(
        "Comparisons",
        "--matrix chunk_ms=50,100 --repeat 3",
        ("--matrix", "--repeat"),
    ),
    Section(
        "Limits",
        "--sessions 20 --start-rate 30",
        ("--sessions", "--start-rate", "--speed-limit", "--attempts", "--dead-after"),
    ),
    Section(
        "Shards",
        "--shard 1/4 --share-with-group",
        ("--shard", "--share-with-group"),
    ),
    Section(
        "A cluster",
        "--fleet auto",
        ("--fleet",),
    ),
    Section(
        "Time and cost",
        "--budget 5usd --prices prices.toml",
        ("--budget", "--yes", "--prices"),
    ),
    Section(
        "What must hold",
        '--slo "ttfs.p95<800ms" --hold 30',
        ("--slo", "--up-to", "--within", "--trials", "--hold", "--warm-up"),
    ),
    Section(
        "How to score",
        "--references transcripts --normaliser basic",
        (
            *("--references", "--normaliser", "--equivalences", "--term", "--by"),
            *("--allow-invalid", "--allow-different", "--worst"),
        ),
    ),
    Section(
        "Files to write",
        "--junit results.xml --markdown summary.md",
        ("--junit", "--csv", "--bom", "--parquet", "--markdown", "--simuleval"),
    ),
    Section(
        "Log",
        "--log-level debug --log-file paceline.log",
        ("--log-level", "--log-file"),
    ),
)
"""The sections of the help, in their order. What is in none of them stands above, as “Options”."""


class SectionedCommand(click.Command):
    """A command whose help has sections and examples."""

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **rest: Any) -> None:
        """``examples``: what a user types, and what that does."""
        super().__init__(*args, **rest)
        self.examples = examples

    def sections(self, ctx: click.Context) -> list[tuple[Section, list[click.Parameter]]]:
        """The sections that have options of this command, with these options."""
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        by_name = {name: option for option in options for name in option.opts}
        general = Section("Options", "", ())
        if len(options) <= MIN_SECTIONED_OPTIONS:  # with `--help`
            return [(general, [*options])]
        found: list[tuple[Section, list[click.Parameter]]] = [
            (section, [by_name[name] for name in section.options if name in by_name])
            for section in SECTIONS
        ]
        sectioned = [option for _, members in found for option in members]
        rest: list[click.Parameter] = [one for one in options if one not in sectioned]
        return [(general, rest), *((section, members) for section, members in found if members)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, options in self.sections(ctx):
            heading = f"{section.title}, such as {section.example}" if section.example else ""
            with formatter.section(heading or section.title):
                records = [option.get_help_record(ctx) for option in options]
                formatter.write_dl([record for record in records if record])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_dl(self.examples)


def command(*examples: tuple[str, str]) -> Callable[[Callable[..., Any]], SectionedCommand]:
    """Returns the decorator of a command; each example is a command line and what it does."""
    return click.command(cls=SectionedCommand, examples=examples)
