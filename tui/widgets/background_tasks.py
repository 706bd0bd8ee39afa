"""The base class of widgets and screens that run coroutines while they handle messages."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVarTuple

from textual.dom import DOMNode
from textual.messages import Prune

Arguments = TypeVarTuple("Arguments")


class BackgroundTasks(DOMNode):
    """A widget or screen whose tasks end when it closes. Must be the last base of a class, because
    Textual inherits CSS from the first one."""

    def start_task(
        self, group: str, task: Callable[[*Arguments], Awaitable[None]], *args: *Arguments
    ) -> None:
        """Starts a task. It replaces the running task of the same group, if there is one."""
        work: Callable[[], Awaitable[None]] = partial(task, *args)
        self.run_worker(work, group=group, exclusive=True)

    async def on_prune(self, event: Prune) -> None:
        """Cancels the tasks before the widgets that they use are removed."""
        self.workers.cancel_node(self)
