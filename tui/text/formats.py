"""Numbers in words: counts, durations, sizes, sample rates and channels."""


def format_count(count: int, noun: str) -> str:
    """``1 job``, ``3 jobs``, ``1,204 files``; for nouns whose plural ends in s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_duration(seconds: float, *, show_hours: bool = False) -> str:
    """``3:07``, ``1:02:33``, rounded down; ``show_hours``: shows them even if they are 0."""
    whole = int(round(max(seconds, 0.0), 6))  # a sum of floats may be slightly too small
    minutes, rest = divmod(whole, 60)
    if show_hours or minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def format_bytes(size_bytes: int) -> str:
    """``812 B``, ``3.2 MB``: at most three digits before the unit."""
    number, unit = float(size_bytes), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if number < 999.5 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 99.5 else f"{number:.1f} {unit}"


def format_channels(channels: int) -> str:
    """``mono``, ``stereo``, ``6 channels``."""
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")


def format_khz(rate: int) -> str:
    """``44.1 kHz``."""
    return f"{rate / 1000:g} kHz"


def format_percent(share: float) -> str:
    """A share of 0 to 1; only 1 is 100 %, and nothing but 0 looks like 0."""
    percent = min(max(100 * share, 0.01), 100 if share == 1 else 99.99)
    return f"{percent:.0f} %" if 1 <= percent < 99 or share == 1 else f"{percent:.2f} %"
