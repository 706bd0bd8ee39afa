"""The table of allowed values."""

import math
from dataclasses import fields
from typing import Any

import click
import pytest

from tui.cli.run import run
from workers import ranges
from workers.jobs.job import Limits, StreamSettings
from workers.ranges import Range, range_of, shown

OPTIONS = {
    "chunk_ms": (StreamSettings, "chunk_ms"),
    "speed": (StreamSettings, "speed"),
    "sessions": (Limits, "sessions"),
    "attempts": (Limits, "attempts"),
    "dead_after": (Limits, "dead_after"),
}
"""Options of the command line, and the fields in which a run folder keeps them."""


@pytest.mark.parametrize("number", [-math.inf, -1.0, 0.49, 20.1, 1e300, math.inf, math.nan])
def test_what_is_no_number_is_in_no_range(number: float) -> None:
    assert number not in ranges.SPEED
    assert 1.0 in ranges.SPEED
    assert 0.5 in ranges.SPEED


def test_a_range_reads_as_a_sentence_goes_on() -> None:
    assert str(ranges.CHUNK_MS) == "from 50 to 1,000 ms"
    assert str(ranges.SPEED) == "from 0.5 to 20"
    assert str(Range(0, 10**16)) == "from 0 to 1e16"


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_has_the_range_of_its_field(name: str) -> None:
    """So what a command accepts can always be read back, and what it refuses cannot."""
    cls, field = OPTIONS[name]
    (option,) = (param for param in run.params if param.name == name)
    assert isinstance(option.type, click.IntRange | click.FloatRange)

    allowed = range_of(cls, field)
    assert (option.type.min, option.type.max) == (allowed.low, allowed.high)
    default = option.get_default(click.Context(run))
    assert not isinstance(default, int | float) or default in allowed


@pytest.mark.parametrize("cls", [Limits, StreamSettings])
def test_every_default_is_allowed(cls: type) -> None:
    for field in fields(cls):
        if field.name in ("rate", "chunk_ms", "speed", "sessions", "attempts", "dead_after"):
            default: Any = field.default
            assert default is None or default in range_of(cls, field.name)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        (1e300, "1e+300"),
        (10**30, str(10**30)),
        (10**4000, "a number with over 40 digits"),
        ("\x1b]52;c;x\x07\u202e", r"'\x1b]52;c;x\x07\u202e'"),
        ("a" * 10**6, f"'{'a' * 40}'…"),
        ({"a": 1}, "an object"),
        ([[[]]], "a list"),
    ],
)
def test_a_wrong_value_is_shown_short_and_clean(value: object, words: str) -> None:
    """It may come from a file that somebody prepared."""
    assert words == shown(value)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 40_000])
def test_a_path_that_no_system_call_takes_is_none(path: str) -> None:
    """Bytes that are not UTF-8 may be in a file's name, and stand as escapes there."""
    assert path not in ranges.PATH
    assert "caf\udce9.wav" in ranges.PATH
    assert "/a/\x1b[31mb.wav" in ranges.PATH
