"""The score tab, as lines."""

from tui.render.score_tab import delay_table
from tui.theme.symbols import UNICODE


def test_a_table_without_delays_has_no_head() -> None:
    """A session whose delays are invalid has one table less."""
    assert delay_table([], 120, UNICODE) == []
