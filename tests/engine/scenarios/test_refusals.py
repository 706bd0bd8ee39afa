"""What a refusal means: too many sessions is a matter of waiting, anything else of being told."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import complaints, record
from tests.engine.support.scenario import Played, Scene, played, recordings
from tests.engine.support.scripted_server import Endpoint, Line, Script
from tests.engine.support.supervisor_harness import ONCE, SOON, Hurried, resumed, supervised
from tests.engine.support.transcribing_server import PLAIN, Moment, telling
from workers.jobs.events import Ended, Outcome, Retrying
from workers.jobs.job_state import Status

BUSY = [
    server_faults.error(1008, server_faults.BUSY),
    server_faults.error(3009, server_faults.BUSY),
    server_faults.error(3005, server_faults.BUSY),
    server_faults.error_alone(1008, server_faults.BUSY),
    server_faults.close(1008, server_faults.BUSY),
    server_faults.close(3009),
]


def refusing(fault: server_faults.Fault) -> Script:
    return telling(PLAIN, fault, Moment.CONNECT)


class Full:
    """A server with no more than two places."""

    def __init__(self) -> None:
        self.refused = self._guests = 0

    async def script(self, line: Line) -> None:
        if self._guests == 2:
            self.refused += 1
            return await refusing(server_faults.error(1008, server_faults.BUSY))(line)
        self._guests += 1
        await telling()(line)
        self._guests -= 1


FULL = Full()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    folder = tmp_path_factory.mktemp("refusals")
    words = [script for fault in BUSY for script in (refusing(fault), telling())]
    trouble = [500, 502, 503]
    return played(
        folder,
        {
            "words": Scene(
                recordings(folder / "a", len(BUSY) + 1, 3), words, ONCE, statuses=[429, 429]
            ),
            "full": Scene(recordings(folder / "b", 6, 6), [FULL.script], ONCE),
            "trouble": Scene(recordings(folder / "c", 1, 2), [telling()], statuses=trouble),
        },
    )


def test_a_job_that_there_is_no_place_for_waits_and_loses_no_attempt(
    scenes: Mapping[str, Played],
) -> None:
    """However the server says so, and as often as it does."""
    scene = scenes["words"]

    assert scene.complaints() == []
    for history in (*scene.histories, *scene.replayed):
        assert (history.attempt, history.earlier) == (1, [])
    assert len(list(scene.folder.glob("*.refused-*.trace.jsonl"))) == len(BUSY) + 2
    assert len(list(scene.folder.glob("*.1.trace.jsonl"))) == len(BUSY) + 1


def test_starts_slow_down_for_a_server_that_is_full_and_recover(
    scenes: Mapping[str, Played],
) -> None:
    """All jobs get a place, and it is not asked for one much more often than that."""
    assert scenes["full"].complaints() == []
    assert 1 <= FULL.refused <= 14


def test_a_server_in_trouble_is_called_again(scenes: Mapping[str, Played]) -> None:
    """It may be behind a gateway that says so; each of its errors is a break."""
    assert scenes["trouble"].complaints() == []
    assert scenes["trouble"].histories[0].attempt == 4


def test_who_waits_for_a_place_can_leave_and_come_back(tmp_path: Path) -> None:
    """The job is where it was, with all its attempts."""
    truth = record(tmp_path, 3)
    busy = refusing(server_faults.error(3009, server_faults.BUSY))
    with (
        Endpoint(busy) as endpoint,
        supervised(endpoint.url, tmp_path / "run", starts=Hurried()) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_said(Retrying, times=2)

        assert watched.histories[1].status is Status.QUEUED
        assert watched.supervisor.next_start is not None
    watched.until_idle()
    assert watched.histories[1].ended is not None
    assert watched.histories[1].ended.outcome is Outcome.INTERRUPTED

    with Endpoint(telling()) as endpoint, resumed(endpoint.url, tmp_path / "run") as again:
        again.until_idle()

    assert complaints(truth, again.histories[1]) == []
    assert again.histories[1].attempt == 1


FINAL = {
    "a key that is wrong": (
        server_faults.error(1008, "Invalid API key"),
        Outcome.UNAUTHORISED,
        "key",
    ),
    "an older code": (server_faults.error(4001, "Not authorized"), Outcome.UNAUTHORISED, "key"),
    "no credit": (server_faults.close(1008, "Insufficient funds"), Outcome.UNAUTHORISED, "account"),
    "a parameter": (
        server_faults.error(3006, "User Input Validation Error: Invalid 'mode'"),
        Outcome.REFUSED,
        "parameter",
    ),
    "a parameter, in 2025": (
        server_faults.close(3005, "User Input Validation Error: Invalid 'mode'"),
        Outcome.REFUSED,
        "parameter",
    ),
    "the length of a chunk": (
        server_faults.error(3007, "Input Duration Violation: 25.0 ms"),
        Outcome.REFUSED,
        "--chunk-ms",
    ),
    "the pace": (
        server_faults.error(3007, "Audio Transmission Rate Exceeded"),
        Outcome.REFUSED,
        "speed",
    ),
}
STATUSES = {
    401: Outcome.UNAUTHORISED,
    403: Outcome.UNAUTHORISED,
    404: Outcome.REFUSED,
    410: Outcome.REFUSED,
}


def test_what_a_further_attempt_would_only_meet_again_fails_at_once(tmp_path: Path) -> None:
    """With the words of the server, and what to change."""
    truth = record(tmp_path, 2)
    wanted = [(outcome, "") for outcome in STATUSES.values()]
    wanted += [(outcome, word) for _, outcome, word in FINAL.values()]
    scripts = [telling(PLAIN, fault, Moment.BEGIN) for fault, _, _ in FINAL.values()]
    with (
        Endpoint(*scripts, statuses=STATUSES) as endpoint,
        supervised(
            endpoint.url, tmp_path / "run", sessions=1, starts=Hurried(), retries=SOON
        ) as watched,
    ):
        watched.supervisor.add([truth.path] * len(wanted))
        watched.until_idle()

    assert len(endpoint.heard) == len(FINAL)
    for job, (outcome, word) in enumerate(wanted, start=1):
        (ended,) = watched.said(Ended, job)
        assert isinstance(ended, Ended)
        assert (ended.outcome, watched.histories[job].attempt) == (outcome, 1)
        assert ended.hint
        assert word in ended.hint
