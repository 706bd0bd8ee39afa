"""Which node a session goes to."""

from workers.fleet.node_messages import NodeId
from workers.fleet.placement import Candidate, best_node


def node(
    name: str,
    sessions: int,
    capacity: int = 150,
    lag_ms: float | None = 1.0,
    has_file: bool | None = True,
) -> Candidate:
    return Candidate(NodeId(name), sessions, capacity, lag_ms, has_file)


def chosen(*nodes: Candidate) -> str | None:
    best = best_node(nodes)
    return None if best is None else best.id


def test_the_least_loaded_node_is_chosen() -> None:
    """By what it can take, not by what it has."""
    assert chosen(node("a", 20), node("b", 10)) == "b"
    assert chosen(node("a", 20, capacity=600), node("b", 10)) == "a"


def test_a_node_without_room_or_without_the_recording_is_not_chosen() -> None:
    """Even if there is no other."""
    assert chosen(node("a", 150)) is None
    assert chosen(node("a", 0, has_file=False)) is None
    assert chosen() is None


def test_a_node_that_paces_badly_is_the_last_choice() -> None:
    """Unless all do: then the machine of the tests is slow, not one of the nodes."""
    assert chosen(node("a", 0, lag_ms=80.0), node("b", 100, lag_ms=2.0)) == "b"
    assert chosen(node("a", 0, lag_ms=80.0), node("b", 150, lag_ms=2.0)) == "a"
    assert chosen(node("a", 0, lag_ms=80.0), node("b", 100, lag_ms=60.0)) == "a"


def test_of_two_equal_nodes_the_one_that_has_the_recording_is_chosen() -> None:
    """A node is asked only when it is idler: it may not have it."""
    assert chosen(node("a", 5, has_file=None), node("b", 5)) == "b"
    assert chosen(node("a", 4, has_file=None), node("b", 5)) == "a"
