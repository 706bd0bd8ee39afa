"""How this system makes the processes of sessions."""

import multiprocessing
from multiprocessing.context import BaseContext

START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""A fork server starts a session in milliseconds and shares its memory; not every system has it."""

PRELOADED = [
    "workers.session.child",
    "workers.session.process",
    "workers.audio.probe",
    "workers.session.inheritance",
]
"""What the fork server loads once for all sessions; importing these starts no thread."""


def context() -> BaseContext:
    """What processes are made with."""
    return multiprocessing.get_context(START_METHOD)


def warm_up(context: BaseContext) -> None:
    """Starts the machinery. Before any screen replaces the standard error: it inherits that."""
    if START_METHOD == "forkserver":
        context.set_forkserver_preload(PRELOADED)
    context.Event()  # starts the resource tracker
    if START_METHOD == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()
