"""Remembers the last choices in dialogs, in one file in the user's state folder.

No error is raised: a file that cannot be read counts as empty, and a choice that cannot be
written is lost.
"""

import json
from contextlib import suppress
from pathlib import Path

from workers import files
from workers.errors import NoHomeFolder, PacelineError
from workers.protocol import codec
from workers.protocol.codec import JsonObject
from workers.user_folders import state_folder


def remembered_path() -> Path:
    """The path of the file with remembered choices, which need not exist; raises `NoHomeFolder`."""
    return state_folder() / "remembered.json"


def load_choice(name: str) -> JsonObject:
    """The choice that was saved under a name; empty if it is missing or cannot be read."""
    value = _read_all().get(name)
    return value if isinstance(value, dict) else {}


def save_choice(name: str, value: JsonObject) -> None:
    """Saves a choice under a name; keeps those saved under other names."""
    # A full or read-only disk; text that cannot be encoded.
    with suppress(OSError, ValueError, NoHomeFolder):
        file = remembered_path()
        files.make_folders(file.parent)
        files.replace_file(file, json.dumps({**_read_all(), name: value}).encode())


def _read_all() -> JsonObject:
    try:
        return codec.parse_object(files.read_bytes(remembered_path()), "remembered choices")
    except (OSError, PacelineError):
        return {}
