"""Secrets in foreign text: whatever form they have there, they are removed; other text stays."""

import json
import os
import pickle
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.encodings import ENCODINGS
from workers import secrecy
from workers.secrecy import MIN_KEY_CHARS, REDACTED, Secret

KEY = "9f86d081884c7d659a2feaa0c55ad015"


def is_legible(text: str) -> bool:
    """Whether somebody who knows these encodings finds so much of the key as would count."""
    return any(
        KEY[at : at + MIN_KEY_CHARS] in "".join(filter(str.isalnum, text)).lower()
        for at in range(len(KEY) - MIN_KEY_CHARS + 1)
    )


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("around", ["{}", "the key “{}” is not valid", "会議 {}%zz\\u {}; {}"])
def test_a_secret_is_removed_in_every_form(encode: Callable[[str], str], around: str) -> None:
    """Nothing but a mark is left where it stood, and all that stood around it."""
    encoded = encode(KEY)
    redacted = Secret(KEY).redact(around.replace("{}", encoded))

    assert encoded not in redacted
    assert REDACTED in redacted
    assert not is_legible(redacted)
    for piece in around.split("{}"):
        assert piece in redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Open, sesame.",
        f"Not valid: {KEY[:15]}…",
        f"{KEY[:15]}+{KEY[16:31]}",
        "100 %, 50%25, \\u00e9, \\x1b[2J, &amp;, &#233;, &lt;",
        "会議 مرحبا ไทย 👩‍👩‍👧 \ud800",
        "9f86 is the start of something else",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    """Escapes of others too, and less of a key than would help anybody."""
    assert text == Secret(KEY).redact(text)


@given(st.text(), st.text(), st.sampled_from(list(ENCODINGS)), st.integers(0, 2**32))
@settings(max_examples=300)
def test_any_secret_is_removed_between_any_texts(
    before: str, after: str, encoding: str, seed: int
) -> None:
    """Keys of all letters and digits, and of the signs that keys have."""
    key = "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=32))
    encoded = ENCODINGS[encoding](key)
    redacted = Secret(key).redact(f"{before} {encoded} {after}")

    assert encoded not in redacted
    assert REDACTED in redacted


@pytest.mark.parametrize(
    "key", ["sk-proj_0123456789-abcdefghij~KLM", "sixteen/letters=", "----------------", "0" * 32]
)
def test_keys_with_signs_are_removed_too(key: str) -> None:
    """Also one that has hardly a letter, as it is."""
    assert f"“{REDACTED}”" == Secret(key).redact(f"“{key}”")
    if any(map(str.isalnum, key)):
        assert f"?key={REDACTED}" == Secret(key).redact(f"?key={quote(key, safe='')}").rstrip("%3D")


def test_a_short_secret_may_be_a_spoken_word() -> None:
    """So it stays."""
    assert "Open, sesame." == Secret("sesame").redact("Open, sesame.")


def test_a_flood_of_escapes_takes_little_time_and_memory() -> None:
    """A text with more of them than any real one is not decoded; in a long one it does not matter
    where exactly the key stands."""
    secret = Secret(KEY)
    for flood in ("%41", "%25252541", "\\", "\\u", "\\u{0", "&#x0", "&#0", "&amp;", "&#65;\\x41"):
        assert REDACTED == secret.redact(flood * (4_000_000 // len(flood)))
    few = "%41" * 40_000

    assert few == secret.redact(few)
    assert REDACTED == secret.redact(few + ENCODINGS["percent"](KEY))


def test_a_secret_does_not_show_and_can_be_sent_to_a_process() -> None:
    """A session gets the key pickled, through a pipe."""
    copy = pickle.loads(pickle.dumps(Secret(KEY)))

    assert "Secret(…)" == repr(copy) == str(copy) == f"{copy}"
    assert KEY == copy.reveal()
    assert REDACTED == copy.redact(KEY)


# --- of this process


@pytest.fixture(autouse=True)
def _unprotected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "_protected", [])


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_message_is_searched_after_its_escapes_were_decoded(encode: Callable[[str], str]) -> None:
    """In values and names, however deep, and however the message was written."""
    message = {encode(KEY): [{"text": encode(KEY), "n": 1.5}, None, True], "other": "words"}
    for ascii_only in (True, False):
        source = json.dumps(message, ensure_ascii=ascii_only)
        secrecy.protect(None, Secret("another-secret-of-all"), Secret(KEY))
        redacted = secrecy.redact_json(json.loads(source), source)

        assert not is_legible(repr(redacted))
        assert encode(KEY) not in repr(redacted)
        assert ["words", 1.5] == [redacted["other"], next(iter(redacted.values()))[0]["n"]]


def test_an_environment_for_children_has_no_secrets() -> None:
    """Neither keys nor passwords; where a proxy is, children may know."""
    environ = {
        "PATH": "/bin",
        "PYTHON_KEYRING_BACKEND": "a.b",
        "ASSEMBLYAI_API_KEY": KEY,
        "AWS_SECRET_ACCESS_KEY": "s",
        "GITHUB_TOKEN": "t",
        "PGPASSWORD": "p",
        "OLDPWD": "/",
        "MONKEYS": "3",
        "https_proxy": "http://user:pa%40ss@proxy:3128/",
        "HTTP_PROXY": "user:p@ss@proxy:3128",
        "no_proxy": "localhost,.example.org",
        "PIP_INDEX_URL": "https://me:token@example.org/simple?a=b@c",
        "MAIL": "me@example.org",
    }

    assert {
        "PATH": "/bin",
        "PYTHON_KEYRING_BACKEND": "a.b",
        "OLDPWD": "/",
        "MONKEYS": "3",
        "https_proxy": "http://proxy:3128/",
        "HTTP_PROXY": "proxy:3128",
        "no_proxy": "localhost,.example.org",
        "PIP_INDEX_URL": "https://example.org/simple?a=b@c",
        "MAIL": "me@example.org",
    } == secrecy.public_environment(environ)
    assert {"https_proxy", "HTTP_PROXY"} == set(secrecy.proxies_with_login(environ))
    passwords = {secret.reveal() for secret in secrecy.proxy_passwords(environ)}
    assert {"pa@ss", "pa%40ss", "p@ss"} == passwords


def test_a_session_gets_its_proxies_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what they say may not repeat their passwords."""
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    url = "http://user:a-password-of-some-length@proxy:3128"
    secrecy.restore_proxies({"https_proxy": Secret(url)})

    assert url == os.environ["https_proxy"]
    assert f"no: {REDACTED}" == secrecy.redact("no: A-Password-Of-Some-Length")
