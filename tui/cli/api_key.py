"""Reads the API key from the environment, a file or the system's keyring.

It is never passed as an argument, because every user of the machine can read arguments.
"""

import os
import stat
from pathlib import Path

from tui.cli.console import print_line
from workers import secrecy
from workers.errors import UsageProblem
from workers.secrecy import KEY_VARIABLE, Secret

KEYRING_SERVICE = "paceline"  # the user name is `KEY_VARIABLE`


_env_key = ""


def hide_env_key() -> None:
    """Takes the key out of the environment, so that no child process inherits it.

    Every command does that first; few of them need the key.
    """
    global _env_key
    _env_key = os.environ.pop(KEY_VARIABLE, "").strip() or _env_key
    secrecy.protect(Secret(_env_key), *secrecy.proxy_passwords(os.environ))


def pop_env_key() -> str:
    """Returns the key that was in the environment, and forgets it."""
    global _env_key
    hide_env_key()
    key, _env_key = _env_key, ""
    return key


def read_key(env_key: str, key_file: Path | None, *, keyring: bool) -> Secret | None:
    """Reads the key from the given file or the keyring, or returns ``env_key`` without either."""
    if key_file is not None and keyring:
        raise UsageProblem("--api-key-file and --keyring cannot be combined", "Choose one.")
    if keyring:
        key = _read_keyring_key()
    else:
        key = env_key if key_file is None else _read_key_file(key_file)
    if not key:
        return None
    if not key.isascii() or not key.isprintable() or set(key) & set(' "\\'):
        raise UsageProblem("the API key contains invalid characters", "Copy it again.")
    return Secret(key)


def _read_key_file(path: Path) -> str:
    # `from None`: a UnicodeDecodeError contains the file's content, which may be the key.
    try:
        with path.open(encoding="utf-8-sig") as file:
            mode = os.fstat(file.fileno()).st_mode
            lines = file.read().split()
    except OSError as error:
        reason = f"the key file {path} cannot be read ({error.strerror})"
        raise UsageProblem(reason, "Check its path.") from None
    except UnicodeDecodeError:
        raise UsageProblem(f"the key file {path} is not a text file", "Check its path.") from None
    if not lines:
        raise UsageProblem(f"the key file {path} is empty")
    if len(lines) > 1:
        reason = f"the key file {path} contains more than a key"
        raise UsageProblem(reason, "It must contain only the key.")
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        warning = f"paceline: other users of this machine can read {path} (chmod 600 prevents it)"
        print_line(warning, err=True)
    return lines[0]


def _read_keyring_key() -> str:
    try:
        import keyring  # an optional dependency
        from keyring.errors import KeyringLocked, NoKeyringError
    except ImportError:
        hint = "Install it with: pip install 'paceline[keyring]'"
        raise UsageProblem("--keyring needs a package that is not installed", hint) from None
    hint = f"Without a keyring, use {KEY_VARIABLE} or --api-key-file."
    try:
        key = keyring.get_password(KEYRING_SERVICE, KEY_VARIABLE)
    except NoKeyringError:
        raise UsageProblem("no keyring was found on this system", hint) from None
    except KeyringLocked:
        raise UsageProblem("the keyring is locked", "Unlock it and start again.") from None
    except Exception as error:  # each backend raises its own exceptions
        name = type(error).__name__
        raise UsageProblem(f"the keyring cannot be read ({name})", hint) from None
    if not key:
        hint = f"Store it with: keyring set {KEYRING_SERVICE} {KEY_VARIABLE}"
        raise UsageProblem("the keyring contains no key", hint)
    return key.strip()
