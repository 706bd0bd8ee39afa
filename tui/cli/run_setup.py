"""Sets up a run: what it streams, its folder, the embedded engine and the supervisor."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tui.cli.faults import RunFault
from tui.cli.log_options import enable_log
from tui.cli.run_options import DEFAULT_SESSIONS, RunOptions
from workers import log
from workers.errors import PacelineError
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.localserver.child import LocalServer
from workers.protocol import endpoint
from workers.protocol.endpoint import Secret
from workers.runs import run_folder
from workers.runs.run_folder import RunFolder
from workers.scheduling.supervisor import SessionTarget, Supervisor

SERVER_START_TIMEOUT_S = 60.0
"""Seconds until the embedded engine must have an address; its packages load from a slow disk."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run streams: new files, or the jobs of an earlier run."""

    files: Sequence[str] = ()
    job_states: Sequence[JobState] = ()
    run_folder: RunFolder | None = None
    """The folder of the run that goes on; None for a new run."""
    skipped: Sequence[tuple[str, str]] = ()
    """Paths that are no recordings, each with the reason."""

    def enqueue(self, supervisor: Supervisor) -> list[JobId]:
        """Queues everything; returns the jobs of the new files."""
        supervisor.resume(self.job_states)
        return supervisor.add(self.files)

    @property
    def remaining_count(self) -> int:
        """How many recordings are left to stream."""
        return len(self.files) + sum(not job_state.is_settled for job_state in self.job_states)


@contextmanager
def open_supervisor(options: RunOptions, folder: RunFolder | None = None) -> Iterator[Supervisor]:
    """Starts a supervisor in a new run folder, or in ``folder`` to go on with that run.

    Ends every process of the run on exit. Raises a `PacelineError` when the run cannot begin, and
    `RunFault` for an unexpected exception.
    """
    folder = folder or run_folder.create(options.out)
    with ExitStack() as stack:
        stack.callback(folder.close)
        stack.enter_context(_faults_of(folder))
        enable_log(options.log_level, options.log_file, folder.path / "paceline.log")
        if options.key is not None:
            log.add_redaction(options.key.redact)
        # Here and not with the first session: there may be nothing to start yet.
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


@contextmanager
def _faults_of(folder: RunFolder) -> Iterator[None]:
    """Makes a bug one of this run, whose folder then takes the traceback."""
    try:
        yield
    except (PacelineError, OSError):
        raise
    except Exception as error:
        raise RunFault(folder.faults_path) from error


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
