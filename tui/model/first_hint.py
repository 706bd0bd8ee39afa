"""The hint for somebody who opens the desk for the first time; once closed, it never returns."""

from tui.config.remembered_choices import load_choice, save_choice

HINT_CHOICE_KEY = "first hint"
"""The name of the remembered choice."""


class FirstHint:
    """Whether the hint is shown."""

    def __init__(self) -> None:
        self.is_shown = not load_choice(HINT_CHOICE_KEY)

    def close(self) -> bool:
        """Closes the hint for good; returns False if it was not shown."""
        was_shown, self.is_shown = self.is_shown, False
        if was_shown:
            save_choice(HINT_CHOICE_KEY, {"closed": True})
        return was_shown
