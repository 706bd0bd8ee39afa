"""The options with which a run continues: its own, unless the command line overrides them."""

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from tui.cli.api_key import pop_env_key, read_key
from tui.cli.console import print_warnings
from tui.cli.run_options import RunOptions, check_endpoint_speed, checked_ca_file, checked_fleet
from workers.errors import RunFolderProblem, UsageProblem
from workers.fleet import fleet_record
from workers.jobs.job import Limits
from workers.jobs.job_state import JobState
from workers.prices.budget import parse_budget
from workers.prices.price_list import load_prices
from workers.protocol import endpoint
from workers.protocol.endpoint import Endpoint, EndpointKind
from workers.protocol.proxies import find_proxy
from workers.runs.index import RunIndex
from workers.runs.reader import read_run
from workers.secrecy import KEY_VARIABLE


def prepare_resume(
    folder: Path,
    index: RunIndex | None = None,
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
    strict: bool | None = None,
    budget: str | None = None,
    fleet: str | None = None,
    prices_file: Path | None = None,
    log_level: str | None = None,
    log_file: Path | None = None,
) -> tuple[RunOptions, list[JobState]]:
    """Returns the options to continue a run with, and its jobs. ``index``: as for `read_run`.

    Endpoint, settings and limits are those of the run unless arguments override them. The key is
    never stored, so it is read again. Raises `UsageProblem`, `RunFolderProblem` or `Malformed`.
    """
    env_key = pop_env_key()
    saved = read_run(folder, index)
    print_warnings(saved.warnings)
    key = None
    target = _resume_endpoint(saved.endpoint, url, unencrypted=unencrypted)
    if target is not None:
        target = replace(target, ca=checked_ca_file(ca_file))
        find_proxy(target.url)  # raises if the environment names one that cannot be used
        key = read_key(env_key, key_file, keyring=keyring)
        if key is None and target.kind is EndpointKind.SERVICE:
            raise UsageProblem("the service needs a key", f"Set {KEY_VARIABLE}.")
        stored_custom = target.kind is EndpointKind.CUSTOM and url is None
        is_here = endpoint.is_loopback(urlsplit(target.url).hostname or "")
        if key and stored_custom and not (is_here and _is_own(folder)):
            # Somebody else may have created this folder, to receive the key on another machine, or
            # on this one.
            reason = f"this run used {target.name}; the key is only sent to an endpoint you specify"
            raise UsageProblem(reason, f"Add --endpoint {target.address}")
    cluster = _resume_fleet(folder, fleet)
    if key and cluster not in (None, "auto") and fleet is None:  # for the same reason
        reason = (
            f"this run used the fleet at {cluster}; the key is only sent to a fleet you specify"
        )
        raise UsageProblem(reason, f"Add --fleet {cluster}")
    check_endpoint_speed(saved.settings.speed, target)
    prices = load_prices(prices_file)
    limits = Limits(
        sessions=sessions or saved.limits.sessions,
        start_rate=saved.limits.start_rate if start_rate is None else start_rate or None,
        attempts=attempts or saved.limits.attempts,
        dead_after=dead_after or saved.limits.dead_after,
        budget=saved.limits.budget if budget is None else parse_budget(budget, prices),
    )
    settings = saved.settings if strict is None else replace(saved.settings, strict=strict)
    options = RunOptions(
        settings,
        target,
        key,
        limits,
        folder,
        log_level,
        log_file,
        shard=saved.shard,
        fleet=cluster,
        unencrypted=unencrypted,
        sessions_per_job=2 if any(job.half is not None for job in saved.jobs) else 1,
        prices=prices,
    )
    _ = options.session_share  # raises if the limit cannot be divided
    options.check_budget()
    return options, saved.jobs


def _resume_fleet(folder: Path, fleet: str | None) -> str | None:
    """The address of the cluster to continue on; None for this machine."""
    if fleet is not None:
        return None if fleet == "off" else checked_fleet(fleet)
    record = fleet_record.load_record(folder)
    return None if record is None else checked_fleet(record.address)


def _is_own(folder: Path) -> bool:
    """Whether a folder belongs to the user, or to root, who needs no such way to a key."""
    return not hasattr(os, "geteuid") or folder.stat().st_uid in (0, os.geteuid())


def _resume_endpoint(
    stored: Endpoint | None, url: str | None, *, unencrypted: bool
) -> Endpoint | None:
    """The endpoint to resume at, checked like an option. Its file of certificates is not set."""
    if url is None and stored is not None and stored.kind is EndpointKind.CUSTOM:
        url = stored.url
    if url is not None:
        return endpoint.custom_endpoint(url, allow_unencrypted=unencrypted)
    if stored is None or stored.kind is EndpointKind.EMBEDDED:
        return None
    for region in (None, "us", "eu"):
        if (known := endpoint.service_endpoint(region)).url == stored.url:
            return known
    raise RunFolderProblem(f"the service has no region at {stored.address}")
