"""Every delay is what the definitions say, to the microsecond, on traces of known times."""

from pathlib import Path

import pytest

from tests.unit.evaluation.scored_runs import BEGAN_S, sent, turn, write_index, write_job
from workers.evaluation.latency import JobLatency, measure_latency
from workers.evaluation.metrics import METRICS, Clock
from workers.evaluation.reference_formats import Reference, TimedText
from workers.jobs.events import Outcome
from workers.jobs.resume_point import ResumePoint
from workers.pacing.certificate import Verdict
from workers.runs.reader import read_job_states


def measure(
    folder: Path, reference: Reference | None = None, *, allow_invalid: bool = False
) -> JobLatency:
    """The delays of the only job of a run."""
    (state,) = read_job_states(folder)
    latency = JobLatency()
    measure_latency(latency, folder, state, reference, allow_invalid=allow_invalid)
    return latency


def due(latency: JobLatency, metric: str) -> list[float]:
    """The delays of a metric by the clock ``due``, in ms."""
    return [round(ms, 3) for ms in latency.delays[metric].ms[Clock.DUE]]


def by_sent(latency: JobLatency, metric: str) -> list[float]:
    """The same by the clock ``sent``."""
    return [round(ms, 3) for ms in latency.delays[metric].ms[Clock.SENT]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with one job, still without a trace."""
    return write_index(tmp_path / "run", ["talk.wav"])


def at(position_s: float, delay_s: float) -> float:
    """The time of an attempt ``delay_s`` after the chunk was due that ends at ``position_s``."""
    return BEGAN_S + position_s - 0.1 + delay_s


def test_each_family_starts_and_stops_at_its_own_events(folder: Path) -> None:
    """One turn of two words, with a wrong partial in between."""
    write_job(
        folder,
        [
            turn(at(0.3, 0.2), 0, "hello", [0.3]),
            turn(at(0.3, 0.3), 0, "yellow", [0.3]),
            turn(at(0.6, 0.4), 0, "hello word", [0.3, 0.6]),
            turn(at(0.6, 0.5), 0, "hello world", [0.3, 0.6]),
            turn(at(0.6, 0.9), 0, "hello world", [0.3, 0.6], final=True),
            sent(BEGAN_S + 4.0, "Terminate"),
        ],
    )
    latency = measure(folder)

    assert due(latency, "ttft") == [400.0]  # from 0.0, not from the word's end
    assert due(latency, "onset") == [400.0]  # the first word begins at 0.1 s: in the first chunk
    assert due(latency, "first_word") == [400.0]
    assert due(latency, "emission") == [200.0, 500.0]
    assert due(latency, "stable") == [700.0, 500.0]  # “yellow” came between
    assert due(latency, "final") == [1200.0, 900.0]
    assert due(latency, "eot") == [900.0]
    assert due(latency, "interval") == [100.0, 400.0, 100.0]
    assert by_sent(latency, "emission") == [198.0, 498.0]
    assert by_sent(latency, "eot") == [898.0]
    assert (latency.corrections, latency.unstable_words, latency.final_words) == (3, 3, 2)
    assert due(latency, "pacing") == [2.0] * 40


def test_a_word_may_be_shown_before_its_end(folder: Path) -> None:
    """Negative delays are kept: they are predictions, or wrong word times."""
    write_job(
        folder,
        [
            turn(at(1.0, -0.3), 0, "hello", [1.0]),
            turn(at(1.0, 0.5), 0, "hello", [1.0], final=True),
        ],
    )
    assert due(measure(folder), "emission") == [-300.0]


def test_turns_that_a_message_ended_are_not_ends_of_turn(folder: Path) -> None:
    """``ForceEndpoint`` has a metric of its own, and the end of the audio too."""
    write_job(
        folder,
        [
            turn(at(0.5, 0.1), 0, "one", [0.5]),
            sent(at(0.5, 0.2), "ForceEndpoint"),
            turn(at(0.5, 0.25), 0, "one", [0.5], final=True),
            turn(at(3.9, 0.05), 1, "two", [3.9]),
            sent(BEGAN_S + 4.002, "Terminate"),
            turn(BEGAN_S + 4.302, 1, "two", [3.9], final=True),
        ],
    )
    latency = measure(folder)

    assert due(latency, "forced") == [50.0]
    assert "eot" not in latency.delays
    assert due(latency, "ttfs") == [302.0]
    assert by_sent(latency, "ttfs") == [300.0]


def test_at_another_speed_delays_are_those_that_a_user_waits(folder: Path) -> None:
    """Four seconds of audio take one, so each chunk is due after a quarter of its position."""
    write_job(
        folder,
        [
            turn(BEGAN_S + 0.975 + 0.05, 0, "two", [3.9]),
            sent(BEGAN_S + 1.002, "Terminate"),
            turn(BEGAN_S + 1.302, 0, "two", [3.9], final=True),
        ],
        speed=4.0,
    )
    latency = measure(folder)

    assert due(latency, "emission") == [75.0]  # its chunk was due after 0.95 s
    assert due(latency, "ttfs") == [302.0]
    assert by_sent(latency, "ttfs") == [300.0]


def test_the_formatted_version_of_a_final_is_not_another_delay(folder: Path) -> None:
    """It comes later with the same turn number."""
    write_job(
        folder,
        [
            turn(at(0.5, 0.1), 0, "one two", [0.2, 0.5], final=True),
            turn(at(0.5, 0.6), 0, "One, two.", [0.2, 0.5], final=True),
        ],
    )
    assert due(measure(folder), "eot") == [100.0]


def test_word_times_of_a_reference_are_used_where_words_agree(folder: Path) -> None:
    """A wrong word has no known end; a far one is another utterance."""
    write_job(
        folder,
        [turn(at(1.0, 0.0), 0, "Hello old world", [0.3, 0.6, 1.0], final=True)],
    )
    reference = Reference(
        "talk.json",
        "hello cold world",
        (TimedText("hello", 100, 200), TimedText("cold", 300, 500), TimedText("world", 700, 900)),
    )
    latency = measure(folder, reference)

    assert latency.has_reference_times
    assert due(latency, "final") == [800.0, 100.0]
    far = Reference("talk.json", "world", (TimedText("world", 3700, 3900),))
    assert "final" not in measure(folder, far).delays


def test_phrases_with_times_tell_the_onset_only(folder: Path) -> None:
    """The end of a phrase is not the end of each of its words."""
    write_job(folder, [turn(at(1.0, 0.0), 0, "hello world", [0.6, 1.0], final=True)])
    reference = Reference("talk.srt", "hello world", (TimedText("hello world", 250, 1000),))
    latency = measure(folder, reference)

    assert not latency.has_reference_times
    assert due(latency, "onset") == [700.0]  # from the chunk from 0.2 to 0.3 s


def test_attempts_with_bad_pacing_do_not_count(folder: Path) -> None:
    """Unless the user allows it; the reason is told in both cases."""
    write_job(
        folder,
        [turn(at(1.0, 0.2), 0, "hello", [1.0], final=True)],
        verdict=Verdict.LATE,
    )
    latency = measure(folder)
    assert list(latency.delays) == ["pacing"]
    assert latency.invalid == ["attempt 1: p99 lag 2.0 ms, more than 10 ms"]
    allowed = measure(folder, allow_invalid=True)
    assert due(allowed, "final") == [200.0]
    assert allowed.invalid == latency.invalid


def test_a_turn_after_a_resume_point_does_not_count(folder: Path) -> None:
    """Its audio had been sent before; and nothing begins there, so neither does ``ttft``."""
    write_job(
        folder,
        [
            turn(at(1.0, 0.2), 0, "one", [1.0], final=True),
            turn(at(2.0, 0.2), 1, "two", [2.0]),
        ],
        seconds=2.5,
        outcome=Outcome.LOST,
    )
    resumed = ResumePoint(1000, 1)
    write_job(
        folder,
        [
            turn(BEGAN_S + 1.2, 1, "two", [2.0], final=True),
            turn(BEGAN_S + 2.2, 2, "three", [3.0], final=True),
        ],
        attempt=2,
        resume_point=resumed,
    )
    latency = measure(folder)

    # “one” from the first attempt, “three” from the second: 2.2 s after its clock began, the chunk
    # that ends at 3.0 s of the recording was due at 1.9 s.
    assert due(latency, "final") == [200.0, 300.0]
    assert len(due(latency, "ttft")) == 1


def test_every_delay_has_a_definition() -> None:
    """Both events of each metric are stated."""
    assert all(metric.start and metric.stop for metric in METRICS.values())


def test_the_documentation_has_every_metric() -> None:
    """With the definition that results show."""
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text()
    for metric in METRICS.values():
        unit = metric.unit.value or "ratio"
        assert f"| `{metric.name}` | {unit} | {metric.start} | {metric.stop} |" in page
