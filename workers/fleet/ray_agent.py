"""The agent of a node as a Ray actor. Imported by the process for Ray, and on the nodes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import ray

from workers.fleet.node_agent import NodeAgent

GROUP_THREADS = {"news": 3, "control": 1, "files": 2}
"""How many calls of each group an agent handles at once. Calls of one group arrive in order, and do
not wait for those of others. A question for news waits, so that a later one needs a thread of its
own."""
_GROUPS = {
    "news": ("next_news",),
    "control": ("start_session", "send", "kill"),
    "files": ("describe", "trace_info", "read_piece", "forget"),
}


class RayNodeAgent(NodeAgent):
    """A `NodeAgent` that tells Ray the group of each method. Ray's server for clients does not take
    it with the call."""


def _grouped(method: Callable[..., Any], group: str) -> Callable[..., Any]:
    @wraps(method)
    def call(agent: RayNodeAgent, *arguments: object) -> Any:
        return method(agent, *arguments)

    annotated: Callable[..., Any] = ray.method(concurrency_group=group)(call)
    return annotated


for _group, _names in _GROUPS.items():
    for _name in _names:
        setattr(RayNodeAgent, _name, _grouped(getattr(NodeAgent, _name), _group))
