"""Reads values that users write in options and manifests. Each raises `UsageProblem`."""

from workers.audio.source import RawEncoding, RawFormat
from workers.errors import UsageProblem
from workers.ranges import POSITION_S, RATE_HZ, RAW_CHANNELS, TRACK


def position_s(text: str) -> float:
    """A position in a recording, in seconds: ``90``, ``1:30``, ``1:02:03.5``."""
    parts = text.strip().split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    is_valid = 1 <= len(numbers) <= 3 and all(number >= 0 for number in numbers)
    is_valid = is_valid and all(number < 60 for number in numbers[1:])
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    if not is_valid or seconds not in POSITION_S:
        reason = f"“{text}” is not a position in a recording"
        raise UsageProblem(reason, "Write seconds, such as 90, or 1:30, or 1:02:03.5.")
    return seconds


def part(start_s: float, end_s: float | None) -> tuple[float, float | None]:
    """Checks that a part of a recording contains something, and returns it."""
    if end_s is not None and start_s >= end_s:
        reason = f"the part from {start_s:g} s until {end_s:g} s is empty"
        raise UsageProblem(reason, "Its end must be after its start.")
    return start_s, end_s


def track(text: str) -> str:
    """An audio track: its number from 1, or a language such as ``en`` or ``deu``."""
    if text not in TRACK:
        hint = "Write its number, from 1, or its language, such as en or deu."
        raise UsageProblem(f"“{text}” is not an audio track", hint)
    return text


def raw_format(text: str) -> RawFormat:
    """A format without a header: ``ENCODING:RATE:CHANNELS``, such as ``s16le:8000:1``."""
    name, *numbers = text.split(":")
    encodings = ", ".join(encoding.value for encoding in RawEncoding)
    try:
        encoding = RawEncoding(name.lower())
    except ValueError:
        reason = f"“{name}” is not an encoding of samples"
        raise UsageProblem(reason, f"Encodings: {encodings}") from None
    try:
        rate, channels = (
            int(number) for number in (numbers if len(numbers) == 2 else [*numbers, "1"])
        )
    except ValueError:
        hint = "Write --raw ENCODING:RATE:CHANNELS, such as s16le:8000:1."
        raise UsageProblem(f"“{text}” is not a raw format", hint) from None
    if rate not in RATE_HZ or channels not in RAW_CHANNELS:
        hint = f"A rate is {RATE_HZ}; channels are {RAW_CHANNELS}."
        raise UsageProblem(f"the raw format “{text}” is impossible", hint)
    return RawFormat(encoding, rate, channels)
