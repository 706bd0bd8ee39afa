"""The arithmetic of the benchmarks, on records made up for it: none of them is run."""

import numpy as np
import pytest

from tests.benchmarks import accuracy, engine_soak, word_times
from tests.benchmarks.accuracy import AccuracyResult, Score
from tests.benchmarks.control_probe import RoundTrips
from tests.benchmarks.latency import (
    Latency,
    Reading,
    final_latency_after_last_word,
    final_latency_after_speech,
    first_word_latency,
    partial_intervals,
    partial_latency,
    percentile,
)
from tests.benchmarks.load_levels import (
    Cost,
    LoadResult,
    MeasurementWindow,
    cpu_time_between,
    summarise_load,
)
from tests.benchmarks.report_collector import JobCollector
from tests.benchmarks.speech_segments import (
    RATE,
    Samples,
    SpeechAudio,
    SpeechSegment,
    concatenate,
    find_speech_segments,
)
from tests.benchmarks.word_times import AlignedWord
from workers.jobs.events import Began, Ended, JobReport, Outcome, Queued, TurnReceived
from workers.jobs.job import JobId
from workers.protocol.messages import Turn, Word

FREE = Cost(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def reading(
    arrival: float, order: int, *words: tuple[str, int, int], final: bool = False
) -> Reading:
    """A message about a turn with words and their times in ms."""
    text = " ".join(word for word, _, _ in words)
    turn = Turn(order, final, text, words=tuple(Word(*word) for word in words))
    return Reading(arrival, turn)


def sound(*parts: tuple[float, int]) -> Samples:
    """Seconds of a square wave of so much amplitude, one after the other."""
    pieces = [np.tile([level, -level], round(seconds * RATE / 2)) for seconds, level in parts]
    return np.concatenate(pieces).astype(np.int16)


# --- where somebody speaks ------------------------------------------------------------------------


def test_speech_is_found_by_loudness() -> None:
    """A short gap belongs to a stretch, a long one ends it, and a click is no speech."""
    heard = sound((0.5, 0), (1.0, 9000), (0.1, 0), (0.4, 9000), (1.0, 20), (0.05, 9000), (1.0, 0))

    assert (SpeechSegment(0.5, 2.0),) == find_speech_segments(heard)


def test_a_quiet_recording_has_the_same_stretches() -> None:
    """The measure is the recording's own loudness."""
    heard = sound((0.3, 0), (1.0, 9000), (0.5, 300), (0.7, 9000), (0.2, 0))

    assert (SpeechSegment(0.3, 1.3), SpeechSegment(1.8, 2.5)) == find_speech_segments(heard)
    assert find_speech_segments(heard) == find_speech_segments((heard // 100).astype(np.int16))


def test_a_programme_begins_with_any_recording_and_knows_its_stretches() -> None:
    """One recording after the other, over and over, 1.5 s of silence after each."""
    parts = [
        SpeechAudio(sound((2.0, 1000)), (SpeechSegment(0.5, 1.5),)),
        SpeechAudio(sound((1.0, 2000)), (SpeechSegment(0.0, 1.0),)),
    ]
    made = concatenate(parts, 3, 10.0)

    assert 10 * RATE == len(made.samples)
    assert (
        SpeechSegment(0.0, 1.0),
        SpeechSegment(3.0, 4.0),
        SpeechSegment(6.0, 7.0),
        SpeechSegment(9.0, 10.0),
    ) == (made.stretches)
    assert [2000, 0, 1000, 0] == [int(made.samples[round(at * RATE)]) for at in (0, 2, 2.5, 5)]


def test_a_stretch_that_is_cut_is_left_out() -> None:
    """Nobody knows when its end would have been heard."""
    made = concatenate([SpeechAudio(sound((2.0, 1000)), (SpeechSegment(0.5, 1.5),))], 0, 1.2)

    assert () == made.stretches


# --- how far words are behind ---------------------------------------------------------------------


def test_a_final_is_late_by_the_true_end_of_speech() -> None:
    """The engine's word end is wrong by 0.4 s and chooses the pause, nothing more."""
    readings = [reading(3.0, 0, ("so", 1000, 1600), final=True)]

    assert [Latency(2.0, 1.0)] == final_latency_after_speech(
        readings, [SpeechSegment(1.0, 2.0)], 10.0
    )
    (latency,) = final_latency_after_last_word(readings)
    assert 1.6 == latency.occurred_at
    assert pytest.approx(1.4) == latency.seconds


def test_a_late_final_does_not_belong_to_what_was_said_since() -> None:
    """An engine that is seconds behind does not look better for it."""
    spoken = [SpeechSegment(1.0, 2.0), SpeechSegment(3.0, 4.0), SpeechSegment(5.0, 6.0)]
    readings = [reading(6.5, 0, ("so", 1000, 2100), final=True)]

    assert [Latency(2.0, 4.5)] == final_latency_after_speech(readings, spoken, 10.0)


def test_speech_near_the_end_is_not_counted() -> None:
    """Terminate may have ended its turn."""
    readings = [reading(3.0, 0, ("so", 1000, 2000), final=True)]

    assert [] == final_latency_after_speech(readings, [SpeechSegment(1.0, 2.0)], 3.4)


def test_words_where_nobody_spoke_have_no_delay() -> None:
    """What was made up came from no stretch."""
    readings = [reading(9.0, 0, ("so", 7000, 8000), final=True)]

    assert [] == final_latency_after_speech(readings, [SpeechSegment(1.0, 2.0)], 20.0)


def test_only_the_first_final_of_a_turn_counts() -> None:
    """Its formatted twin says the same once more; an empty one says nothing."""
    readings = [
        reading(2.4, 0, ("so", 1000, 2000), final=True),
        reading(2.9, 0, ("So.", 1000, 2000), final=True),
        reading(3.9, 1, final=True),
    ]

    assert [2.0] == [
        delay.occurred_at
        for delay in final_latency_after_speech(readings, [SpeechSegment(1.0, 2.0)], 9.0)
    ]
    assert 1 == len(final_latency_after_last_word(readings))


def test_the_first_words_are_counted_from_the_onset() -> None:
    """A reading without words is none."""
    readings = [reading(1.0, 0), reading(1.5, 0, ("so", 500, 1200))]

    assert Latency(0.5, 1.0) == first_word_latency(readings, [SpeechSegment(0.5, 2.0)])
    assert first_word_latency([], [SpeechSegment(0.5, 2.0)]) is None


def test_a_partial_counts_when_it_has_a_new_word() -> None:
    """A revision, a repetition and a final do not."""
    so, what, that = ("so", 500, 1000), ("what", 1000, 1500), ("that", 1000, 1400)
    readings = [
        reading(1.5, 0, so),
        reading(2.0, 0, so, what),
        reading(2.5, 0, so, that),
        reading(3.0, 0, so, that, ("now", 1500, 2000), final=True),
        reading(4.5, 1, ("yes", 3500, 4000)),
    ]

    assert [Latency(1.0, 0.5), Latency(1.5, 0.5), Latency(4.0, 0.5)] == partial_latency(readings)


def test_intervals_do_not_reach_across_turns() -> None:
    """Between two turns nobody speaks."""
    readings = [
        reading(1.0, 0, ("a", 0, 1)),
        reading(1.5, 0, ("a", 0, 1)),
        reading(5.0, 1, ("b", 0, 1)),
        reading(5.75, 1, ("b", 0, 1)),
    ]

    assert [Latency(1.0, 0.5), Latency(5.0, 0.75)] == partial_intervals(readings)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """By nearest rank; of nothing there is none."""
    assert 2.0 == percentile([3.0, 1.0, 2.0, 9.0], 50)
    assert 9.0 == percentile([3.0, 1.0, 2.0, 9.0], 95)
    assert percentile([], 50) is None


# --- accuracy -------------------------------------------------------------------------------------


def test_errors_are_counted_by_kind() -> None:
    """After normalising, so that case and punctuation are no errors."""
    assert Score(5, 1, 1, 0) == accuracy.score("The train is late, again.", "the drain is late")
    assert Score(2, 0, 0, 1) == accuracy.score("Good morning!", "good good morning")
    assert Score(0, 0, 0, 2) == accuracy.score("", "thank you")


def test_pooled_errors_weigh_every_word_alike() -> None:
    """One error in ten words and none in ninety are 1 %."""
    whole = accuracy.merge_results(
        [
            AccuracyResult(Score(10, 1, 0, 0), 3, [0.5], [0.7, 0.8]),
            AccuracyResult(Score(90, 0, 0, 0), 1, [], [0.9]),
        ]
    )

    assert AccuracyResult(Score(100, 1, 0, 0), 4, [0.5], [0.7, 0.8, 0.9]) == whole
    assert 1.0 == whole.score.wer


# --- capacity -------------------------------------------------------------------------------------


def listener(began_at: float | None, outcome: Outcome, *readings: Reading) -> JobCollector:
    """A job that began then, heard this, and ended so."""

    def said(t: float, event: Queued | Began | TurnReceived | Ended) -> JobReport:
        return JobReport(JobId(1), 1, "a.wav", t, event)

    heard = JobCollector(said(0.0, Queued(10.0, RATE, 1, "WAV PCM_16")))
    if began_at is not None:
        heard.add_report(said(0.25, Began("7a1d", "m", RATE, 0, 1.0, 1.0)))
        heard.began_at = began_at
    for each in readings:
        heard.add_report(said(0.25 + each.arrival, TurnReceived(each.turn)))
    heard.add_report(said(11.0, Ended(outcome, "so it was")))
    return heard


def test_only_what_is_said_while_all_are_live_is_counted() -> None:
    """A final counts by when its speech ended, not by when it arrived: late ones stay in."""
    heard = listener(
        100.0,
        Outcome.DONE,
        reading(2.5, 0, ("so", 1000, 2000), final=True),
        reading(8.5, 1, ("what", 3000, 4000), final=True),
    )
    spoken = SpeechAudio(sound((10.0, 0)), (SpeechSegment(1.0, 2.0), SpeechSegment(3.0, 4.0)))
    counted = summarise_load([(heard, spoken)], MeasurementWindow(103.0, 106.0), FREE, RoundTrips())

    assert [pytest.approx(4.5)] == counted.final
    assert [pytest.approx(4.5)] == counted.own


def test_refused_and_broken_sessions_are_counted() -> None:
    """Without Begin, and with Begin but without a proper end."""
    silence = SpeechAudio(sound((10.0, 0)), ())
    sessions = [
        listener(100.0, Outcome.DONE),
        listener(None, Outcome.BUSY),
        listener(101.0, Outcome.LOST),
    ]
    counted = summarise_load(
        [(each, silence) for each in sessions], MeasurementWindow(0, 200), FREE, RoundTrips()
    )

    assert (3, 1, 1) == (counted.sessions, counted.refused, counted.broken)


def test_a_session_that_ended_meanwhile_is_left_out_of_the_cost() -> None:
    """What it had needed before is not taken off the others."""
    assert 1.5 == cpu_time_between({"a": 1.0, "b": 2.0, "c": 9.0}, {"a": 2.0, "b": 2.5})


def at(sessions: int, final: list[float], refused: int = 0, ping: float = 1.0) -> LoadResult:
    """A level with these finals."""
    answers = RoundTrips(ping=[ping])
    return LoadResult(sessions, refused, 0, final, [], [], [], [], FREE, answers)


def test_a_level_keeps_up_with_finals_in_time_and_nobody_refused() -> None:
    """Both are needed."""
    levels = [at(1, [0.5, 0.6]), at(4, [0.5, 1.2]), at(8, [0.5, 2.5]), at(12, [0.5], 4), at(16, [])]

    assert [level.keeps_up for level in levels] == [True, True, False, False, False]


def test_control_is_prompt_below_its_bound() -> None:
    """The slowest kind of answer decides; a probe that was never let in says nothing."""
    assert at(1, [], ping=49.9).is_responsive
    assert at(1, [], ping=50.0).is_responsive is False
    assert (
        LoadResult(1, 1, 0, [], [], [], [], [], FREE, RoundTrips(refused=[3.0])).is_responsive
        is None
    )


# --- word times -----------------------------------------------------------------------------------

SAID = [
    AlignedWord("ask", 0, 300),
    AlignedWord("what", 300, 600),
    AlignedWord("it's", 600, 900),
    AlignedWord("ask", 2000, 2300),
    AlignedWord("what", 2300, 2600),
    AlignedWord("else", 2600, 3000),
]


def test_equal_words_are_compared_in_order() -> None:
    """Case, punctuation and the shape of an apostrophe do not count; another word does."""
    readings = [
        reading(2.0, 0, ("Ask", 10, 320), ("what", 280, 600), ("it’s.", 650, 900), final=True),
        reading(4.0, 1, ("Ask", 2100, 2300), ("that", 2300, 2600), final=True),
    ]
    compared = word_times.final_word_errors(readings, SAID)

    assert (5, [10, -20, 50, 100], [20, 0, 0, 0]) == (
        compared.words,
        compared.starts,
        compared.ends,
    )


def test_a_partial_is_compared_with_its_own_turn() -> None:
    """The same words stand in an earlier turn too."""
    readings = [
        reading(2.0, 0, ("ask", 0, 300), ("what", 300, 600), ("its", 600, 900), final=True),
        reading(2.6, 1, ("ask", 2070, 2300)),
        reading(3.0, 1, ("ask", 2070, 2300), ("what", 2330, 2600)),
        reading(4.0, 1, ("or", 1900, 2000), ("what", 2300, 2600), ("else", 2600, 3000), final=True),
    ]

    assert {0: 0, 1: 3} == word_times.turn_start_indices(readings, SAID)
    assert [70, 70, 30] == word_times.partial_word_errors(readings, SAID).starts


# --- one long session -----------------------------------------------------------------------------


def test_a_slice_is_what_was_needed_between_two_moments() -> None:
    """The memory is that of its end; the growth compares the last slice with the first."""
    states = [
        engine_soak.ResourceSnapshot(5.0, 1.0, 200.0, 20.0, 0),
        engine_soak.ResourceSnapshot(65.0, 2.0, 240.0, 21.0, 30),
        engine_soak.ResourceSnapshot(131.0, 3.5, 252.0, 21.0, 61),
    ]

    assert [
        engine_soak.ResourceSnapshot(60.0, 1.0, 240.0, 21.0, 30),
        engine_soak.ResourceSnapshot(66.0, 1.5, 252.0, 21.0, 31),
    ] == engine_soak.slices(states)
    assert "CPU 1.10, memory 1.05" == engine_soak.growth(states)
