"""The desk over a fleet: the column of nodes, their list, and draining one."""

from dataclasses import replace
from functools import partial

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import streaming
from tui.screens.nodes import NodesScreen
from workers.jobs.events import Connecting
from workers.jobs.node_status import NodeState, NodeStatus

NODES = (
    NodeStatus("worker-1", "10.0.0.1", NodeState.READY, "", 2, 300, 1.2, 31.0, 0.4, 0.2, 17.0),
    NodeStatus("worker-2", "10.0.0.2", NodeState.READY, "", 1, 300, 60.0, 98.0, -3.1, 0.3, 16.0),
    NodeStatus("worker-3", "10.0.0.3", NodeState.REFUSED, "it has Paceline 0.1, not 0.2"),
)


def three_nodes() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    for number, node in enumerate(("worker-1", "worker-1", "worker-2")):
        events = (
            replace(event, node=node) if isinstance(event, Connecting) else event
            for event in streaming()
        )
        supervisor.job(f"/rec/{number}.wav", *events)
    supervisor.fleet = list(NODES)
    return supervisor


def nodes_text(seat: DeskDriver) -> str:
    screen = seat.desk.screen
    assert isinstance(screen, NodesScreen)
    return "\n".join(
        line for name in ("#nodes", "#node") for line in rendered_lines(screen.query_one(name))
    )


def is_draining(seat: DeskDriver) -> bool:
    return "draining" in nodes_text(seat)


def sort_choices(seat: DeskDriver) -> list[str]:
    return rendered_lines(seat.desk.screen.query_one("#choices"))


async def test_the_table_says_where_each_session_runs(open_desk: DeskFactory) -> None:
    """A filter finds the sessions of a node; without a fleet there is no such column, and nothing
    to sort by it."""
    async with open_desk(three_nodes()) as seat:
        head = "".join(rendered_lines(seat.desk.screen.query_one("#head")))
        assert "NODE" in head
        assert ["worker-1", "worker-1", "worker-2"] == [
            word for line in seat.table_lines() for word in line.split() if "worker" in word
        ]
        await seat.press("slash", *"node:worker-2")
        assert "1 of 3" in "".join(rendered_lines(seat.desk.screen.query_one("#found")))
        await seat.press("enter", "s")
        assert any(" node " in line for line in sort_choices(seat))
    alone = FakeSupervisor()
    alone.job("/rec/one.wav", *streaming())
    async with open_desk(alone) as seat:
        assert "NODE" not in "".join(rendered_lines(seat.desk.screen.query_one("#head")))
        await seat.press("s")
        assert not any(" node " in line for line in sort_choices(seat))
        await seat.press("escape", "m")
        assert "All sessions run on this machine" in seat.footer_text()


async def test_nodes_are_listed_and_drained(open_desk: DeskFactory) -> None:
    """With what each carries, and why one cannot be used; changes are shown as they come."""
    supervisor = three_nodes()
    for size in ((120, 34), (80, 24)):
        async with open_desk(supervisor, size=size) as seat:
            supervisor.job("/rec/more.wav", *streaming())
            await seat.process_reports()
            await seat.press("m")
            shown = nodes_text(seat)
            assert "worker-1  ready" in shown
            assert "2/300" in shown
            assert "worker-3  refused" in shown
            assert "worker-1 on 10.0.0.1" in shown
            await seat.press("j", "j")
            assert "it has Paceline 0.1, not 0.2" in nodes_text(seat)
            await seat.press("k", "z")
            assert supervisor.drained == {"worker-2": True}
            assert "Node worker-2 gets no new sessions" in seat.footer_text()
            supervisor.fleet[1] = replace(NODES[1], state=NodeState.DRAINING)
            await seat.wait_until(partial(is_draining, seat))
            await seat.press("z")
            assert supervisor.drained["worker-2"] is False
            supervisor.fleet[1] = NODES[1]
            await seat.press("enter")
            assert not isinstance(seat.desk.screen, NodesScreen)
            assert seat.desk.state.table.filter.text == 'node:"worker-2"'
            await seat.press("m", "escape")
            assert not isinstance(seat.desk.screen, NodesScreen)
            supervisor.drained.clear()
