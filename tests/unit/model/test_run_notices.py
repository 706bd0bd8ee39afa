"""What the desk says of the run as a whole."""

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import done, reports, streaming
from tui.keys.keymap import Keymap
from tui.model.desk_state import DeskState
from tui.model.run_notices import News
from tui.model.supervisor_protocol import REVIVED
from tui.theme.roles import Look
from tui.theme.symbols import UNICODE


def test_each_news_is_told_once() -> None:
    """An engine that came up again, each time; and when all is over, that it is."""
    state, supervisor = DeskState(), FakeSupervisor()
    news = News(state, supervisor, Look(UNICODE, Keymap()))
    for report in reports(1, *streaming()):
        state.apply(report)
    assert "" == news.latest()

    supervisor.revivals = 1
    assert [REVIVED, ""] == [news.latest(), news.latest()]
    supervisor.revivals = 3
    for report in reports(1, done()):
        state.apply(report)
    assert REVIVED == news.latest()
    assert news.latest().startswith("All is over: ")
    assert "" == news.latest()
