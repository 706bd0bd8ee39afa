"""With what a run is made: versions of packages, and the system."""

import platform
import sys
from functools import cache

from workers.protocol.codec import JsonObject

_REPORTED_PACKAGES = (
    "paceline",
    "numpy",
    "soundfile",
    "soxr",
    "websocket-client",
    "moonshine-voice",
)


@cache
def environment_info() -> JsonObject:
    """As ``run.json`` keeps it: ``versions`` by package, and ``host``.

    Takes as long as a thirtieth of the desk's start, so it is asked for when the first session is
    there.
    """
    return {
        "versions": _package_versions(),
        "host": {"system": platform.platform(), "python": sys.version.split()[0]},
    }


def _package_versions() -> JsonObject:
    from importlib.metadata import PackageNotFoundError, version  # slow to load, wanted once

    found: JsonObject = {}
    for package in _REPORTED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
