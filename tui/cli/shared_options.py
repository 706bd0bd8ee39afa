"""Options and arguments that several commands have in common.

A new option joins one of the groups below; each group decorates a command like a single option.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import click

from tui.cli.run_names import LATEST, RunFolderParam
from workers import ranges
from workers.errors import UsageProblem
from workers.ranges import Range

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def option_group(*options: Decorator) -> Decorator:
    """Returns a decorator that adds these options, in the order of ``--help``."""

    def add_options(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add_options


class WholeNumberRange(click.IntRange):
    """A whole number within a range. Unlike click's own type, it says which numbers there are."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"“{value}” is not {self.expected_text}.", param, ctx)

    @property
    def expected_text(self) -> str:
        """What is expected, such as “a whole number from 1 to 100”."""
        most = f" to {self.max:,}" if self.max is not None else " on"
        return f"a whole number from {self.min:,}{most}"


def whole_number_in(allowed: Range) -> WholeNumberRange:
    """The type of an option that takes an integer within a range."""
    return WholeNumberRange(round(allowed.low), round(allowed.high))


def count_option(name: str, help: str, allowed: Range = ranges.COUNTED, **rest: Any) -> Decorator:
    """An option that takes an integer, by default from 1."""
    kind = whole_number_in(allowed)
    return click.option(name, **{"type": kind, "metavar": "N", **rest}, help=help)


def path_option(*names: str, help: str, folder: bool = False, required: bool = False) -> Decorator:
    """An option that takes the path of a file, or of a folder."""
    kind = click.Path(path_type=Path, file_okay=not folder)
    metavar = "DIR" if folder else "FILE"
    return click.option(*names, type=kind, metavar=metavar, help=help, required=required)


bom_option = click.option(
    "--bom",
    is_flag=True,
    help="Begin CSV files with a byte-order mark, without which Excel garbles all but ASCII.",
)


class NumberRange(click.FloatRange):
    """A number within a range. Unlike click's own type, it refuses “nan”, and says which numbers
    there are."""

    name = "number"

    def __init__(self, allowed: Range) -> None:
        super().__init__(allowed.low, allowed.high)
        self._expected = f"a number {allowed}"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(super().convert(value, param, ctx))
        except click.BadParameter:
            number = float("nan")
        if number != number:
            self.fail(f"“{value}” is not {self._expected}.", param, ctx)
        return number


_STARTS = whole_number_in(ranges.STARTS_PER_MINUTE)


class StartRateParam(click.ParamType[int]):
    """A number of sessions per minute; ``auto`` becomes 0."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return 0 if value == "auto" else _STARTS.convert(value, None, None)
        except click.BadParameter:
            self.fail(f"“{value}” is neither “auto” nor {_STARTS.expected_text}.", param, ctx)


paths_argument = click.argument("paths", nargs=-1, required=True, type=click.Path())


def run_argument(default: str = LATEST) -> Decorator:
    """The argument for the run to read; the command receives it as ``folder``."""
    return click.argument("folder", metavar="[RUN]", type=RunFolderParam(), default=default)


def limit_options(*, resuming: bool) -> Decorator:
    """The options for sessions, start rate and attempts; ``resuming``: without defaults."""

    def default(value: object) -> dict[str, Any]:
        return {} if resuming else {"default": value, "show_default": True}

    sessions_default = "" if resuming else " Default: as many as the embedded engine serves, or 10."
    return option_group(
        count_option(
            "--sessions",
            f"Stream this many recordings at once.{sessions_default}",
            ranges.SESSIONS,
        ),
        click.option(
            "--start-rate",
            type=StartRateParam(),
            metavar="auto|N",
            help="Start at most this many sessions a minute. “auto” starts 5 at the service, the "
            "limit of a free account, and more as long as the service accepts them.",
            **default("auto"),
        ),
        count_option(
            "--attempts",
            "Try each recording at most this many times in a row without a new final turn. If a "
            "session breaks, the next attempt "
            "continues where it broke.",
            ranges.ATTEMPTS,
            **default(4),
        ),
        click.option(
            "--dead-after",
            type=NumberRange(ranges.DEAD_AFTER_S),
            metavar="SECONDS",
            help="Treat a session as broken if nothing arrives from the server for this long.",
            **default(20.0),
        ),
    )


access_options = option_group(
    path_option(
        "--ca-file",
        help="Trust the certificate authorities in this PEM file instead of the system's.",
    ),
    path_option(
        "--api-key-file",
        "key_file",
        help="Read the API key from this file instead of ASSEMBLYAI_API_KEY.",
    ),
    click.option("--keyring", is_flag=True, help="Read the API key from the system's keyring."),
    click.option(
        "--unencrypted",
        is_flag=True,
        help="Allow ws:// to another machine. Audio, transcripts and key are sent unencrypted.",
    ),
)

prices_option = path_option(
    "--prices",
    "prices_file",
    help="Read prices that override the list prices from this TOML file. Default: prices.toml "
    "beside the settings, if there is one.",
)

reading_options = option_group(
    click.option(
        "--audio-track",
        metavar="N|LANGUAGE",
        help="Stream this audio track of a video: its number, or its language. Default: the first.",
    ),
    click.option(
        "--raw",
        metavar="ENCODING:RATE:CHANNELS",
        help="Read files without a header as samples in this format, such as s16le:8000:1.",
    ),
    click.option(
        "--from",
        "part_from",
        metavar="TIME",
        help="Start here in each recording, such as 90, 1:30 or 1:02:03.5. Default: at its start.",
    ),
    click.option(
        "--until",
        "part_until",
        metavar="TIME",
        help="Stop here in each recording. Default: at its end.",
    ),
    click.option(
        "--follow",
        is_flag=True,
        help="Stream files that are still being written, until their writer closes them.",
    ),
    click.option(
        "--remote",
        is_flag=True,
        help="Allow manifests to name recordings by their URLs, such as https:// or s3://.",
    ),
)
"""Which audio of a recording is read, and how; `parse_read_options` checks most of them."""


def _complete_models(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The speech models that Paceline knows, for a shell."""
    from workers.localserver.param_types import KNOWN_MODELS

    return [name for name in KNOWN_MODELS if name.startswith(incomplete) and name[0] != "_"]


def _complete_channels(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What may stand for channels apart from a number, for a shell."""
    return [name for name in ("mix", "left", "right", "split") if name.startswith(incomplete)]


destination_options = option_group(
    click.option("--endpoint", "url", metavar="URL", help="Stream to this v3 endpoint, ws or wss."),
    click.option("--local", is_flag=True, help="Stream to the embedded engine even with a key."),
    click.option(
        "--region",
        type=click.Choice(["us", "eu"]),
        help="Keep the data in this region of the service.",
    ),
    access_options,
)
"""Where a new run streams to; `parse_destination` checks them."""

target_options = option_group(
    destination_options,
    click.option(
        "--speech-model",
        default="u3-rt-pro",
        show_default=True,
        metavar="NAME",
        shell_complete=_complete_models,
        help="Use this speech model.",
    ),
    click.option(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        help="Also send this connection parameter. Repeat the option to send several.",
    ),
    click.option(
        "--chunk-ms",
        type=whole_number_in(ranges.CHUNK_MS),
        metavar="MS",
        default=100,
        show_default=True,
        help="Send this many ms of audio in each message.",
    ),
)
"""Where to stream, and what is sent with each recording."""

budget_option = click.option(
    "--budget",
    metavar="AMOUNT|TIME",
    help="Hold new sessions as soon as what is open would pass this amount, such as 5usd, or this "
    "time of open sockets, such as 2h.",
)

yes_option = click.option(
    "--yes",
    "is_confirmed",
    is_flag=True,
    help="Do not ask, whatever the run costs. Without this, a run that costs more than the setting "
    "ask_above asks on a terminal, and does not start without one.",
)


def fleet_option(*, resuming: bool) -> Decorator:
    """The option that names a Ray cluster."""
    off = " “off” goes on without it." if resuming else ""
    return click.option(
        "--fleet",
        metavar="auto|ray://HOST:PORT",
        help="Run the sessions on the nodes of this Ray cluster; “auto” is the one that this "
        f"machine is part of.{' Default: the one that the run used.' if resuming else ''}{off}",
    )


share_option = click.option(
    "--share-with-group",
    is_flag=True,
    help="Let the group of the run folder read it, and nobody else but you. Default: only you.",
)

new_run_options = option_group(
    target_options,
    click.option(
        "--sample-rate",
        type=int,
        metavar="HZ",
        help="Resample to this rate. Default: a recording from 8000 to 48000 Hz keeps its rate, "
        "any other becomes 16000 Hz.",
    ),
    click.option(
        "--channels",
        default="mix",
        show_default=True,
        metavar="mix|left|right|split|N",
        shell_complete=_complete_channels,
        help="Send the mix of all channels, or only this one of each recording, counted from 1. "
        "“split” streams both channels of a stereo call, each in a session of its own.",
    ),
    click.option(
        "--speakers",
        metavar="LEFT,RIGHT",
        help="Name the speakers of a call that is split, as in agent,caller. Default: left,right.",
    ),
    click.option(
        "--release",
        type=click.Choice(["start", "end"]),
        default="start",
        show_default=True,
        help="Send a chunk at the start of its interval, as the vendor's guide does, or at its "
        "end, as a microphone must.",
    ),
    click.option(
        "--no-keep-words",
        "keep_words",
        flag_value=False,
        default=True,
        help="Keep no words on disk, only their number and times. Such a run can be neither "
        "exported nor scored for accuracy.",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Count a recording as failed if not all of its audio could be decoded and sent.",
    ),
    click.option(
        "--speed",
        type=NumberRange(ranges.SPEED),
        default=1.0,
        show_default=True,
        metavar="FACTOR",
        help="Send this many times faster than speech, to the embedded engine or an endpoint of "
        "your own. The embedded engine then serves fewer sessions at once.",
    ),
    path_option(
        "--out",
        folder=True,
        help="Keep the run in this new or empty folder. Default: a new one in the user's state "
        "folder.",
    ),
    reading_options,
    click.option(
        "--matrix",
        multiple=True,
        metavar="NAME=VALUES",
        help="Stream each recording with each of these values, separated by commas, of "
        "speech_model, chunk_ms, release, sample_rate or a connection parameter. Repeat the option "
        "to combine several.",
    ),
    count_option(
        "--repeat",
        "Stream each recording this many times.",
        ranges.REPEATS,
        default=1,
        show_default=True,
    ),
    limit_options(resuming=False),
    click.option(
        "--shard",
        metavar="I/N",
        help="Stream only part I of N of the recordings, chosen by their paths, so that N machines "
        "share the work. --sessions and --start-rate then count for all of them together, and "
        "“paceline merge” makes their runs one.",
    ),
    share_option,
    budget_option,
    fleet_option(resuming=False),
    prices_option,
)

resume_options = option_group(
    access_options,
    click.option(
        "--strict/--no-strict",
        default=None,
        help="Count a recording as failed, or as done, if not all of its audio could be decoded "
        "and sent. Default: as the run did.",
    ),
    limit_options(resuming=True),
    budget_option,
    fleet_option(resuming=True),
    prices_option,
)

watch_option = click.option(
    "--watch",
    is_flag=True,
    help="Also stream what appears in the folders later, once it has stopped growing, until you "
    "end the run.",
)

verbosity_options = option_group(
    click.option(
        "--quiet", "-q", is_flag=True, help="Print only failures, and at the end the summary."
    ),
    click.option(
        "--verbose",
        "-v",
        is_flag=True,
        help="Also print when a recording was read and a session dialled, and every final turn.",
    ),
)

plain_option = click.option(
    "--plain",
    is_flag=True,
    help="For a screen reader: draw nothing, announce changes as lines, and take typed commands.",
)

notify_option = click.option(
    "--notify",
    is_flag=True,
    help="Ask the terminal for a desktop notification when all sessions have finished.",
)

log_options = option_group(
    click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),  # `workers.log.LEVELS`
        help="Log messages of this level and more severe ones. Default: nothing; info with "
        "--log-file.",
    ),
    path_option(
        "--log-file",
        help="Append the log to this file. Default: paceline.log in the run folder; “serve” logs "
        "to stderr.",
    ),
)


def enable_log(level: str | None, file: Path | None, default: Path | None) -> None:
    """Turns logging on if either option was given; without a file, logs to ``default`` or stderr.

    Raises `UsageProblem` when the file cannot be written.
    """
    if level is None and file is None:
        return
    from workers import log

    path = file or default
    try:
        log.enable(log.LogConfig(level or "info", str(path.absolute()) if path else None))
    except OSError as error:
        reason = f"the log file {path} cannot be written ({error.strerror})"
        raise UsageProblem(reason, "Choose another --log-file.") from error
