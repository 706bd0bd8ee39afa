"""What a run needs to know from the command line, checked and turned into values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tui.cli import api_key
from tui.cli.api_key import KEY_VARIABLE
from workers.errors import UsageProblem
from workers.jobs.job import RATES, Limits, Settings
from workers.pacing.schedule import Release
from workers.protocol import endpoint
from workers.protocol.endpoint import Endpoint, Kind, Secret
from workers.scheduling.retry_policy import Retries
from workers.scheduling.start_rate import FREE, Starts
from workers.session.assignment import Patience

_OTHERWISE = {
    "speech_model": "Use --speech-model.",
    "sample_rate": "Use --sample-rate; what is sent is resampled to it.",
    "encoding": "Paceline decodes every file and sends pcm_s16le.",
    "token": f"Give the key in {KEY_VARIABLE}.",
}
"""Parameters that are not simply passed on, and what to do instead."""

SESSIONS = 10
"""How many at once when neither the user nor the embedded engine says."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options that ``paceline`` and ``paceline run`` have in common."""

    settings: Settings
    target: Endpoint | None
    """None: the embedded engine."""
    key: Secret | None
    sessions: int | None
    start_rate: int | None
    """New ones a minute; None: as many as the endpoint lets in."""
    attempts: int
    dead_after: float
    out: Path | None

    @property
    def where(self) -> str:
        """Where it streams to, for people; the service with its region."""
        if self.target is None:
            return endpoint.EMBEDDED
        nearest = self.kind is Kind.SERVICE and "(" not in self.target.name
        return f"{self.target.name} (nearest region)" if nearest else self.target.name

    @property
    def kind(self) -> Kind:
        """Whose endpoint it is: only the service's costs money for certain."""
        return self.target.kind if self.target else Kind.EMBEDDED

    @property
    def limits(self) -> Limits:
        """What a run that goes on later takes over."""
        return Limits(self.sessions, self.start_rate, self.attempts, self.dead_after)

    @property
    def starts(self) -> Starts:
        """The bound on new sessions; at the service it begins with what any account may start."""
        if self.start_rate is None and self.target and self.target.kind is Kind.SERVICE:
            return Starts(FREE, probing=True)
        return Starts(self.start_rate)

    @property
    def retries(self) -> Retries:
        """The bound on attempts."""
        return Retries(attempts=self.attempts)

    @property
    def patience(self) -> Patience:
        """How long sessions wait for the server."""
        return Patience(silence=self.dead_after)


def options(
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
) -> Options:
    """The options as values; raises `UsageProblem` for what does not fit together.

    Where to: an endpoint that is named wins, else the service if there is a key, else the embedded
    engine.
    """
    variable = api_key.forgotten()
    if local and (url or region):
        raise UsageProblem("--local and another endpoint do not go together", "Choose one.")
    if url and region:
        raise UsageProblem("--endpoint and --region do not go together", "Choose one.")
    key = None if local else api_key.found(variable, key_file, keyring=keyring)
    ca = authorities(ca_file)
    target = None if local else _target(url, region, key, unencrypted=unencrypted)
    if target is not None:
        target = replace(target, ca=ca)
    return Options(
        settings=Settings(
            chunk_ms=chunk_ms,
            release=Release(release),
            rate=_rate(sample_rate),
            speech_model=speech_model,
            params=tuple(_param(each) for each in params),
        ),
        target=target,
        key=key,
        sessions=sessions,
        start_rate=start_rate or None,
        attempts=attempts,
        dead_after=dead_after,
        out=out,
    )


def _target(
    url: str | None, region: str | None, key: Secret | None, *, unencrypted: bool
) -> Endpoint | None:
    if url:
        return endpoint.custom(url, unencrypted=unencrypted)
    if region and key is None:
        raise UsageProblem("the service needs a key", f"Set {KEY_VARIABLE}.")
    return endpoint.service(region) if key is not None else None


def authorities(file: Path | None) -> str | None:
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


def _rate(rate: int | None) -> int | None:
    if rate is not None and rate not in RATES:
        raise UsageProblem(
            f"{rate} Hz cannot be sent", f"--sample-rate is from {RATES[0]} to {RATES[-1]}."
        )
    return rate


def _param(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageProblem(f"“{text}” is no parameter", "Write --param NAME=VALUE.")
    if name in _OTHERWISE:
        raise UsageProblem(f"--param {name} is not passed on", _OTHERWISE[name])
    return name, value
