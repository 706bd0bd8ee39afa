"""``paceline resume``: what a run did not finish, as it was set up."""

from dataclasses import replace
from pathlib import Path

from tui import api_key
from tui.options import Options
from workers import past
from workers.errors import RunFolderProblem, UsageProblem
from workers.past import Past
from workers.speech import endpoint
from workers.speech.endpoint import Endpoint, Kind


def resumed(
    path: Path,
    *,
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
    target = _target(left.endpoint, unencrypted=unencrypted)
    key = None if target is None else api_key.found(variable, key_file, keyring=keyring)
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


def _target(found: Endpoint | None, *, unencrypted: bool) -> Endpoint | None:
    """As a command line names it: what a file says is not trusted with a key unchecked."""
    if found is None or found.kind is Kind.EMBEDDED:
        return None
    if found.kind is Kind.CUSTOM:
        return replace(endpoint.custom(found.url, unencrypted=unencrypted), ca=found.ca)
    for region in (None, "us", "eu"):
        if (known := endpoint.service(region)).url == found.url:
            return replace(known, ca=found.ca)
    raise RunFolderProblem(f"there is no region of the service at {found.address}")
