"""The interface between a fleet and the cluster that connects it with its nodes.

`workers.fleet.ray_transport` uses Ray; a transport for another cluster needs only this.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from workers.fleet.node_messages import NodeId


@dataclass(frozen=True, slots=True)
class NodeFound:
    """A node has joined, and its agent runs."""

    node: NodeId
    name: str  # as the cluster calls it; may be an address, and several may have one
    description: Mapping[str, Any]  # `NodeAgent.describe`


@dataclass(frozen=True, slots=True)
class NodeUnusable:
    """A node has joined, but no agent runs there."""

    node: NodeId
    name: str
    problem: str
    """Why, as a sentence."""


@dataclass(frozen=True, slots=True)
class AgentDied:
    """The agent of a node is surely gone, and so its sessions end by themselves."""

    node: NodeId
    problem: str


@dataclass(frozen=True, slots=True)
class ConnectionMade:
    """The transport has reached the cluster, which now has these nodes."""

    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """The transport cannot reach the cluster."""

    problem: str
    hint: str
    is_final: bool
    """False if it will try again."""


TransportFact: TypeAlias = NodeFound | NodeUnusable | AgentDied | ConnectionMade | ConnectionFailed


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call returned."""

    value: Any
    asked_at: float  # our wall clock when the call left
    returned_at: float  # our wall clock when the reply came


@dataclass(frozen=True, slots=True)
class NoReply:
    """A call has failed, and it is not known whether the node has seen it."""

    problem: str


OnReply: TypeAlias = Callable[[Reply | NoReply], None]


class Transport(Protocol):
    """Calls the agents of nodes. No method blocks but `close`; facts and replies come in one thread
    of the transport."""

    def start(self, on_fact: Callable[[TransportFact], None]) -> None:
        """Connects to the cluster, and starts an agent on each node that it has or gets."""

    def call(
        self,
        node: NodeId,
        method: str,
        *arguments: object,
        on_reply: OnReply | None = None,
    ) -> None:
        """Calls a method of a node's agent. ``on_reply`` is called once, or never. News, what is
        sent to sessions, and files do not wait for each other."""

    def close(self, *, end_agents: bool) -> None:
        """Disconnects. ``end_agents``: ends the agents, which have no sessions any more."""
