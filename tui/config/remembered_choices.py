"""What was chosen last in a dialog, for the next time: in one file under the user's state folder.

A convenience, so nothing of it is ever an error: what cannot be read was never chosen, and what
cannot be written is forgotten.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from workers.errors import PacelineError
from workers.protocol import codec
from workers.protocol.codec import JsonObject


def remembered_path() -> Path:
    """The file; it may not be there."""
    return user_state_path("paceline", appauthor=False) / "remembered.json"


def load_choice(name: str) -> JsonObject:
    """What was remembered under this name; empty when nothing was, or it cannot be read."""
    value = _read_all().get(name)
    return value if isinstance(value, dict) else {}


def save_choice(name: str, value: JsonObject) -> None:
    """Keeps it for the next time, beside what has other names."""
    file = remembered_path()
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError, ValueError):  # a full or read-only disk; text that no file can hold
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps({**_read_all(), name: value}), encoding="utf-8")
        new.replace(file)  # whole or not at all: another desk may be writing too


def _read_all() -> JsonObject:
    try:
        return codec.parse_object(remembered_path().read_bytes(), "what was remembered")
    except (OSError, PacelineError):
        return {}
