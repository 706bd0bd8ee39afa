"""A run from its first process to its last: the run folder, the engine, the supervisor."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tui.cli.run_options import SESSIONS, Options
from workers.localserver.child import LocalServer
from workers.protocol import endpoint
from workers.protocol.endpoint import Secret
from workers.runs import run_folder
from workers.runs.run_folder import RunFolder
from workers.scheduling.supervisor import Access, Supervisor

ENGINE_PATIENCE = 60.0
"""Seconds for the embedded engine to say its address; a slow disk has to load its packages."""


@contextmanager
def supervised(options: Options, folder: RunFolder | None = None) -> Iterator[Supervisor]:
    """A supervisor at work in a new run folder, or in one that goes on.

    Leaving it ends every process of the run. Raises a `PacelineError` when the run cannot begin.
    """
    folder = folder or run_folder.create(options.out)
    with ExitStack() as stack:
        stack.callback(folder.close)
        # At once: there may be nothing to start yet.
        folder.describe(options.target, options.settings, options.limits)
        yield stack.enter_context(
            Supervisor(
                _access(options, folder, stack),
                folder,
                options.settings,
                sessions=options.sessions,
                starts=options.starts,
                retries=options.retries,
                patience=options.patience,
            )
        )


def _access(options: Options, folder: RunFolder, stack: ExitStack) -> Callable[[], Access]:
    if options.target is not None:
        found = Access(options.target, options.key, SESSIONS)
        return lambda: found
    server = stack.enter_context(LocalServer(folder.path / "engine.log", options.sessions))

    def access() -> Access:
        server.revive()
        url = server.address(ENGINE_PATIENCE)
        key, sessions = Secret(server.token), server.capacity
        return Access(endpoint.embedded(url), key, sessions, server.revivals)

    return access
