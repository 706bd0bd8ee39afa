"""Which node a session goes to."""

from random import Random

from workers.fleet.node_messages import NodeId
from workers.fleet.placement import MAX_COMPARED_NODES, Candidate, best_node, choose_node


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


def test_of_many_nodes_a_few_are_compared() -> None:
    """A thousand nodes are filled about evenly, and none of them is looked at for each session."""
    loads, looks = [0] * 1_000, 0

    def candidate_of(number: int) -> Candidate:
        nonlocal looks
        looks += 1
        return node(f"{number}", loads[number])

    chance = Random(1)
    for _ in range(10_000):
        best = choose_node(range(1_000), candidate_of, chance)
        assert best is not None
        loads[int(best.id)] += 1

    assert looks == 10_000 * MAX_COMPARED_NODES
    assert max(loads) <= 12


def test_the_only_node_with_room_is_found_among_many() -> None:
    """Whichever are drawn by chance."""
    nodes = [node(f"{number}", 150 if number else 0) for number in range(1_000)]

    assert choose_node(nodes, lambda one: one, Random(1)) is nodes[0]
    assert choose_node(nodes, lambda one: None, Random(1)) is None
