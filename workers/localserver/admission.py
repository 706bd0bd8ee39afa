"""Access control: the API key, temporary tokens, and limits on running and starting sessions.

Times named ``now`` are in seconds on the monotonic clock.
"""

import hmac
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

from websockets.datastructures import Headers

from workers.localserver.refusal import CloseCode, too_many_sessions, unauthorized
from workers.protocol.messages import MAX_SESSION_S

START_RATE_PERIOD_S = 60.0

SERVICE_SPEED_LIMIT = 1.25
"""The service's own `ServerPolicy.speed_limit`. Inferred from errors that users have quoted."""

MAX_BACKLOG_S = 2.0
"""New sessions are refused while audio waits longer than this to be recognised."""

EXPIRED_TOKEN_KEEP_S = 3600.0
"""An expired token is reported as expired for at least this long, later as unknown."""


@dataclass(frozen=True, slots=True)
class ServerPolicy:
    """Limits of a server, set by its owner."""

    api_key: str | None = None  # None: any key is accepted
    max_sessions: int | None = None  # sessions at the same time; None: the capacity of the backend
    max_starts_per_minute: int | None = None
    busy_code: CloseCode = CloseCode.UNAUTHORIZED
    """Close code for too many sessions, 1008 or 3009: the service has used both."""
    max_session_s: float = MAX_SESSION_S
    speed_limit: float = SERVICE_SPEED_LIMIT
    """Seconds of audio that a client may send per second, apart from an allowance."""
    send_warnings: bool = False
    """Whether clients get Warning messages; the log has their texts in any case. Some clients treat
    a Warning as an error, because the service has hardly ever sent one."""


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
        # If no session is running, the backlog is a remnant of the last one and does not matter.
        is_behind = self.active_sessions > 0 and backlog_s > MAX_BACKLOG_S
        is_too_soon = max_starts is not None and len(self._start_times) >= max_starts
        if is_full or is_behind or is_too_soon:
            raise too_many_sessions(self._policy.busy_code)
        self._start_times.append(now)
        self.active_sessions += 1
        try:
            yield
        finally:
            self.active_sessions -= 1

    def session_limit(self, capacity: int) -> int:
        """The number of sessions that may run at the same time."""
        return self._policy.max_sessions or capacity


class KeyStore:
    """Checks API keys and temporary tokens.

    A token can be used many times until it expires. The vendor documents single use, but the
    service was observed to accept it again.
    """

    def __init__(self, policy: ServerPolicy) -> None:
        self._policy = policy
        self._tokens: dict[str, tuple[float, float]] = {}  # expiry, longest session (s)

    def authorise(self, key: str | None, now: float) -> float:
        """Returns how many seconds a session with this key or token may last; raises `Refusal`."""
        if key is not None and key in self._tokens:
            expires_at, max_session_s = self._tokens[key]
            if now >= expires_at:
                raise unauthorized("Signature has expired")
            return min(max_session_s, self._policy.max_session_s)
        if not self.is_api_key(key):
            raise unauthorized("Invalid API key" if key else "Missing Authorization header")
        return self._policy.max_session_s

    def is_api_key(self, key: str | None) -> bool:
        """Whether this is the API key. If the policy has none, any key is accepted, even None."""
        if self._policy.api_key is None:
            # The Bearer scheme is a common mistake. Refuse it here too, as the service does.
            return key is None or not key.startswith("Bearer ")
        if key is None:
            return False
        keys = [text.encode("utf-8", "surrogatepass") for text in (key, self._policy.api_key)]
        return hmac.compare_digest(*keys)  # bytes, since a header may contain any text

    def issue_token(self, lifetime_s: float, max_session_s: float, now: float) -> str:
        """Creates a token that is valid for ``lifetime_s``."""
        self._tokens = {
            token: (expires_at, longest_s)
            for token, (expires_at, longest_s) in self._tokens.items()
            if now < expires_at + EXPIRED_TOKEN_KEEP_S
        }
        token = secrets.token_urlsafe(32)
        self._tokens[token] = now + lifetime_s, max_session_s
        return token


def request_key(headers: Headers, query: str) -> str | None:
    """Returns the whole ``Authorization`` header, or else the ``token`` of the query."""
    candidates = headers.get_all("Authorization") + parse_qs(query).get("token", [])
    return next((key for key in candidates if key), None)
