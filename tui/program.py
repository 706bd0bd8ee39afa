"""A run from its first process to its last: the run folder, the engine, the supervisor."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tui.options import SESSIONS, Options
from workers import run_folder
from workers.localserver.child import LocalServer
from workers.speech import endpoint
from workers.speech.endpoint import Secret
from workers.supervisor import Access, Supervisor

ENGINE_PATIENCE = 60.0
"""Seconds for the embedded engine to say its address; a slow disk has to load its packages."""


@contextmanager
def supervised(options: Options) -> Iterator[Supervisor]:
    """A supervisor at work in a new run folder; leaving it ends every process of the run.

    Raises a `PacelineError` when the run cannot begin.
    """
    folder = run_folder.create(options.out)
    with ExitStack() as stack:
        stack.callback(folder.discard_if_unused)
        if options.target is None:
            server = stack.enter_context(LocalServer(folder.path / "engine.log", options.sessions))

            def access() -> Access:
                url = server.address(ENGINE_PATIENCE)
                return Access(endpoint.embedded(url), Secret(server.token), server.capacity)
        else:
            found = Access(options.target, options.key, SESSIONS)

            def access() -> Access:
                return found

        yield stack.enter_context(
            Supervisor(
                access,
                folder,
                options.settings,
                sessions=options.sessions,
                start_rate=options.start_rate,
            )
        )
