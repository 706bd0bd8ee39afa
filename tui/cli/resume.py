"""``paceline resume``: what a run did not finish, as it was set up."""

from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

from tui.cli import api_key
from tui.cli.run_options import Options, authorities
from workers.errors import RunFolderProblem, UsageProblem
from workers.jobs.job import Limits
from workers.protocol import endpoint
from workers.protocol.endpoint import Endpoint, Kind, is_loopback
from workers.runs import reader
from workers.runs.reader import Past


def resumed(
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
) -> tuple[Options, Past]:
    """The run and the options to go on with it.

    Where it streams to and how is the run's, and so are the limits that are not named anew; the key
    is never kept, so it must be there again.
    Raises `UsageProblem`, `RunFolderProblem` or `Malformed`.
    """
    variable = api_key.forgotten()
    left = reader.past(path)
    target = _target(left.endpoint, url, unencrypted=unencrypted)
    if target is not None:
        target = replace(target, ca=authorities(ca_file))
    key = None if target is None else api_key.found(variable, key_file, keyring=keyring)
    if key is not None and target is not None and url is None and _elsewhere(target):
        raise UsageProblem(
            f"the run went to {target.name}, and a key is only sent where you say",
            f"Add --endpoint {target.address}",
        )
    if target is not None and target.kind is Kind.SERVICE and key is None:
        raise UsageProblem("the service needs a key", f"Set {api_key.KEY_VARIABLE}.")
    limits = Limits(
        sessions=sessions or left.limits.sessions,
        start_rate=left.limits.start_rate if start_rate is None else start_rate or None,
        attempts=attempts or left.limits.attempts,
        dead_after=dead_after or left.limits.dead_after,
    )
    options = Options(
        settings=left.settings,
        target=target,
        key=key,
        out=path,
        **asdict(limits),
    )
    return options, left


def _elsewhere(target: Endpoint) -> bool:
    """Not the service, and not on this machine: a run folder may come from anybody."""
    host = urlsplit(target.url).hostname or ""
    return target.kind is Kind.CUSTOM and not is_loopback(host)


def _target(found: Endpoint | None, url: str | None, *, unencrypted: bool) -> Endpoint | None:
    """As a command line names it: what a file says is checked like that, and what it trusts is not
    taken over."""
    if url is not None:
        return endpoint.custom(url, unencrypted=unencrypted)
    if found is None or found.kind is Kind.EMBEDDED:
        return None
    if found.kind is Kind.CUSTOM:
        return endpoint.custom(found.url, unencrypted=unencrypted)
    for region in (None, "us", "eu"):
        if (known := endpoint.service(region)).url == found.url:
            return known
    raise RunFolderProblem(f"there is no region of the service at {found.address}")
