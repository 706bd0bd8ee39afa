"""Sessions that near their end hand over: a recording may be longer than any session lives."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine import faults
from tests.engine.hearing import Manner, Moment, telling
from tests.engine.running import ONCE, SOON, Hurried, Watched, resumed, supervised
from tests.engine.scripted import Endpoint, Heard, Script
from tests.engine.truth import Ear, Truth, complaints, record
from workers import past
from workers.events import Connecting, Ended, Outcome, Progressed, Report, TurnHeard
from workers.history import Status
from workers.retries import Retries
from workers.session.assignment import Patience

SHORT = Manner(words=3, lifetime=2)
"""Some tenths of a second from one to two: the server tells whole seconds."""


def streamed(
    folder: Path,
    truths: Sequence[Truth],
    *scripts: Script,
    retries: Retries = ONCE,
    patience: Patience | None = None,
) -> tuple[Watched, list[Heard]]:
    with (
        Endpoint(*scripts) as endpoint,
        supervised(
            endpoint.url, folder / "run", starts=Hurried(), retries=retries, patience=patience
        ) as watched,
    ):
        watched.supervisor.add([truth.path for truth in truths])
        watched.until_idle()
    return watched, endpoint.heard


def outcomes(watched: Watched, job: int = 1) -> list[Outcome]:
    return [ended.outcome for ended in watched.said(Ended, job) if isinstance(ended, Ended)]


@dataclass(frozen=True)
class Run:
    """Two jobs at once, each longer than a session: one is talked through, one nearly silent."""

    truths: Sequence[Truth]
    watched: Watched
    heard: Sequence[Heard]
    folder: Path

    def of(self, truth: Truth) -> list[Heard]:
        """Its sessions, in order; all but the silent ones."""
        return [each for each in self.heard if set(words(each)) & set(truth.numbers)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("handover")
    truths = [record(folder, 36), record(folder, 36, 1, silent=range(3, 33))]
    watched, heard = streamed(folder, truths, telling(SHORT))
    return Run(truths, watched, heard, folder / "run")


def test_a_recording_longer_than_its_sessions_is_one_job(run: Run) -> None:
    """Several of them, none of which was an attempt that failed; each was ended as it should be."""
    truth, history = run.truths[0], run.watched.histories[1]
    again = past.histories(run.folder)[0]
    ended = outcomes(run.watched)

    assert complaints(truth, history) == complaints(truth, again) == []
    assert ended == [Outcome.HANDED_OVER] * (len(run.of(truth)) - 1) + [Outcome.DONE]
    assert len(ended) >= 3
    assert history.transcript.seams == again.transcript.seams
    assert len(history.transcript.seams) == len(ended) - 1
    assert [each.control for each in run.heard] == [[{"type": "Terminate"}]] * len(run.heard)


def test_it_hands_over_at_the_end_of_a_turn(run: Run) -> None:
    """Nothing more is sent when one ends near the end; a busy machine may miss some of those."""
    sent, at_end, at_ends = 0.0, 0.0, []
    for report in run.watched.reports:
        match report:
            case Report(job=1, event=Progressed(sent_seconds=seconds)):
                sent = seconds
            case Report(job=1, event=TurnHeard(turn, cut=False)) if turn.end_of_turn:
                at_end = sent
            case Report(job=1, event=Ended(outcome=Outcome.HANDED_OVER) as ended):
                at_ends.append(ended.sent_seconds == at_end)

    assert any(at_ends)


def test_hours_without_a_word_are_not_sent_for_ever(run: Run) -> None:
    """What a session has heard to its end is done with, even when it was nothing."""
    assert complaints(run.truths[1], run.watched.histories[2]) == []
    assert outcomes(run.watched, 2)[-1] is Outcome.DONE
    assert len(outcomes(run.watched, 2)) >= 3


def words(heard: Heard) -> list[int]:
    ear = Ear(8000)
    return [word.number for word in [*ear.hear(heard.pcm), *ear.rest()]]


def test_a_session_that_lives_long_enough_hands_nothing_over(tmp_path: Path) -> None:
    """Nor does one whose last words fit; and no clock that is wrong cuts anything short."""
    year = 365 * 86_400
    manners = [
        Manner(lifetime=4),
        Manner(lifetime=10_800),
        Manner(expires_at=0),
        Manner(expires_at=-7),
        Manner(expires_at=int(time.time()) - year),
        Manner(expires_at=int(time.time()) + year),
        Manner(expires_at=2**62),
    ]
    truths = [record(tmp_path, 18, job) for job in range(len(manners))]
    watched, heard = streamed(tmp_path, truths, *map(telling, manners))

    assert len(heard) == len(manners)
    for truth, (job, history) in zip(truths, sorted(watched.histories.items()), strict=True):
        assert complaints(truth, history) == []
        assert outcomes(watched, job) == [Outcome.DONE]


def test_a_turn_longer_than_a_session_is_divided(tmp_path: Path) -> None:
    """The job goes on, at the price of a turn in two parts; a word may be torn where they meet."""
    truth = record(tmp_path, 24)
    endless = Manner(words=1000, lifetime=2)
    watched, heard = streamed(tmp_path, [truth], telling(endless))
    kept = watched.histories[1].transcript.text.split()

    assert outcomes(watched)[-1] is Outcome.DONE
    assert [word for word in truth.texts if word not in kept][len(heard) :] == []
    assert kept == sorted(set(kept))


def test_sessions_that_never_get_anywhere_are_given_up(tmp_path: Path) -> None:
    """They would be opened, and paid for, for ever."""
    truth = record(tmp_path, 30)
    mute = telling(Manner(lifetime=1), faults.mute, Moment.BEGIN)
    twice = Retries(attempts=2, first=0.01)
    watched, heard = streamed(tmp_path, [truth], mute, retries=twice, patience=Patience(end=0.2))

    assert watched.histories[1].status is Status.FAILED
    assert outcomes(watched) == [Outcome.LOST] * 2
    assert len(heard) == 2


def test_a_server_that_does_not_confirm_its_end_costs_an_attempt(tmp_path: Path) -> None:
    """Nobody knows what it had heard: the next one goes on from the last final turn."""
    truth = record(tmp_path, 24)
    watched, _ = streamed(
        tmp_path,
        [truth],
        telling(SHORT, faults.cut, Moment.TERMINATE),
        telling(),
        retries=SOON,
    )

    assert complaints(truth, watched.histories[1]) == []
    assert outcomes(watched) == [Outcome.LOST, Outcome.DONE]


def test_a_program_killed_between_two_sessions_goes_on(tmp_path: Path) -> None:
    """As far as the trace of the first one tells."""
    truth = record(tmp_path, 24)
    with (
        Endpoint(telling(SHORT)) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=ONCE) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_said(Connecting)
        watched.supervisor.hold(True)  # no second session
        watched.until_said(Ended)
    with Endpoint(telling()) as endpoint, resumed(endpoint.url, tmp_path / "run") as again:
        again.until_idle()

    assert complaints(truth, again.histories[1]) == []
