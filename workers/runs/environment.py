"""The versions of the packages and the system that a run uses."""

import os
import platform
import sys
from functools import cache

from workers.protocol.codec import JsonObject

_REPORTED_PACKAGES = "paceline numpy soundfile soxr websocket-client moonshine-voice"


@cache
def environment_info() -> JsonObject:
    """The fields of ``run.json``: ``versions`` by package, and ``host``, with its load of the last
    minute. Called when the first session connects, since it would make the start of the desk 3 %
    slower."""
    from importlib.metadata import PackageNotFoundError, version  # slow to load, used once

    versions: JsonObject = {}
    for package in _REPORTED_PACKAGES.split():
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    host: JsonObject = {
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    return {"versions": versions, "host": host}
