"""Sessions that near their end hand over: a recording may be longer than any session lives."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import complaints, record
from tests.engine.support.scenario import Played, Scene, played, recordings
from tests.engine.support.scripted_server import Endpoint
from tests.engine.support.supervisor_harness import ONCE, SOON, resumed, supervised
from tests.engine.support.transcribing_server import Manner, Moment, telling
from workers.jobs.events import Connecting, Ended, Outcome
from workers.jobs.job import Settings
from workers.jobs.job_state import Status
from workers.runs import reader
from workers.scheduling.retry_policy import Retries
from workers.session.assignment import Patience

SHORT = Manner(words=3, lifetime=2)
"""Some tenths of a second from one to two: the server tells whole seconds."""

ENDLESS = Manner(words=1000, lifetime=2)
UNTIMELY = Settings(chunk_ms=70)
"""Chunks that end anywhere in a word."""

YEAR = 365 * 86_400
LONG = [
    Manner(lifetime=4),
    Manner(lifetime=10_800),
    Manner(expires_at=0),
    Manner(expires_at=-7),
    Manner(expires_at=int(time.time()) - YEAR),
    Manner(expires_at=int(time.time()) + YEAR),
    Manner(expires_at=2**62),
]
"""Sessions that last long enough, or of which nobody can tell how long they last."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    folder = tmp_path_factory.mktemp("handover")
    mute = telling(Manner(lifetime=1), server_faults.mute, Moment.BEGIN)
    unconfirmed = telling(SHORT, server_faults.cut, Moment.TERMINATE)
    return played(
        folder,
        {
            "talk": Scene(recordings(folder / "a", 1, 34), [telling(SHORT)], ONCE),
            "silence": Scene(
                recordings(folder / "b", 1, 34, silent=range(3, 31)), [telling(SHORT)], ONCE
            ),
            "long": Scene(recordings(folder / "c", len(LONG), 18), [*map(telling, LONG)], ONCE),
            "endless": Scene(
                recordings(folder / "d", 6, 34),
                [telling(replace(ENDLESS, word_by_word=each)) for each in (True, False)],
                ONCE,
                settings=UNTIMELY,
            ),
            "nowhere": Scene(
                recordings(folder / "e", 1, 30),
                [mute],
                Retries(attempts=2, first=0.01),
                Patience(end=0.2),
            ),
            "unconfirmed": Scene(recordings(folder / "f", 1, 24), [unconfirmed, telling()], SOON),
        },
    )


def test_a_recording_longer_than_its_sessions_is_one_job(scenes: Mapping[str, Played]) -> None:
    """Several of them, none of which was an attempt that failed; each was ended as it should be."""
    scene = scenes["talk"]
    handovers = len(scene.heard) - 1

    assert scene.complaints() == []
    assert scene.outcomes() == [Outcome.HANDED_OVER] * handovers + [Outcome.DONE]
    assert handovers >= 1
    for history in (*scene.histories, *scene.replayed):
        assert len(history.transcript.seams) == handovers
    assert [each.control for each in scene.heard] == [[{"type": "Terminate"}]] * len(scene.heard)


def test_hours_without_a_word_are_not_sent_for_ever(scenes: Mapping[str, Played]) -> None:
    """What a session has heard to its end is done with, even when it was nothing."""
    scene = scenes["silence"]

    assert scene.complaints() == []
    assert scene.outcomes()[-1] is Outcome.DONE
    assert len(scene.outcomes()) >= 2


def test_a_session_that_lives_long_enough_hands_nothing_over(
    scenes: Mapping[str, Played],
) -> None:
    """Nor does one whose last words fit; and no clock that is wrong cuts anything short."""
    scene = scenes["long"]

    assert scene.complaints() == []
    assert len(scene.heard) == len(LONG)


def test_a_turn_longer_than_a_session_is_divided(scenes: Mapping[str, Played]) -> None:
    """The job goes on, at the price of a turn in two parts; but no word is torn where they meet."""
    scene = scenes["endless"]

    assert scene.complaints() == []
    for history in scene.histories:
        outcomes = scene.outcomes(history.job)
        assert outcomes == [Outcome.HANDED_OVER] * (len(outcomes) - 1) + [Outcome.DONE]
        assert len(history.transcript.seams) == len(outcomes) - 1 >= 1


def test_sessions_that_never_get_anywhere_are_given_up(scenes: Mapping[str, Played]) -> None:
    """They would be opened, and paid for, for ever."""
    scene = scenes["nowhere"]

    assert scene.histories[0].status is Status.FAILED
    assert scene.outcomes() == [Outcome.LOST] * 2
    assert len(scene.heard) == 2


def test_a_server_that_does_not_confirm_its_end_costs_an_attempt(
    scenes: Mapping[str, Played],
) -> None:
    """Nobody knows what it had heard: the next one goes on from the last final turn."""
    assert scenes["unconfirmed"].complaints() == []
    assert scenes["unconfirmed"].outcomes() == [Outcome.LOST, Outcome.DONE]


@pytest.mark.parametrize("manner", [SHORT, ENDLESS])
def test_a_program_killed_between_two_sessions_goes_on(tmp_path: Path, manner: Manner) -> None:
    """As far as the trace of the first one tells."""
    truth = record(tmp_path, 22)
    run = tmp_path / "run"
    with (
        Endpoint(telling(manner)) as endpoint,
        supervised(endpoint.url, run, settings=UNTIMELY, retries=ONCE) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_said(Connecting)
        watched.supervisor.hold(True)  # no second session
        watched.until_said(Ended)
    with Endpoint(telling()) as endpoint, resumed(endpoint.url, run) as again:
        again.until_idle()

    for history in (again.histories[1], *reader.histories(run)):
        assert complaints(truth, history) == []
        assert len(history.transcript.seams) == 1
