"""Sets up a run: what it streams, its folder, the embedded engine and the supervisor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tui.cli.faults import RunFault
from tui.cli.run_options import DEFAULT_SESSIONS, RunOptions
from tui.cli.shared_options import enable_log
from tui.files.sources import path_below
from tui.model.recording_feed import RecordingFeed
from tui.model.run_forecast import RunForecaster
from workers import machine_limits, processes, secrecy
from workers.audio.discovery import SkippedPaths
from workers.audio.folder_watch import FolderWatch
from workers.audio.source import Source
from workers.errors import PacelineError
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.localserver.capacity import process_count, session_capacity
from workers.localserver.child import LocalServer
from workers.protocol.endpoint import embedded_endpoint
from workers.runs import run_folder
from workers.runs.run_folder import RunFolder
from workers.scheduling.launcher import SessionLauncher
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.spending import Spending
from workers.scheduling.start_rate import StartRateLimiter
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.secrecy import Secret
from workers.session.assignment import Timeouts

SERVER_START_TIMEOUT_S = 60.0
"""Maximum seconds until the embedded engine has an address; a slow disk delays its imports."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run streams: new recordings, or the jobs of an earlier run."""

    sources: Sequence[Source] = ()
    job_states: Sequence[JobState] = ()
    run_folder: RunFolder | None = None
    """The folder of the run to continue; None for a new run."""
    skipped: SkippedPaths = field(default_factory=SkippedPaths)
    """Paths that are not recordings."""
    search: Iterable[Source] = ()
    """Yields further recordings, while folders are still being searched."""
    watch: FolderWatch | None = None
    """Finds recordings that appear later; None: the run ends with the last recording."""

    def enqueue(self, supervisor: Supervisor) -> list[JobId]:
        """Queues everything; returns the jobs of the new recordings."""
        supervisor.resume(self.job_states)
        return supervisor.add(self.sources)

    def feed(self, supervisor: Supervisor, options: RunOptions) -> RecordingFeed:
        """Queues what is found later. A context manager."""
        watch = self.watch
        is_new = self.run_folder is None
        on_all_found = supervisor.complete_list if is_new else (lambda: None)
        if watch is None:
            return RecordingFeed(self.search, supervisor.add, on_all_found=on_all_found)
        for source in self.sources:
            watch.add_known(source.file)

        def new_sources(paths: Iterable[str]) -> Iterator[Source]:
            """What appears in the folders is read, and divided, like what was there before."""
            for path in paths:
                folder = next(folder for folder in watch.folders if path.startswith(folder))
                below = path_below(folder, path)
                source = Source(path, options.read_options, relative_path=below)
                if options.shard is None or options.shard.holds(source):
                    yield source

        return RecordingFeed(self.search, supervisor.add, watch, new_sources, on_all_found)


@contextmanager
def open_supervisor(options: RunOptions, folder: RunFolder | None = None) -> Iterator[Supervisor]:
    """Starts a supervisor in a new run folder, or in ``folder`` to continue that run.

    Ends every process of the run on exit. Raises a `PacelineError` when the run cannot begin, and
    `RunFault` for an unexpected exception.
    """
    machine_limits.raise_file_limit()
    folder = folder or run_folder.create(options.out, for_group=options.share_with_group)
    processes.ensure_temporary_folder(folder.path)
    limits = options.limits
    try:
        with ExitStack() as stack:
            stack.callback(folder.close)
            enable_log(options.log_level, options.log_file, folder.path / "paceline.log")
            secrecy.protect(options.key)
            # Written now, not by the first session, because there may be nothing to start yet.
            folder.set_header(options.endpoint, options.settings, limits, options.shard)
            yield stack.enter_context(
                Supervisor(
                    _access_provider(options, folder, stack),
                    folder,
                    options.settings,
                    max_sessions=options.session_share,
                    start_limiter=new_start_limiter(options),
                    retry_policy=RetryPolicy(max_attempts=limits.attempts),
                    timeouts=Timeouts(silence_s=limits.dead_after),
                    spending=_spending(options),
                    launcher=_enter_fleet(options, folder, stack),
                )
            )
    except (PacelineError, OSError):
        raise
    except Exception as error:
        raise RunFault(folder.faults_path) from error


def _spending(options: RunOptions) -> Spending:
    """Counts what the run spends. A budget, like other limits, is that of all shards together."""
    budget = options.limits.budget
    if budget is not None and options.shard is not None:
        budget = budget.share(options.shard.count)
    currency = options.prices.currency
    return Spending(options.session_price, currency=currency, budget=budget)


def new_forecaster(options: RunOptions) -> RunForecaster:
    """Forecasts what recordings will take with these options."""
    capacity = session_capacity(process_count(), options.settings.speed)
    usual = DEFAULT_SESSIONS if options.endpoint is not None else capacity
    return RunForecaster(
        options.settings,
        options.prices,
        options.session_price,
        options.session_share or usual,
        lambda: new_start_limiter(options),
    )


def _enter_fleet(
    options: RunOptions, folder: RunFolder, stack: ExitStack
) -> SessionLauncher | None:
    """Connects to the fleet that the user named. Raises `FleetProblem`."""
    if options.fleet is None:
        return None
    from workers.fleet.fleet import Fleet
    from workers.fleet.ray_transport import RayTransport

    log = folder.path / "ray.log"
    fleet = Fleet(
        lambda record, terms: RayTransport(record.address, record.run, log, terms),
        folder.path,
        options.fleet,
        starts_per_minute=None if options.probes_start_rate else options.limits.start_rate,
        needs_encryption=options.key is not None and not options.unencrypted,
    )
    return stack.enter_context(fleet)


def new_start_limiter(options: RunOptions) -> StartRateLimiter:
    """The limit on session starts; at the service it begins with the rate of a free account. A
    proxy gets a password once before it gets it from every session, since a wrong one may lock the
    account; so does an endpoint a model or parameter that it may not know."""
    proxy = options.proxy
    has_login = proxy is not None and proxy.user is not None
    return StartRateLimiter(
        options.starts_per_minute,
        probing=options.probes_start_rate,
        trial_first=has_login or bool(options.unknown_names),
        shard=options.shard,
        together=options.sessions_per_job,
    )


def _access_provider(
    options: RunOptions, folder: RunFolder, stack: ExitStack
) -> Callable[[], SessionTarget]:
    if options.endpoint is not None:
        target = SessionTarget(options.endpoint, options.key, DEFAULT_SESSIONS)
        return lambda: target
    log_path, sessions = folder.path / "engine.log", options.session_share
    server = stack.enter_context(LocalServer(log_path, sessions, options.settings.speed))
    secrecy.protect(Secret(server.api_key))

    def access() -> SessionTarget:
        server.restart_if_dead()
        url = server.wait_for_address(SERVER_START_TIMEOUT_S)
        key, sessions = Secret(server.api_key), server.capacity
        return SessionTarget(embedded_endpoint(url), key, sessions, server.restarts)

    return access
