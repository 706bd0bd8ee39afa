"""Keyrings for tests: one that is a plain file, and some that fail as real ones do.

Chosen as keyring's documentation says: PYTHON_KEYRING_BACKEND in the environment names the class,
and KEYRING_PROPERTY_FILE sets its attribute `file`.
"""

import json
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class FileKeyring(KeyringBackend):
    """Keeps passwords in a JSON file, by service and user name."""

    priority = 0  # never chosen unless named
    file = ""

    def get_password(self, service: str, username: str) -> str | None:
        return self._load().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        kept = {**self._load(), f"{service}/{username}": password}
        Path(self.file).write_text(json.dumps(kept))

    def _load(self) -> dict[str, str]:
        path = Path(self.file)
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return kept


class LockedKeyring(FileKeyring):
    """A keyring that stays locked."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")


class BrokenKeyring(FileKeyring):
    """Raises an exception that keyring does not know, as its backends' libraries do."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("org.freedesktop.DBus.Error.NoReply")
