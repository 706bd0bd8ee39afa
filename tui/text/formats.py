"""Formats counts, durations, sizes, sample rates, channels and paths for users."""

import shlex
from pathlib import Path


def format_count(count: int, noun: str) -> str:
    """Formats a count, such as ``1 job`` or ``1,204 files``; adds an s for the plural."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_duration(seconds: float, *, show_hours: bool = False, is_exact: bool = True) -> str:
    """Formats ``3:07`` or ``1:02:33``, rounded down; ``show_hours``: show hours even if 0.

    A duration that is only an estimate begins with ``~``.
    """
    if not is_exact:
        return "~" + format_duration(seconds, show_hours=show_hours)
    whole = int(round(max(seconds, 0.0), 6))  # float sums may be slightly too small
    minutes, rest = divmod(whole, 60)
    if show_hours or minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def format_bytes(size_bytes: int) -> str:
    """Formats a size as ``812 B`` or ``3.2 MB``: at most three digits before the unit."""
    number, unit = float(size_bytes), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if number < 999.5 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 99.5 else f"{number:.1f} {unit}"


def format_channels(channels: int) -> str:
    """Returns ``mono``, ``stereo`` or ``6 channels``."""
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")


def format_khz(rate: int) -> str:
    """Formats a rate in Hz as ``44.1 kHz``."""
    return f"{rate / 1000:g} kHz"


def format_speed(speed: float) -> str:
    """Formats a speed as ``4× speed``."""
    return f"{speed:g}× speed"


def at_speed(speed: float) -> str:
    """Formats a speed for the end of a phrase, as `` at 4× speed``; the speed of speech as ""."""
    return "" if speed == 1 else f" at {format_speed(speed)}"


def format_percent(share: float) -> str:
    """Formats a share from 0 to 1, with decimals near both ends; only 1 is shown as 100 %."""
    percent = min(max(100 * share, 0.01), 100 if share == 1 else 99.99)
    return f"{percent:.0f} %" if 1 <= percent < 99 or share == 1 else f"{percent:.2f} %"


def shell_path(path: Path) -> str:
    """A path as a shell's word that no command takes for an option."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))
