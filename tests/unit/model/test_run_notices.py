"""What the desk says of the run as a whole."""

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import ended_done, job_reports, streaming
from tui.keys.keymap import Keymap
from tui.model.desk_state import DeskState
from tui.model.run_notices import RunNotices
from tui.model.supervisor_protocol import SERVER_RESTARTED_MESSAGE
from tui.theme.roles import Look
from tui.theme.symbols import UNICODE


def test_each_news_is_told_once() -> None:
    """An engine that came up again, each time; and when all is over, that it is."""
    state, supervisor = DeskState(), FakeSupervisor()
    news = RunNotices(state, supervisor, Look(UNICODE, Keymap()))
    for report in job_reports(1, *streaming()):
        state.apply(report)
    assert "" == news.poll()

    supervisor.server_restarts = 1
    assert [SERVER_RESTARTED_MESSAGE, ""] == [news.poll(), news.poll()]
    supervisor.server_restarts = 3
    for report in job_reports(1, ended_done()):
        state.apply(report)
    assert SERVER_RESTARTED_MESSAGE == news.poll()
    assert news.poll().startswith("All finished: ")
    assert "" == news.poll()
