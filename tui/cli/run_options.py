"""What a run needs to know from the command line, checked and turned into values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tui.cli import api_key
from tui.cli.api_key import KEY_VARIABLE
from workers.errors import UsageProblem
from workers.jobs.job import NATIVE_RATES_HZ, Limits, StreamSettings
from workers.pacing.schedule import Release
from workers.protocol import endpoint
from workers.protocol.endpoint import Endpoint, EndpointKind, Secret
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.start_rate import FREE_STARTS_PER_MINUTE, StartRateLimiter
from workers.session.assignment import Timeouts

_REFUSED_PARAM_HINTS = {
    "speech_model": "Use --speech-model.",
    "sample_rate": "Use --sample-rate; what is sent is resampled to it.",
    "encoding": "Paceline decodes every file and sends pcm_s16le.",
    "token": f"Give the key in {KEY_VARIABLE}.",
}
"""Parameters that are not simply passed on, and what to do instead."""

DEFAULT_SESSIONS = 10
"""How many at once when neither the user nor the embedded engine says."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options that ``paceline`` and ``paceline run`` have in common."""

    settings: StreamSettings
    endpoint: Endpoint | None
    """None: the embedded engine."""
    key: Secret | None
    sessions: int | None
    start_rate: int | None
    """New ones a minute; None: as many as the endpoint lets in."""
    attempts: int
    dead_after: float
    out: Path | None
    log_level: str | None = None
    log_file: Path | None = None

    @property
    def destination(self) -> str:
        """Where it streams to, for people; the service with its region."""
        if self.endpoint is None:
            return endpoint.EMBEDDED_NAME
        nearest = self.endpoint_kind is EndpointKind.SERVICE and "(" not in self.endpoint.name
        return f"{self.endpoint.name} (nearest region)" if nearest else self.endpoint.name

    @property
    def endpoint_kind(self) -> EndpointKind:
        """Whose endpoint it is: only the service's costs money for certain."""
        return self.endpoint.kind if self.endpoint else EndpointKind.EMBEDDED

    @property
    def limits(self) -> Limits:
        """What a run that goes on later takes over."""
        return Limits(self.sessions, self.start_rate, self.attempts, self.dead_after)

    @property
    def start_limiter(self) -> StartRateLimiter:
        """The bound on new sessions; at the service it begins with what any account may start."""
        if self.start_rate is None and self.endpoint and self.endpoint.kind is EndpointKind.SERVICE:
            return StartRateLimiter(FREE_STARTS_PER_MINUTE, probing=True)
        return StartRateLimiter(self.start_rate)

    @property
    def retry_policy(self) -> RetryPolicy:
        """The bound on attempts."""
        return RetryPolicy(max_attempts=self.attempts)

    @property
    def timeouts(self) -> Timeouts:
        """How long sessions wait for the server."""
        return Timeouts(silence_s=self.dead_after)


def parse_options(
    *,
    url: str | None,
    local: bool,
    region: str | None,
    key_file: Path | None,
    keyring: bool,
    ca_file: Path | None,
    unencrypted: bool,
    speech_model: str,
    params: Iterable[str],
    chunk_ms: int,
    release: str,
    sample_rate: int | None,
    sessions: int | None,
    start_rate: int | None,
    attempts: int,
    dead_after: float,
    out: Path | None,
    log_level: str | None = None,
    log_file: Path | None = None,
) -> RunOptions:
    """The options as values; raises `UsageProblem` for what does not fit together.

    Where to: an endpoint that is named wins, else the service if there is a key, else the embedded
    engine.
    """
    variable = api_key.pop_env_key()
    if local and (url or region):
        raise UsageProblem("--local and another endpoint do not go together", "Choose one.")
    if url and region:
        raise UsageProblem("--endpoint and --region do not go together", "Choose one.")
    key = None if local else api_key.read_key(variable, key_file, keyring=keyring)
    ca = verify_ca_file(ca_file)
    target = None if local else _chosen_endpoint(url, region, key, unencrypted=unencrypted)
    if target is not None:
        target = replace(target, ca=ca)
    return RunOptions(
        settings=StreamSettings(
            chunk_ms=chunk_ms,
            release=Release(release),
            rate=_check_rate(sample_rate),
            speech_model=speech_model,
            params=tuple(_parse_param(each) for each in params),
        ),
        endpoint=target,
        key=key,
        sessions=sessions,
        start_rate=start_rate or None,
        attempts=attempts,
        dead_after=dead_after,
        out=out,
        log_level=log_level,
        log_file=log_file,
    )


def _chosen_endpoint(
    url: str | None, region: str | None, key: Secret | None, *, unencrypted: bool
) -> Endpoint | None:
    if url:
        return endpoint.custom_endpoint(url, allow_unencrypted=unencrypted)
    if region and key is None:
        raise UsageProblem("the service needs a key", f"Set {KEY_VARIABLE}.")
    return endpoint.service_endpoint(region) if key is not None else None


def verify_ca_file(file: Path | None) -> str | None:
    """The absolute path of a file of certificates, which is read once to see that it is one."""
    if file is None:
        return None
    import ssl  # slow to load

    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise UsageProblem(f"{file} holds no certificate", "It should be a PEM file.") from error
    except OSError as error:
        raise UsageProblem(
            f"the certificates in {file} cannot be read ({error.strerror})", "Check the path."
        ) from error
    return str(file.absolute())


def _check_rate(rate: int | None) -> int | None:
    if rate is not None and rate not in NATIVE_RATES_HZ:
        raise UsageProblem(
            f"{rate} Hz cannot be sent",
            f"--sample-rate is from {NATIVE_RATES_HZ[0]} to {NATIVE_RATES_HZ[-1]}.",
        )
    return rate


def _parse_param(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageProblem(f"“{text}” is no parameter", "Write --param NAME=VALUE.")
    if name in _REFUSED_PARAM_HINTS:
        raise UsageProblem(f"--param {name} is not passed on", _REFUSED_PARAM_HINTS[name])
    return name, value
