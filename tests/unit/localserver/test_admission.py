"""Access control without a socket or a clock: sessions at once, start rate, keys and tokens."""

from contextlib import ExitStack

import pytest
from websockets.datastructures import Headers

from workers.localserver.admission import Admission, KeyStore, ServerPolicy, request_key
from workers.localserver.refusal import CloseCode, Refusal
from workers.protocol.messages import MAX_SESSION_S

# --- number of sessions


def admit(admission: Admission, stack: ExitStack, now: float = 0.0, backlog: float = 0.0) -> None:
    """Admits a session that stays until the stack is closed."""
    stack.enter_context(admission.admit(now, capacity=2, backlog_s=backlog))


def test_as_many_sessions_are_admitted_as_can_be_served():
    """A slot that was left is free again."""
    admission = Admission(ServerPolicy())
    with ExitStack() as others:
        admit(admission, others)
        with ExitStack() as one:
            admit(admission, one)
            with pytest.raises(Refusal, match="Too many concurrent sessions"):
                admit(admission, others)
        admit(admission, others)

        assert 2 == admission.active_sessions
    assert 0 == admission.active_sessions


def test_the_policy_may_allow_more_or_fewer_than_can_be_served():
    """Its own number replaces the capacity."""
    assert 2 == Admission(ServerPolicy()).session_limit(2)
    assert 5 == Admission(ServerPolicy(max_sessions=5)).session_limit(2)
    admission = Admission(ServerPolicy(max_sessions=1))
    with ExitStack() as sessions:
        admit(admission, sessions)
        with pytest.raises(Refusal):
            admit(admission, sessions)


@pytest.mark.parametrize("code", [CloseCode.UNAUTHORIZED, CloseCode.BUSY])
def test_too_many_are_refused_with_the_code_of_the_policy(code: CloseCode):
    """The text is the same for both codes."""
    admission = Admission(ServerPolicy(max_sessions=1, busy_code=code))
    with ExitStack() as sessions:
        admit(admission, sessions)
        with pytest.raises(Refusal) as refused:
            admit(admission, sessions)

    assert code is refused.value.code
    assert "Unauthorized Connection: Too many concurrent sessions" == refused.value.message


def test_the_start_rate_is_limited():
    """Sessions that have ended count, refused ones do not."""
    admission = Admission(ServerPolicy(max_starts_per_minute=2))
    for now in (0.0, 30.0):
        with ExitStack() as gone:
            admit(admission, gone, now)
    for now in (31.0, 59.9):
        with ExitStack() as session, pytest.raises(Refusal):
            admit(admission, session, now)
    with ExitStack() as session:
        admit(admission, session, now=60.0)
        with pytest.raises(Refusal):
            admit(admission, session, now=61.0)


def test_a_backlog_admits_no_further_session():
    """Without sessions, the backlog is a thing of the past."""
    admission = Admission(ServerPolicy())
    with ExitStack() as sessions:
        admit(admission, sessions, backlog=60.0)
        with pytest.raises(Refusal):
            admit(admission, sessions, backlog=2.1)
        admit(admission, sessions, backlog=2.0)


# --- keys and tokens


def refused(keys: KeyStore, given: str | None, now: float = 0.0) -> str:
    with pytest.raises(Refusal) as refusal:
        keys.authorise(given, now)
    assert CloseCode.UNAUTHORIZED is refusal.value.code
    return refusal.value.message.removeprefix("Unauthorized Connection: ")


def test_only_the_key_is_accepted():
    """It is sent raw, without the scheme that many services require."""
    keys = KeyStore(ServerPolicy("sesame"))

    assert MAX_SESSION_S == keys.authorise("sesame", 0.0)
    assert "Invalid API key" == refused(keys, "Bearer sesame")
    assert "Invalid API key" == refused(keys, "s\xe9same\udcff")
    assert "Missing Authorization header" == refused(keys, None)


def test_a_policy_without_a_key_accepts_any_key_but_no_bearer():
    """The service would refuse the Bearer scheme."""
    keys = KeyStore(ServerPolicy(None))

    assert keys.authorise(None, 0.0) == keys.authorise("any", 0.0) == MAX_SESSION_S
    assert "Invalid API key" == refused(keys, "Bearer any")


def test_a_token_opens_until_it_expires():
    """It can be used many times; expired, it gets another error than an unknown one."""
    keys = KeyStore(ServerPolicy("sesame"))
    token = keys.issue_token(60, 120, now=1000.0)

    assert 120 == keys.authorise(token, 1000.0) == keys.authorise(token, 1059.9)
    assert "Signature has expired" == refused(keys, token, 1060.0)
    assert "Invalid API key" == refused(keys, token + "x", 1000.0)
    assert not keys.is_api_key(token)


def test_a_token_never_lengthens_what_the_policy_allows():
    """The shorter of the two limits counts."""
    keys = KeyStore(ServerPolicy("sesame", max_session_s=90.0))

    assert 90 == keys.authorise(keys.issue_token(60, 10_800, now=0.0), 0.0)
    assert 60 == keys.authorise(keys.issue_token(60, 60, now=0.0), 0.0)


def test_tokens_are_forgotten_long_after_they_expired():
    """They do not accumulate."""
    keys = KeyStore(ServerPolicy("sesame"))
    token = keys.issue_token(1, 60, now=0.0)
    keys.issue_token(1, 60, now=3601.0)

    assert "Invalid API key" == refused(keys, token, 3601.0)


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, "", None),
        ({}, "token=a", "a"),
        ({"Authorization": "b"}, "token=a", "b"),
        ({"Authorization": ""}, "token=a", "a"),
        ({"Authorization": ""}, "token=", None),
    ],
)
def test_the_header_comes_before_the_query(
    headers: dict[str, str], query: str, expected: str | None
):
    """An empty value does not count."""
    assert expected == request_key(Headers(headers), query)
