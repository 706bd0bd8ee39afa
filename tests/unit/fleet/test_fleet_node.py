"""What a program tells an agent to forget."""

from workers.fleet.fleet_node import FleetNode
from workers.fleet.node_messages import NodeId, SessionExited, SessionKey


def test_an_agent_forgets_nothing_that_is_only_in_memory() -> None:
    """The program may be killed before a session is adopted; the next one asks again."""
    node = FleetNode(NodeId("a"), "a")
    node.known = 7
    assert node.kept == 7

    node.held_facts = [(n, SessionExited(SessionKey("1.1.ab"), "ended")) for n in (4, 6)]
    assert node.kept == 3
