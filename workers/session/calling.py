"""How a session calls its server: with which parameters, and as whom."""

from workers.jobs import Settings
from workers.speech.connection import Connection
from workers.speech.dialling import dial
from workers.speech.endpoint import Endpoint, Secret


def call(
    endpoint: Endpoint, settings: Settings, rate: int, key: Secret | None, patience: float
) -> Connection:
    """An open connection for audio of ``rate`` Hz, within ``patience`` s; raises `Unreachable`."""
    headers = {"User-Agent": "Paceline"}
    if key is not None:
        headers["Authorization"] = key.reveal()
    url = endpoint.with_parameters(settings.query(rate))
    return dial(url, headers, ca=endpoint.ca, key=key, patience=patience)
