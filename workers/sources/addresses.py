"""URLs of recordings. Their secrets are neither shown nor stored."""

import re
from importlib.util import find_spec
from urllib.parse import urlsplit, urlunsplit

from workers.audio.source import Source
from workers.errors import UsageProblem

HTTP_SCHEMES = frozenset(["http", "https"])

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://.+", re.DOTALL)
_LOCAL_SCHEMES = frozenset([
    "file", "local", "data", "dir", "zip", "tar", "libarchive", "cached", "blockcache", "filecache",
    "simplecache", "reference", "generic", "git", "jupyter", "dask", "worker", "asyncwrapper",
])  # fmt: skip
"""Schemes of fsspec that read this machine's files, or that wrap other schemes."""


def is_url(name: str) -> bool:
    """Whether a recording is named by a URL, which may be one that cannot be read."""
    return _URL.fullmatch(name) is not None


def remote_source(url: str) -> Source:
    """The source of a URL; raises `UsageProblem` if Paceline cannot read it."""
    match = _URL.fullmatch(url)
    scheme = match[1].lower() if match else ""
    try:
        shown = public_url(url)
        has_host = bool(urlsplit(url).netloc)
    except ValueError:
        shown, has_host = "", False
    if not shown or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageProblem("this is not a valid URL", "Check how it is written.")
    if scheme in _LOCAL_SCHEMES or "::" in url:
        raise UsageProblem(f"recordings cannot be read from {scheme}://", "Write a path instead.")
    if scheme in HTTP_SCHEMES:
        if not has_host:
            raise UsageProblem(f"“{shown}” names no host", "Check how it is written.")
    elif find_spec("fsspec") is None:
        hint = "Install it: pip install 'paceline[remote]'"
        raise UsageProblem(f"reading {scheme}:// needs a package that is not installed", hint)
    else:
        from fsspec import available_protocols

        if scheme not in available_protocols():
            raise UsageProblem(f"there is nothing that reads {scheme}://", f"URL: {shown}")
    return Source(shown, secret_url="" if shown == url else url)


def public_url(url: str) -> str:
    """A URL without user, password, query and fragment, which may contain secrets."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
