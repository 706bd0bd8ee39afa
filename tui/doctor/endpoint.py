"""Where a run would stream to, and whether that can be reached."""

from collections.abc import Iterator

from tui.doctor.finding import Finding, State, Topic
from workers.errors import UsageProblem
from workers.protocol.endpoint import Endpoint, EndpointKind
from workers.protocol.endpoint_trial import EndpointTrial, try_endpoint
from workers.protocol.proxies import find_proxy
from workers.protocol.unreachable import Unreachable
from workers.secrecy import KEY_VARIABLE

MAX_SKEW_S = 30.0
"""A clock that is further off makes certificates seem invalid, and times misleading."""


def check_endpoint(endpoint: Endpoint | None, *, has_key: bool) -> Iterator[Finding]:
    """``endpoint``: None for the embedded engine, which needs no network."""
    yield _key(endpoint, has_key=has_key)
    if endpoint is None:
        return
    try:
        proxy = find_proxy(endpoint.url)
    except UsageProblem as problem:
        yield Finding(Topic.ENDPOINT, "proxy", State.FAILED, problem.reason, problem.hint)
        return
    if proxy is not None:
        text = f"through {proxy.address}, as {proxy.variable} says"
        yield Finding(Topic.ENDPOINT, "proxy", State.OK, text)
    try:
        trial = try_endpoint(endpoint.url, endpoint.ca)
    except Unreachable as error:
        yield Finding(Topic.ENDPOINT, "connection", State.FAILED, error.reason, error.hint)
        return
    yield _connection(endpoint, trial)
    yield clock_finding(trial.skew_s)


def _key(endpoint: Endpoint | None, *, has_key: bool) -> Finding:
    if endpoint is None:
        name = "the embedded engine on this machine"
        text = f"a run streams to {name}" + ("" if has_key else ", because there is no API key")
        remedy = "" if has_key else f"export {KEY_VARIABLE}=…, to stream to the service"
        return Finding(Topic.ENDPOINT, "destination", State.OK, text, remedy)
    text = f"a run streams to {endpoint.name} at {endpoint.address}"
    if not has_key:
        return Finding(
            Topic.ENDPOINT,
            "destination",
            State.FAILED if endpoint.kind is EndpointKind.SERVICE else State.OK,
            f"{text}, without an API key",
            f"export {KEY_VARIABLE}=…",
        )
    return Finding(Topic.ENDPOINT, "destination", State.OK, f"{text}, with an API key")


def _connection(endpoint: Endpoint, trial: EndpointTrial) -> Finding:
    steps = [f"TCP {trial.connect_ms:.0f} ms"]
    if trial.addresses:
        steps.insert(0, f"DNS {trial.resolve_ms:.0f} ms")
    if trial.tls:
        steps.append(f"{trial.tls} {trial.tls_ms:.0f} ms")
    else:
        steps.append("unencrypted")
    return Finding(
        Topic.ENDPOINT,
        "connection",
        State.OK,
        f"reached: {', '.join(steps)}",
        "",
        {
            "addresses": list(trial.addresses),
            "resolve_ms": round(trial.resolve_ms, 3),
            "connect_ms": round(trial.connect_ms, 3),
            "tls": trial.tls,
            "tls_ms": round(trial.tls_ms, 3),
        },
    )


def clock_finding(skew_s: float | None) -> Finding:
    if skew_s is None:
        return Finding(Topic.ENDPOINT, "clock", State.MISSING, "the server does not tell its time")
    values = {"skew_s": round(skew_s, 1)}
    if abs(skew_s) <= MAX_SKEW_S:
        text = "this machine's clock agrees with the server's"
        return Finding(Topic.ENDPOINT, "clock", State.OK, text, "", values)
    direction = "ahead of" if skew_s > 0 else "behind"
    text = f"this machine's clock is {abs(skew_s):.0f} s {direction} the server's"
    return Finding(Topic.ENDPOINT, "clock", State.WARNING, text, "timedatectl set-ntp true", values)
