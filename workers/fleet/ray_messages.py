"""What the program and its process for Ray say to each other."""

from dataclasses import dataclass
from typing import TypeAlias

from workers.fleet.node_messages import NodeId
from workers.fleet.transport import NoReply, Reply, TransportFact


@dataclass(frozen=True, slots=True)
class Call:
    """Calls a method of a node's agent."""

    number: int
    node: NodeId
    method: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class EndRay:
    """Ends the process."""

    end_agents: bool


@dataclass(frozen=True, slots=True)
class Returned:
    """A call has ended."""

    number: int
    reply: Reply | NoReply


ToRay: TypeAlias = Call | EndRay
FromRay: TypeAlias = Returned | TransportFact
