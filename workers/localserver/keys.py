"""Who may come in: the key of the house, and the temporary tokens that are issued for it."""

import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs

from websockets.datastructures import Headers

from workers.localserver.refusal import unauthorized
from workers.localserver.server_policy import ServerPolicy

EXPIRED_TOKEN_KEEP_S = 3600.0
"""Seconds for which an expired token is still told from one that never was."""


@dataclass(frozen=True, slots=True)
class TemporaryToken:
    """A temporary token; times in seconds of the monotonic clock."""

    expires_at: float
    max_session_s: float


class KeyStore:
    """What opens the door, and for how long. ``now`` is of the monotonic clock.

    A token may be used again and again until it expires, as was observed of the service, against
    what its documents say.
    """

    def __init__(self, policy: ServerPolicy) -> None:
        self._policy = policy
        self._tokens: dict[str, TemporaryToken] = {}

    def authorise(self, key: str | None, now: float) -> float:
        """The seconds that who gives this key or token may stay; raises `Refusal` without it."""
        if key is not None and (token := self._tokens.get(key)) is not None:
            if now >= token.expires_at:
                raise unauthorized("Signature has expired")
            return min(token.max_session_s, self._policy.max_session_s)
        if not self.is_api_key(key):
            known = "Invalid API key" if key else "Missing Authorization header"
            raise unauthorized(known)
        return self._policy.max_session_s

    def is_api_key(self, key: str | None) -> bool:
        """Whether this is the key itself. If any key is let in, so is nobody's."""
        if self._policy.api_key is None:
            # The commonest mistake is refused here too, so that it shows before it is tried on
            # the service.
            return key is None or not key.startswith("Bearer ")
        return key is not None and hmac.compare_digest(_encode(key), _encode(self._policy.api_key))

    def issue_token(self, lifetime_s: float, max_session_s: float, now: float) -> str:
        """A new token that can be redeemed for ``lifetime_s``."""
        self._tokens = {
            text: token
            for text, token in self._tokens.items()
            if now < token.expires_at + EXPIRED_TOKEN_KEEP_S
        }
        text = secrets.token_urlsafe(32)
        self._tokens[text] = TemporaryToken(now + lifetime_s, max_session_s)
        return text


def request_key(headers: Headers, query: str) -> str | None:
    """What a client shows: the ``Authorization`` header as it is, else ``token`` of the query."""
    shown = headers.get_all("Authorization") + parse_qs(query).get("token", [])
    return next((each for each in shown if each), None)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a header may hold any byte
