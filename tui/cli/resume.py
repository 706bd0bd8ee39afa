"""``paceline resume``: what a run did not finish, as it was set up."""

from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

from tui.cli import api_key
from tui.cli.run_options import RunOptions, verify_ca_file
from workers.errors import RunFolderProblem, UsageProblem
from workers.jobs.job import Limits
from workers.protocol import endpoint
from workers.protocol.endpoint import Endpoint, EndpointKind, is_loopback
from workers.runs import reader
from workers.runs.reader import SavedRun


def prepare_resume(
    path: Path,
    *,
    url: str | None,
    ca_file: Path | None,
    key_file: Path | None,
    keyring: bool,
    unencrypted: bool,
    sessions: int | None,
    start_rate: int | None,
    attempts: int | None,
    dead_after: float | None,
    log_level: str | None = None,
    log_file: Path | None = None,
) -> tuple[RunOptions, SavedRun]:
    """The run and the options to go on with it.

    Where it streams to and how is the run's, and so are the limits that are not named anew; the key
    is never kept, so it must be there again.
    Raises `UsageProblem`, `RunFolderProblem` or `Malformed`.
    """
    variable = api_key.pop_env_key()
    left = reader.read_run(path)
    target = _resume_endpoint(left.endpoint, url, unencrypted=unencrypted)
    if target is not None:
        target = replace(target, ca=verify_ca_file(ca_file))
    key = None if target is None else api_key.read_key(variable, key_file, keyring=keyring)
    if key is not None and target is not None and url is None and _is_foreign_host(target):
        raise UsageProblem(
            f"the run went to {target.name}, and a key is only sent where you say",
            f"Add --endpoint {target.address}",
        )
    if target is not None and target.kind is EndpointKind.SERVICE and key is None:
        raise UsageProblem("the service needs a key", f"Set {api_key.KEY_VARIABLE}.")
    limits = Limits(
        sessions=sessions or left.limits.sessions,
        start_rate=left.limits.start_rate if start_rate is None else start_rate or None,
        attempts=attempts or left.limits.attempts,
        dead_after=dead_after or left.limits.dead_after,
    )
    options = RunOptions(
        settings=left.settings,
        endpoint=target,
        key=key,
        out=path,
        log_level=log_level,
        log_file=log_file,
        **asdict(limits),
    )
    return options, left


def _is_foreign_host(target: Endpoint) -> bool:
    """Not the service, and not on this machine: a run folder may come from anybody."""
    host = urlsplit(target.url).hostname or ""
    return target.kind is EndpointKind.CUSTOM and not is_loopback(host)


def _resume_endpoint(
    stored: Endpoint | None, url: str | None, *, unencrypted: bool
) -> Endpoint | None:
    """As a command line names it: what a file says is checked like that, and what it trusts is not
    taken over."""
    if url is not None:
        return endpoint.custom_endpoint(url, allow_unencrypted=unencrypted)
    if stored is None or stored.kind is EndpointKind.EMBEDDED:
        return None
    if stored.kind is EndpointKind.CUSTOM:
        return endpoint.custom_endpoint(stored.url, allow_unencrypted=unencrypted)
    for region in (None, "us", "eu"):
        if (known := endpoint.service_endpoint(region)).url == stored.url:
            return known
    raise RunFolderProblem(f"there is no region of the service at {stored.address}")
