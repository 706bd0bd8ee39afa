"""What a run needs to know from the command line, checked and turned into values."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workers.audio.pacing import Release
from workers.errors import UsageProblem
from workers.jobs import RATES, Settings
from workers.speech import endpoint
from workers.speech.endpoint import Endpoint, Secret

KEY_VARIABLE = "ASSEMBLYAI_API_KEY"

_OTHERWISE = {
    "speech_model": "Use --speech-model.",
    "sample_rate": "Use --sample-rate; what is sent is resampled to it.",
    "encoding": "Paceline decodes every file and sends pcm_s16le.",
    "token": f"Give the key in {KEY_VARIABLE}.",
}
"""Parameters that are not simply passed on, and what to do instead."""

FREE_START_RATE = 5
"""New sessions a minute for a free account (the vendor's page on concurrency)."""

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
    out: Path | None

    @property
    def where(self) -> str:
        """Where it streams to, for people."""
        return self.target.name if self.target else endpoint.EMBEDDED


def options(
    *,
    url: str | None,
    local: bool,
    region: str | None,
    key_file: Path | None,
    speech_model: str,
    params: Iterable[str],
    chunk_ms: int,
    release: str,
    sample_rate: int | None,
    sessions: int | None,
    start_rate: int | None,
    out: Path | None,
) -> Options:
    """The options as values; raises `UsageProblem` for what does not fit together.

    Where to: an endpoint that is named wins, else the service if there is a key, else the embedded
    engine.
    """
    if local and (url or region):
        raise UsageProblem("--local and another endpoint do not go together", "Choose one.")
    if url and region:
        raise UsageProblem("--endpoint and --region do not go together", "Choose one.")
    key = None if local else _key(key_file)
    target: Endpoint | None = None
    if url:
        target = endpoint.custom(url, with_key=key is not None)
    elif not local and (key is not None or region):
        target = endpoint.service(region)
        if key is None:
            raise UsageProblem("the service needs a key", f"Set {KEY_VARIABLE}.")
        start_rate = start_rate or FREE_START_RATE
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
        start_rate=start_rate,
        out=out,
    )


def _key(file: Path | None) -> Secret | None:
    """The key from a file or the environment, which then forgets it: no child needs it there."""
    value = os.environ.pop(KEY_VARIABLE, "").strip()
    if file is not None:
        try:
            value = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageProblem(f"the key file {file} cannot be read", "Check its path.") from error
        if not value:
            raise UsageProblem(f"the key file {file} is empty")
    if not value:
        return None
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UsageProblem("the API key holds characters that no key has", "Copy it again.")
    return Secret(value)


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
