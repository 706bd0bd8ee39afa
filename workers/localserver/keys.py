"""Who may come in: the key of the house, and the temporary tokens that are issued for it."""

import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs

from websockets.datastructures import Headers

from workers.localserver.refusal import unauthorized
from workers.localserver.server_policy import House

REMEMBERED = 3600.0
"""Seconds for which an expired token is still told from one that never was."""


@dataclass(frozen=True, slots=True)
class Token:
    """A temporary token; times in seconds of the monotonic clock."""

    expires_at: float
    longest_session: float


class Keys:
    """What opens the door, and for how long. ``now`` is of the monotonic clock.

    A token may be used again and again until it expires, as was observed of the service, against
    what its documents say.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._tokens: dict[str, Token] = {}

    def longest_session(self, given: str | None, now: float) -> float:
        """The seconds that who gives this key or token may stay; raises `Refusal` without it."""
        if given is not None and (token := self._tokens.get(given)) is not None:
            if now >= token.expires_at:
                raise unauthorized("Signature has expired")
            return min(token.longest_session, self._house.longest_session)
        if not self.opens(given):
            known = "Invalid API key" if given else "Missing Authorization header"
            raise unauthorized(known)
        return self._house.longest_session

    def opens(self, given: str | None) -> bool:
        """Whether this is the key itself. If any key is let in, so is nobody's."""
        if self._house.token is None:
            # The commonest mistake is refused here too, so that it shows before it is tried on
            # the service.
            return given is None or not given.startswith("Bearer ")
        return given is not None and hmac.compare_digest(_bytes(given), _bytes(self._house.token))

    def issue(self, seconds: float, longest_session: float, now: float) -> str:
        """A new token that can be redeemed for ``seconds``."""
        self._tokens = {
            text: token
            for text, token in self._tokens.items()
            if now < token.expires_at + REMEMBERED
        }
        text = secrets.token_urlsafe(32)
        self._tokens[text] = Token(now + seconds, longest_session)
        return text


def given_key(headers: Headers, query: str) -> str | None:
    """What a client shows: the ``Authorization`` header as it is, else ``token`` of the query."""
    shown = headers.get_all("Authorization") + parse_qs(query).get("token", [])
    return next((each for each in shown if each), None)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a header may hold any byte
