"""How many there are of something, and how long it is, in words."""


def format_count(count: int, noun: str) -> str:
    """``1 job``, ``3 jobs``, ``1,204 files``; for things whose plural only takes an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_duration(seconds: float, *, show_hours: bool = False) -> str:
    """``3:07``, ``1:02:33``; with ``show_hours`` always with them. A second counts when it is
    over."""
    whole = int(round(max(seconds, 0.0), 6))  # sums of floats lie a hair beside the sum
    minutes, rest = divmod(whole, 60)
    if show_hours or minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
    return f"{minutes}:{rest:02}"
