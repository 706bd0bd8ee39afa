"""What a run without a screen says of jobs whose sessions break."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    began,
    broken_attempt,
    connecting,
    ended_done,
    ended_failed,
    queued,
    refused_attempt,
    retrying,
    streaming,
    turn_heard,
)
from tui.cli.headless import KEPT_TURNS, HeadlessRunner
from tui.cli.run_output import RunOutput, Verbosity
from tui.model.supervisor_protocol import SERVER_RESTARTED_MESSAGE
from workers.jobs.events import Ended, Event, Outcome
from workers.jobs.job import JobId


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Restores the handlers that the runner replaces."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    before = [(number, signal.getsignal(number)) for number in numbers]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def printed_lines(capsys: pytest.CaptureFixture[str], *events: Event, **options: Any) -> list[str]:
    """The words about one job, without its name."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/a.wav", *events)
    HeadlessRunner(supervisor, RunOutput(**options)).run(lambda: None)
    return [line.removeprefix("[1] a.wav: ") for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (retrying(2.4, 62.3), "attempt 2 continues in 2 s, from 1:02"),
        (retrying(0.4, 62.3), "attempt 2 continues, from 1:02"),
        (retrying(2.4), "attempt 2 starts over in 2 s"),
        (retrying(), "attempt 2 starts over"),
    ],
)
def test_a_further_attempt_says_when_and_from_where(
    capsys: pytest.CaptureFixture[str], event: Event, words: str
) -> None:
    """Behind why the one before ended."""
    spoken = turn_heard(0, "Good morning.", final=True)

    assert ["0:00 Good morning.", f"the connection broke; {words}"] == printed_lines(
        capsys, *streaming(), spoken, ended_failed("it broke", "Try again."), event
    )[1:]


def test_a_refusal_says_that_it_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """A refused session was never an attempt."""
    lines = printed_lines(
        capsys, queued(), connecting(), *refused_attempt(12.0), connecting(), began(), ended_done()
    )

    full = "the server is full: Too many concurrent sessions (1008); retry in 12 s"
    assert full == lines[0]
    assert (
        "the server is full: Too many concurrent sessions (1008); retry soon"
        == printed_lines(capsys, queued(), *refused_attempt(0.0))[0]
    )


def test_a_restart_of_the_engine_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Sessions that break because of it have their own lines."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/a.wav", *streaming(), *broken_attempt())
    headless = HeadlessRunner(supervisor, RunOutput(as_json=True))
    supervisor.server_restarts = 1
    headless.run(lambda: None)

    assert [SERVER_RESTARTED_MESSAGE] == capsys.readouterr().err.splitlines()


def test_an_outcome_is_printed_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Not as the trace spells it."""
    ending = ended_failed("it neared its end", "Another goes on.", Outcome.HANDED_OVER)

    lines = printed_lines(capsys, *streaming(), ending)
    assert "handed over: it neared its end. Another goes on." == lines[-1]


def test_only_the_last_turns_stay_in_memory() -> None:
    """However long a session is; the traces have all."""
    supervisor = FakeSupervisor()
    spoken = [turn_heard(order, f"Turn {order}.", final=True) for order in range(50)]
    supervisor.job("/rec/a.wav", *streaming(), *spoken, ended_done())
    runner = HeadlessRunner(supervisor, RunOutput())
    runner.run(lambda: None)

    (state,) = runner.job_states
    assert len(state.transcript) == 50
    assert len(state.transcript.turns) < 2 * KEPT_TURNS


FAILURE = ended_failed("it broke", "Mend it.")


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        (Verbosity.QUIET, []),
        (
            Verbosity.NORMAL,
            ["streaming at 16000 Hz (u3-rt-pro)", "0:00 Good morning."],
        ),
        (
            Verbosity.VERBOSE,
            [
                "queued: WAV PCM_16, 1:00",
                "connecting to ws://127.0.0.1:1/v3/ws",
                "streaming at 16000 Hz (u3-rt-pro)",
                "0:00 Good morning.",
            ],
        ),
    ],
)
def test_how_much_is_printed_is_the_users_choice(
    capsys: pytest.CaptureFixture[str], verbosity: Verbosity, expected: list[str]
) -> None:
    """A failure always is."""
    spoken = turn_heard(0, "Good morning.", final=True)
    lines = printed_lines(capsys, *streaming(), spoken, FAILURE, verbosity=verbosity)

    assert [*expected, "lost: it broke. Mend it."] == lines


def test_a_reason_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Another recording that fails for it refers to the first one."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/a.wav", FAILURE)
    supervisor.job("/rec/b.wav", FAILURE)
    output = RunOutput()
    HeadlessRunner(supervisor, output).run(lambda: None)

    assert [
        "[1] a.wav: lost: it broke. Mend it.",
        "[2] b.wav: lost, as [1] was",
    ] == capsys.readouterr().err.splitlines()
    assert {"it broke. Mend it.": 1} == output.printed_failures


def test_jobs_that_never_started_are_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """There may be a thousand; the summary counts them."""
    ended = Ended(Outcome.INTERRUPTED, "the program was left before the recording started")

    assert [] == printed_lines(capsys, queued(), ended)


def test_a_server_that_refuses_every_session_ends_the_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody is there to release the starts that are held."""

    class Refused(FakeSupervisor):
        def stop(self) -> None:
            super().stop()
            self.is_idle = True

    supervisor = Refused()
    supervisor.job("/rec/a.wav", ended_failed("no such model", "", Outcome.REFUSED))
    supervisor.queue, supervisor.is_idle = [JobId(2), JobId(3)], False
    supervisor.held_by_refusal = True
    runner = HeadlessRunner(supervisor, RunOutput())
    runner.run(lambda: None)

    assert supervisor.stops == 1
    assert not runner.interrupted
    assert [
        "[1] a.wav: refused: no such model.",
        "The server refuses every such session: 2 recordings not started",
    ] == capsys.readouterr().err.splitlines()
