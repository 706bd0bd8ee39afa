"""Values that users write: positions, parts, tracks and raw formats."""

import pytest

from workers.audio.source import RawEncoding, RawFormat
from workers.errors import UsageProblem
from workers.sources import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("1:30", 90.0), ("1:02:03.5", 3723.5), ("0", 0.0), (" 0.25 ", 0.25)],
)
def test_a_position_is_seconds_minutes_or_hours(text: str, seconds: float):
    """Positions may be written as a player shows them."""
    assert values.position_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1:60", "1:2:3:4", "nan", "inf", "1e9", "1:-5", ":", "1:"]
)
def test_other_positions_are_refused(text: str):
    """What is not a position is refused with an explanation."""
    with pytest.raises(UsageProblem, match="is not a position"):
        values.position_s(text)


def test_an_empty_part_is_refused():
    """A part must end after its start."""
    assert values.part(1.0, None) == (1.0, None)
    with pytest.raises(UsageProblem, match="is empty"):
        values.part(2.0, 2.0)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("s16le:8000:1", RawFormat(RawEncoding.S16LE, 8000, 1)),
        ("MULAW:8000", RawFormat(RawEncoding.MULAW, 8000, 1)),
        ("f32le:48000:2", RawFormat(RawEncoding.F32LE, 48000, 2)),
    ],
)
def test_a_raw_format_has_encoding_rate_and_channels(text: str, raw: RawFormat):
    """Without a number of channels, it is mono."""
    assert values.raw_format(text) == raw


@pytest.mark.parametrize("text", ["", "s16le", "s16le:fast:1", "s16le:8000:1:2", "s99:8000:1"])
def test_other_raw_formats_are_refused(text: str):
    """What is not a format is refused, and the refusal shows how to write one."""
    with pytest.raises(UsageProblem):
        values.raw_format(text)


@pytest.mark.parametrize("text", ["s16le:999:1", "s16le:8000:0", "s16le:8000:65"])
def test_impossible_raw_formats_are_refused(text: str):
    """Rates and channels have limits."""
    with pytest.raises(UsageProblem, match="impossible"):
        values.raw_format(text)


@pytest.mark.parametrize("text", ["", "1", "12", "en", "deu", "pt-BR"])
def test_a_track_is_a_number_or_a_language(text: str):
    """Numbers count from 1; no text means the first track."""
    assert values.track(text) == text


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "english", "e"])
def test_other_tracks_are_refused(text: str):
    """Track 0 does not exist, and a language is given by its code."""
    with pytest.raises(UsageProblem, match="is not an audio track"):
        values.track(text)
