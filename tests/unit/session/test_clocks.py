"""How long a session lasts, whatever the clocks say."""

import pytest

from workers.protocol.messages import MAX_SESSION_S
from workers.session.clocks import session_life

NOW = 1_800_000_000
HOUR = 3600


def life(expires_in: float, *, server: float | None = None, local: float = NOW) -> float:
    """The life by a server that announces its end so many seconds after ``NOW``."""
    return _life(expires_in, server, local).seconds


def warning(expires_in: float, *, server: float | None = None, local: float = NOW) -> str:
    return _life(expires_in, server, local).warning


def _life(expires_in: float, server: float | None, local: float):
    return session_life(
        int(NOW + expires_in), server_time_s=server, local_time_s=local, min_life_s=60.0
    )


@pytest.mark.parametrize("expires_in", [59.5, 60, 600, HOUR, MAX_SESSION_S])
def test_an_end_that_can_be_is_believed(expires_in: float) -> None:
    """By either clock, without a word."""
    for server in (None, float(NOW)):
        assert life(expires_in, server=server) == pytest.approx(expires_in, abs=1)
        assert warning(expires_in, server=server) == ""


@pytest.mark.parametrize("expires_in", [-2 * HOUR, -7, 0, 1, 2.5, 30, 58])
def test_an_end_that_is_too_near_is_a_wrong_clock(expires_in: float) -> None:
    """The session is expected to last as long as any, and that is said."""
    for server in (None, float(NOW)):
        assert life(expires_in, server=server) == MAX_SESSION_S
        assert "a clock wrong" in warning(expires_in, server=server)


@pytest.mark.parametrize("expires_in", [MAX_SESSION_S + 1, 86_400, 10**9])
def test_an_end_that_is_too_far_is_not_believed(expires_in: float) -> None:
    """The service ends every session after three hours."""
    assert life(expires_in) == MAX_SESSION_S


def test_a_server_that_announces_no_end_is_not_blamed() -> None:
    """Its sessions are expected to last as long as any."""
    found = session_life(0, server_time_s=None, local_time_s=NOW, min_life_s=60.0)

    assert (found.seconds, found.warning) == (MAX_SESSION_S, "")


def test_the_time_of_the_server_counts_if_it_is_told() -> None:
    """A clock three hours ahead makes every session seem to end at once."""
    ahead = NOW + 3 * HOUR

    assert life(MAX_SESSION_S, server=float(NOW), local=ahead) == MAX_SESSION_S
    assert life(600, server=float(NOW), local=ahead) == 600
    assert "3 h 0 min ahead of the server's" in warning(600, server=float(NOW), local=ahead)
    assert life(600, server=float(NOW), local=NOW - 7 * 60) == 600
    assert "7 min behind the server's" in warning(600, server=float(NOW), local=NOW - 7 * 60)
    assert "10958 days behind" in warning(600, server=float(NOW), local=NOW - 10958 * 86400)


def test_clocks_that_differ_little_are_not_worth_a_word() -> None:
    """Most do."""
    assert warning(600, server=float(NOW), local=NOW + 200) == ""
