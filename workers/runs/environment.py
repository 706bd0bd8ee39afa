"""The versions of packages and the system that a run is made with."""

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
    """The fields of ``run.json``: ``versions`` by package, and ``host``.

    Takes a thirtieth of the desk's start, so the first session that connects calls it.
    """
    return {
        "versions": _package_versions(),
        "host": {"system": platform.platform(), "python": sys.version.split()[0]},
    }


def _package_versions() -> JsonObject:
    from importlib.metadata import PackageNotFoundError, version  # slow to load, used once

    found: JsonObject = {}
    for package in _REPORTED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
