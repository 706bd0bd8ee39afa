"""How the first screen is divided between table and details; remembered for the next desk."""

from dataclasses import dataclass
from typing import Self

from tui.config.remembered_choices import load_choice, save_choice

SPLIT_CHOICE_KEY = "split"
"""The name of the remembered choice."""

MIN_PERCENT, MAX_PERCENT, STEP_PERCENT = 20, 80, 5


@dataclass(slots=True)
class Split:
    """The share of the table, in percent: of the rows if the details are below it, of the columns
    if they are beside it."""

    rows: int = 56
    columns: int = 58

    @classmethod
    def load(cls) -> Self:
        """The remembered shares; the default for one that is missing or not valid."""
        stored, split = load_choice(SPLIT_CHOICE_KEY), cls()
        for name in ("rows", "columns"):
            percent = stored.get(name)
            if isinstance(percent, int) and MIN_PERCENT <= percent <= MAX_PERCENT:
                setattr(split, name, percent)
        return split

    def set(self, percent: int, *, beside: bool) -> None:
        """Sets a share, as near as is allowed."""
        percent = min(max(percent, MIN_PERCENT), MAX_PERCENT)
        if beside:
            self.columns = percent
        else:
            self.rows = percent

    def step(self, steps: int, *, beside: bool) -> None:
        """Makes the table larger by steps of 5 %, or smaller if ``steps`` is negative."""
        now = self.columns if beside else self.rows
        self.set(now + steps * STEP_PERCENT, beside=beside)

    def save(self) -> None:
        """Remembers the shares."""
        save_choice(SPLIT_CHOICE_KEY, {"rows": self.rows, "columns": self.columns})
