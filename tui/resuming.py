"""``paceline resume``: what a run did not finish, as it was set up."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from tui import api_key
from tui.options import Options
from workers import past
from workers.errors import RunFolderProblem, UsageProblem
from workers.past import Past
from workers.speech import endpoint
from workers.speech.endpoint import Endpoint, Kind, is_loopback


def resumed(
    path: Path,
    *,
    url: str | None,
    key_file: Path | None,
    keyring: bool,
    unencrypted: bool,
    sessions: int | None,
    start_rate: int | None,
    attempts: int,
    dead_after: float,
) -> tuple[Options, Past]:
    """The run and the options to go on with it.

    Where it streams to and how is the run's; the key is never kept, so it must be there again.
    Raises `UsageProblem`, `RunFolderProblem` or `Malformed`.
    """
    variable = api_key.forgotten()
    left = past.past(path)
    target = _target(left.endpoint, url, unencrypted=unencrypted)
    key = None if target is None else api_key.found(variable, key_file, keyring=keyring)
    if key is not None and target is not None and url is None and _elsewhere(target):
        raise UsageProblem(
            f"the run went to {target.name}, and a key is only sent where you say",
            f"Add --endpoint {target.address}",
        )
    if target is not None and target.kind is Kind.SERVICE and key is None:
        raise UsageProblem("the service needs a key", f"Set {api_key.KEY_VARIABLE}.")
    options = Options(
        settings=left.settings,
        target=target,
        key=key,
        sessions=sessions,
        start_rate=start_rate,
        attempts=attempts,
        dead_after=dead_after,
        out=path,
    )
    return options, left


def _elsewhere(target: Endpoint) -> bool:
    """Not the service, and not on this machine: a run folder may come from anybody."""
    host = urlsplit(target.url).hostname or ""
    return target.kind is Kind.CUSTOM and not is_loopback(host)


def _target(found: Endpoint | None, url: str | None, *, unencrypted: bool) -> Endpoint | None:
    """As a command line names it: what a file says is checked like that too."""
    if url is not None:
        ca = found.ca if found else None
        return replace(endpoint.custom(url, unencrypted=unencrypted), ca=ca)
    if found is None or found.kind is Kind.EMBEDDED:
        return None
    if found.kind is Kind.CUSTOM:
        return replace(endpoint.custom(found.url, unencrypted=unencrypted), ca=found.ca)
    for region in (None, "us", "eu"):
        if (known := endpoint.service(region)).url == found.url:
            return replace(known, ca=found.ca)
    raise RunFolderProblem(f"there is no region of the service at {found.address}")
