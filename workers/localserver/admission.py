"""Access control: the API key, temporary tokens, and how many sessions may run and start.

Times named ``now`` are in seconds of the monotonic clock.
"""

import hmac
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

from websockets.datastructures import Headers

from workers.localserver.refusal import too_many_sessions, unauthorized
from workers.localserver.server_policy import ServerPolicy

START_RATE_PERIOD_S = 60.0

MAX_BACKLOG_S = 2.0
"""When audio waits longer to be recognised, another session would slow down the others."""

EXPIRED_TOKEN_KEEP_S = 3600.0
"""How long an expired token is still distinguished from an unknown one."""


class Admission:
    """Counts the running sessions and those that started within the last minute."""

    def __init__(self, policy: ServerPolicy) -> None:
        self.active_sessions = 0
        self._policy = policy
        self._start_times: deque[float] = deque()

    @contextmanager
    def admit(self, now: float, capacity: int, backlog_s: float) -> Iterator[None]:
        """Holds a slot for one session while the context lasts; raises `Refusal` if none is free.

        ``capacity`` and ``backlog_s`` are those of the `Backend`. A refused session does not count
        as a start.
        """
        while self._start_times and now - self._start_times[0] >= START_RATE_PERIOD_S:
            self._start_times.popleft()
        max_starts = self._policy.max_starts_per_minute
        is_full = self.active_sessions >= self.session_limit(capacity)
        # Without sessions, the backlog is what the last one left behind, and will pass.
        is_behind = self.active_sessions > 0 and backlog_s > MAX_BACKLOG_S
        if (
            is_full
            or is_behind
            or (max_starts is not None and len(self._start_times) >= max_starts)
        ):
            raise too_many_sessions(self._policy.busy_code)
        self._start_times.append(now)
        self.active_sessions += 1
        try:
            yield
        finally:
            self.active_sessions -= 1

    def session_limit(self, capacity: int) -> int:
        """How many sessions may run at the same time."""
        return self._policy.max_sessions or capacity


@dataclass(frozen=True, slots=True)
class TemporaryToken:
    """The terms of a temporary token."""

    expires_at: float
    """In seconds of the monotonic clock."""
    max_session_s: float


class KeyStore:
    """Checks API keys and temporary tokens.

    A token can be used many times until it expires. The vendor documents single use, but the
    service was observed to accept it again.
    """

    def __init__(self, policy: ServerPolicy) -> None:
        self._policy = policy
        self._tokens: dict[str, TemporaryToken] = {}

    def authorise(self, key: str | None, now: float) -> float:
        """Returns how many seconds a session with this key or token may last; raises `Refusal`."""
        if key is not None and (token := self._tokens.get(key)) is not None:
            if now >= token.expires_at:
                raise unauthorized("Signature has expired")
            return min(token.max_session_s, self._policy.max_session_s)
        if not self.is_api_key(key):
            raise unauthorized("Invalid API key" if key else "Missing Authorization header")
        return self._policy.max_session_s

    def is_api_key(self, key: str | None) -> bool:
        """Whether this is the API key; if the policy has none, every key is, and so is None."""
        if self._policy.api_key is None:
            # The commonest mistake is refused here too, so that it shows before the client meets
            # the service.
            return key is None or not key.startswith("Bearer ")
        return key is not None and hmac.compare_digest(_encode(key), _encode(self._policy.api_key))

    def issue_token(self, lifetime_s: float, max_session_s: float, now: float) -> str:
        """Creates a token that is valid for ``lifetime_s``."""
        self._tokens = {
            text: token
            for text, token in self._tokens.items()
            if now < token.expires_at + EXPIRED_TOKEN_KEEP_S
        }
        text = secrets.token_urlsafe(32)
        self._tokens[text] = TemporaryToken(now + lifetime_s, max_session_s)
        return text


def request_key(headers: Headers, query: str) -> str | None:
    """The key of a request: the ``Authorization`` header as it is, else ``token`` of the query."""
    candidates = headers.get_all("Authorization") + parse_qs(query).get("token", [])
    return next((key for key in candidates if key), None)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a header may hold any byte
