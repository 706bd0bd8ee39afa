"""A run from its first process to its last: the run folder, the engine, the supervisor."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tui.cli.log_options import enable_log
from tui.cli.run_options import DEFAULT_SESSIONS, RunOptions
from workers import log
from workers.localserver.child import LocalServer
from workers.protocol import endpoint
from workers.protocol.endpoint import Secret
from workers.runs import run_folder
from workers.runs.run_folder import RunFolder
from workers.scheduling.supervisor import SessionTarget, Supervisor

SERVER_START_TIMEOUT_S = 60.0
"""Seconds for the embedded engine to say its address; a slow disk has to load its packages."""


@contextmanager
def open_supervisor(options: RunOptions, folder: RunFolder | None = None) -> Iterator[Supervisor]:
    """A supervisor at work in a new run folder, or in one that goes on.

    Leaving it ends every process of the run. Raises a `PacelineError` when the run cannot begin.
    """
    folder = folder or run_folder.create(options.out)
    with ExitStack() as stack:
        stack.callback(folder.close)
        enable_log(options.log_level, options.log_file, folder.path / "paceline.log")
        if options.key is not None:
            log.add_redaction(options.key.redact)
        # At once: there may be nothing to start yet.
        folder.set_header(options.endpoint, options.settings, options.limits)
        yield stack.enter_context(
            Supervisor(
                _access_provider(options, folder, stack),
                folder,
                options.settings,
                max_sessions=options.sessions,
                start_limiter=options.start_limiter,
                retry_policy=options.retry_policy,
                timeouts=options.timeouts,
            )
        )


def _access_provider(
    options: RunOptions, folder: RunFolder, stack: ExitStack
) -> Callable[[], SessionTarget]:
    if options.endpoint is not None:
        found = SessionTarget(options.endpoint, options.key, DEFAULT_SESSIONS)
        return lambda: found
    server = stack.enter_context(LocalServer(folder.path / "engine.log", options.sessions))
    log.add_redaction(Secret(server.api_key).redact)

    def access() -> SessionTarget:
        server.restart_if_dead()
        url = server.wait_for_address(SERVER_START_TIMEOUT_S)
        key, sessions = Secret(server.api_key), server.capacity
        return SessionTarget(endpoint.embedded_endpoint(url), key, sessions, server.restarts)

    return access
