"""Keeps secrets out of what others can read: files, logs, screens, the environment of children.

Secrets are the API key, and passwords in the environment and in URLs. Foreign text is text that
this program did not write: messages, close reasons, HTTP headers, exceptions of libraries. It may
repeat a secret that was sent, so it passes `redact` or `redact_json` where it enters the program,
after it was decoded. Imports no other Paceline module.
"""

import os
import re
from binascii import b2a_base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

KEY_VARIABLE = "ASSEMBLYAI_API_KEY"

MIN_KEY_CHARS = 16
"""The service's keys have 32 characters, the embedded engine's 43. A shorter secret is not removed
from foreign text, since it may be a spoken word. So many letters and digits of a longer one are
removed wherever they follow each other, because a text may repeat only a part of it."""

REDACTED = "[the key]"

MAX_ENCODINGS = 5
"""How often escapes are decoded: a page may escape what a header has escaped before."""

MAX_ESCAPES = 50_000
"""A text that may have more escapes is replaced as a whole. No real one has so many, and to decode
them would delay the next chunk."""

MAX_MAPPED_CHARS = 100_000
"""A longer text that has a secret is replaced as a whole. The longest real message is shorter."""

MIN_SKELETON_CHARS = 12
"""A secret with fewer letters and digits is only found as it is."""

_NOT_ALPHANUMERIC = bytes(code for code in range(256) if not (code < 128 and chr(code).isalnum()))
_LOWER = bytes(range(256)).lower()

_ESCAPE = re.compile(
    r"%(?P<percent>[0-7][0-9a-f])"  # URLs
    r"|\\u(?:00|\{0{0,6})(?P<unicode>[0-7][0-9a-f])\}?"  # JSON, JavaScript
    r"|\\x(?P<byte>[0-7][0-9a-f])"  # Python, C
    r"|&\#x0{0,6}(?P<html>[0-7][0-9a-f]);?"
    r"|&\#0{0,6}(?P<decimal>[1-9][0-9]|1[01][0-9]|12[0-7])(?:;|(?![0-9]))"
    r"|&(?P<name>amp|num|percnt|bsol);",
    re.IGNORECASE,
)
"""An escaped character of ASCII. Each alternative is short, so a search takes linear time."""

_NAMED_CHARS = {"amp": "&", "num": "#", "percnt": "%", "bsol": "\\"}
"""Characters that begin another escape."""

_SECRET_NAME = re.compile(
    r"(^|_)(API)?KEYS?(_|$)|(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL)S?(_|$)|_(PASS|PWD)$",
    re.IGNORECASE,
)
"""Matches the names of environment variables that hold secrets."""

_SECRET_PARAMETER = re.compile(
    r"token|secret|signature|passw|credential|authorization|^(auth|sig)$|(^|[-_.]|api)key$",
    re.IGNORECASE,
)
"""Matches the names of parameters that hold secrets; `keyterms_prompt` is none."""

_URL_LOGIN = re.compile(r"(?<=://)[^\s/@]+@")
_PROXY_LOGIN = re.compile(r"^(?P<start>[^/@]*://|)(?P<login>.*)@", re.DOTALL)


class Secret:
    """A key or password that does not show in a repr, an error, a traceback or `vars`."""

    __slots__ = ("_blocks", "_encoded", "_skeleton", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._skeleton = own = _skeleton(value)
        self._blocks: tuple[tuple[int, bytes], ...] = ()
        """Parts of the skeleton, with their offsets: each part that counts contains one of them."""
        self._encoded: tuple[bytes, ...] = ()
        if len(value) >= MIN_KEY_CHARS and len(own) >= MIN_SKELETON_CHARS:
            size = (self._min_part_chars + 1) // 2
            offsets = range(0, len(own) - size + 1, size)
            self._blocks = tuple((offset, own[offset : offset + size]) for offset in offsets)
            self._encoded = tuple(_encoded_forms(value))

    @property
    def _min_part_chars(self) -> int:
        """How much of the skeleton counts as a part of the secret."""
        return min(MIN_KEY_CHARS, len(self._skeleton))

    def reveal(self) -> str:
        """Returns the secret, for use in a request header only."""
        return self._value

    def redact(self, text: str) -> str:
        """Replaces the secret in a text, and each part of it of `MIN_KEY_CHARS` characters.

        It is found in any letter case; with spaces, signs or invisible characters within; with
        escapes of URLs, JSON and HTML, also of each other; as hexadecimal or decimal codes; and as
        base64, also within a longer text.
        """
        if len(self._value) >= MIN_KEY_CHARS:
            text = text.replace(self._value, REDACTED)
        if not self.may_be_in(text):
            return text
        if sum(map(text.count, "%\\&")) > MAX_ESCAPES:
            return REDACTED
        if not self._is_in(text):
            return text
        if len(text) > MAX_MAPPED_CHARS:
            return REDACTED
        parts, end = [], 0
        for start, stop in sorted(self._spans(text)):
            if start >= end:
                parts += [text[end:start], REDACTED]
            end = max(end, stop)
        return "".join([*parts, text[end:]])

    def may_be_in(self, text: str | bytes) -> bool:
        """Whether a text needs a closer look: it has a part of the secret, or may have escapes.

        Quick, and for the bytes of a JSON text also valid for what they encode.
        """
        if not self._blocks:
            return False
        if isinstance(text, str):
            may_have_escapes = "%" in text or "\\" in text or "&" in text
        else:
            may_have_escapes = b"%" in text or b"\\" in text or b"&" in text
        return may_have_escapes or self._may_be_in_skeleton(_skeleton(text))

    def _may_be_in_skeleton(self, skeleton: bytes) -> bool:
        blocks, encoded = self._blocks, self._encoded
        return any(block in skeleton for _, block in blocks) or any(
            form in skeleton for form in encoded
        )

    def _is_in(self, text: str) -> bool:
        """Whether the secret is in a text, in any form."""
        for _ in range(MAX_ENCODINGS + 1):
            if any(self._find(_skeleton(text))):
                return True
            decoded = _ESCAPE.sub(_escaped_char, text)
            if decoded == text:
                break
            text = decoded
        return False

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the secret is in a text, in all its forms."""
        chars = list(text)
        places = [(index, index + 1) for index in range(len(text))]
        """Where in ``text`` each character comes from."""
        for _ in range(MAX_ENCODINGS + 1):
            kept = [index for index, char in enumerate(chars) if char.isascii() and char.isalnum()]
            for start, end in self._find(_skeleton("".join(chars))):
                yield places[kept[start]][0], places[kept[end - 1]][1]
            decoded, decoded_places, end = [], [], 0
            for escape in _ESCAPE.finditer("".join(chars)):
                start, stop = escape.span()
                decoded += [*chars[end:start], _escaped_char(escape)]
                decoded_places += [*places[end:start], (places[start][0], places[stop - 1][1])]
                end = stop
            if not end:
                return
            chars, places = decoded + chars[end:], decoded_places + places[end:]

    def _find(self, skeleton: bytes) -> Iterator[tuple[int, int]]:
        """Where the secret, or a long part of it, is in a skeleton."""
        own = self._skeleton
        for offset, block in self._blocks:
            at = skeleton.find(block)
            while at >= 0:
                start, end = at, at + len(block)
                before, after = offset, offset + len(block)
                while start and before and skeleton[start - 1] == own[before - 1]:
                    start, before = start - 1, before - 1
                while end < len(skeleton) and after < len(own) and skeleton[end] == own[after]:
                    end, after = end + 1, after + 1
                if end - start >= self._min_part_chars:
                    yield start, end
                at = skeleton.find(block, end)
        for form in self._encoded:
            at = skeleton.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = skeleton.find(form, at + len(form))

    def __repr__(self) -> str:
        return "Secret(…)"


def _skeleton(text: str | bytes) -> bytes:
    """The letters and digits of ASCII in a text, in lower case."""
    data = text.encode("ascii", "ignore") if isinstance(text, str) else text
    return data.translate(_LOWER, _NOT_ALPHANUMERIC)


def _encoded_forms(value: str) -> Iterator[bytes]:
    """The skeletons of a secret's codes: hexadecimal, decimal, and base64 at all alignments."""
    data = value.encode(errors="surrogateescape")
    yield data.hex().encode()
    yield "".join(map(str, data)).encode()
    for offset in range(3):  # the bytes before it in the same group of three
        code = b2a_base64(bytes(offset) + data, newline=False)
        # The first and last characters also depend on what stands before and after it.
        first, end = (0, 2, 3)[offset], (offset + len(data)) * 8 // 6
        yield _skeleton(code[first:end])


def _escaped_char(escape: re.Match[str]) -> str:
    if name := escape["name"]:
        return _NAMED_CHARS[name.lower()]
    if decimal := escape["decimal"]:
        return chr(int(decimal))
    code = escape["percent"] or escape["unicode"] or escape["byte"] or escape["html"]
    return chr(int(code, 16))


def names_secret_parameter(name: str) -> bool:
    """Whether a parameter of a URL or a session holds a secret, by its name. Parameters are stored
    and shown."""
    return _SECRET_PARAMETER.search(name) is not None


# --- the secrets of this process -----------------------------------------------------------------

_protected: list[Secret] = []


def protect(*secrets: Secret | None) -> None:
    """From now on, `redact` removes these from everything that this process gets or writes."""
    known = {secret.reveal() for secret in _protected}
    _protected.extend(one for one in secrets if one is not None and one.reveal() not in known)


def redact(text: str) -> str:
    """A foreign text without the secrets of this process."""
    for secret in _protected:
        text = secret.redact(text)
    return text


def redact_json(value: Any, source: str | bytes) -> Any:
    """A decoded JSON value without the secrets of this process, also in the names of objects.

    ``source``: the text that it was decoded from, which is quicker to check.
    """
    return _redact_value(value) if any(one.may_be_in(source) for one in _protected) else value


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):  # most are words, which are too short for a secret
        return value if len(value) < MIN_SKELETON_CHARS else redact(value)
    if isinstance(value, list):
        return [_redact_value(item) for item in value]
    if isinstance(value, dict):
        return {_redact_value(name): _redact_value(item) for name, item in value.items()}
    return value


# --- the environment -----------------------------------------------------------------------------


def public_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for a child process that needs no secret: without keys and passwords.

    The children of one user can be read by all processes of that user, and what a child starts or
    writes when it crashes has its environment too.
    """
    return {
        name: _without_login(name, value)
        for name, value in environ.items()
        if not _names_secret(name)
    }


def forget_secrets() -> dict[str, str]:
    """Takes all secrets out of the environment of this process; returns the variables that had
    them."""
    public = public_environment(os.environ)
    hidden = {name: value for name, value in os.environ.items() if public.get(name) != value}
    for name in hidden:
        if name in public:
            os.environ[name] = public[name]
        else:
            del os.environ[name]
    return hidden


@contextmanager
def hide_from_children() -> Iterator[None]:
    """Makes processes that start in the block inherit the `public_environment` of this one.

    All threads see the change. Only for what takes no environment of its own, as multiprocessing.
    """
    hidden = forget_secrets()
    try:
        yield
    finally:
        os.environ.update(hidden)


def forbid_core_dumps() -> None:
    """Forbids core files for this process and its children: they would have the key and what was
    heard. Not every system has such a limit."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def proxies_with_login(environ: Mapping[str, str]) -> dict[str, Secret]:
    """The variables that name a proxy with a user and a password, which `public_environment`
    leaves out. A session needs them to reach the server."""
    return {
        name: Secret(value)
        for name, value in environ.items()
        if _is_proxy(name) and _without_login(name, value) != value
    }


def restore_proxies(proxies: Mapping[str, Secret]) -> None:
    """Puts proxies into the environment of this process, where its HTTP libraries look.

    Others cannot see that: /proc shows the environment that a process was started with.
    """
    restored = {name: proxy.reveal() for name, proxy in proxies.items()}
    os.environ.update(restored)
    protect(*proxy_passwords(restored))


def proxy_passwords(environ: Mapping[str, str]) -> Iterator[Secret]:
    """The passwords of the proxies in an environment, as they are written and as they are sent."""
    from urllib.parse import unquote  # every command loads this module

    for name, value in environ.items():
        if _is_proxy(name) and (found := _PROXY_LOGIN.match(value)):
            password = found["login"].partition(":")[2]
            yield from map(Secret, {password, unquote(password)})


def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy")


def _without_login(name: str, value: str) -> str:
    if _is_proxy(name):
        return _PROXY_LOGIN.sub(r"\g<start>", value)
    return _URL_LOGIN.sub("", value)
