"""How many there are of something, in words."""


def counted(number: int, thing: str) -> str:
    """``1 job``, ``3 jobs``, ``1,204 files``; for things whose plural only takes an s."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
