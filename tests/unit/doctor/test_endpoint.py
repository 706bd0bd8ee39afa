"""What doctor says of the endpoint."""

import pytest

from tests.engine.support.scripted_server import ScriptedServer
from tui.doctor.endpoint import check_endpoint, clock_finding
from tui.doctor.finding import Finding, State
from workers.protocol.endpoint import custom_endpoint, service_endpoint


def findings(url: str, *, has_key: bool = True) -> dict[str, Finding]:
    found = check_endpoint(custom_endpoint(url), has_key=has_key)
    return {finding.name: finding for finding in found}


def test_an_endpoint_that_answers_is_reached() -> None:
    """Without a session; and its clock is read."""
    with ScriptedServer() as server:
        found = findings(server.url)

        assert server.received_sessions == []
    assert found["connection"].state is State.OK
    assert found["connection"].values["addresses"] == ["127.0.0.1"]
    assert "unencrypted" in found["connection"].summary
    assert found["clock"].state in (State.OK, State.MISSING)


def test_one_that_does_not_answer_is_a_failure() -> None:
    """With what a session would say."""
    connection = findings("ws://127.0.0.1:9")["connection"]

    assert (State.FAILED, "Is the endpoint running?") == (connection.state, connection.remedy)


def test_the_embedded_engine_needs_no_network() -> None:
    """A run chooses it if there is no key."""
    (destination,) = check_endpoint(None, has_key=False)

    assert destination.state is State.OK
    assert "because there is no API key" in destination.summary


def test_the_service_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not asked for a connection before a proxy that cannot be used is mended."""
    monkeypatch.setenv("https_proxy", "nonsense://x")
    key, proxy = check_endpoint(service_endpoint("eu"), has_key=False)

    assert (State.FAILED, State.FAILED) == (key.state, proxy.state)


@pytest.mark.parametrize(
    ("skew_s", "state", "words"),
    [
        (0.4, State.OK, "agrees"),
        (90.0, State.WARNING, "90 s ahead of"),
        (-3600.0, State.WARNING, "3600 s behind"),
        (None, State.MISSING, "does not tell"),
    ],
)
def test_a_clock_that_is_off_is_a_warning(skew_s: float | None, state: State, words: str) -> None:
    """Certificates seem invalid then."""
    finding = clock_finding(skew_s)

    assert (state, True) == (finding.state, words in finding.summary)
