"""The halves of a pair as one job, and the transcript of both speakers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    ended_failed,
    progressed,
    queued,
    retrying,
)
from workers.jobs.attempt_spans import attempt_spans, further_spans, span_of_turn
from workers.jobs.events import Ended, Event, JobReport, Outcome, TurnReceived, Warned
from workers.jobs.job import Half, JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState, combine_pairs, pair_state
from workers.protocol.messages import Turn, Word

STREAMING = (queued(60.0), connecting(), began())


def half(channel: int, *events: Event) -> JobState:
    """Half of pair 1 after these events of its first attempt; `Retrying` begins the next."""
    one = Half(1, channel, ("agent", "caller")[channel - 1])
    state, attempt = JobState(one.jobs[channel - 1], "call.wav", one), 1
    for event in events:
        attempt += event.type == "retrying"
        state.apply(JobReport(state.job, attempt, state.file, 1.0, event, one))
    return state


def turn(order: int, text: str, *starts_ms: int, final: bool = True) -> Event:
    """A turn whose words start at these times and last 100 ms."""
    words = zip(text.split(), starts_ms, strict=True)
    timed = tuple(Word(word, start, start + 100, word_is_final=final) for word, start in words)
    return TurnReceived(Turn(order, final, text, words=timed))


def conversation(pair: JobState) -> list[str]:
    return [f"{line.speaker}: {line.text}" for line in pair.transcript.lines]


def test_turns_are_in_the_order_in_which_they_begin() -> None:
    """Numbered from 0, each with the name of its speaker."""
    agent = half(1, *STREAMING, turn(0, "Hello", 0), turn(1, "Bye", 3000))
    pair = pair_state(agent, half(2, *STREAMING, turn(0, "Hi", 1000), turn(1, "So", 2000)))

    assert conversation(pair) == ["agent: Hello", "caller: Hi", "caller: So", "agent: Bye"]
    assert [line.turn_order for line in pair.transcript.lines] == [0, 1, 2, 3]
    assert [each.speaker_label for each in pair.transcript.turns][1] == "caller"


def test_a_turn_is_divided_by_what_the_other_says_meanwhile() -> None:
    """Between two words; the pieces hold each word once."""
    agent = half(1, *STREAMING, turn(0, "one two three four", 0, 1000, 2000, 3000))
    pair = pair_state(agent, half(2, *STREAMING, turn(0, "mm-hm", 1500)))

    assert conversation(pair) == ["agent: one two", "caller: mm-hm", "agent: three four"]


def test_turns_that_only_overlap_stay_whole() -> None:
    """Somebody interrupted; and an open turn is not divided, because it may still change."""
    agent = half(1, *STREAMING, turn(0, "one two three", 0, 1000, 2000))
    pair = pair_state(agent, half(2, *STREAMING, turn(0, "but no", 1500, 2500)))
    assert conversation(pair) == ["agent: one two three", "caller: but no"]

    agent = half(1, *STREAMING, turn(0, "one two three", 0, 1000, 2000, final=False))
    pair = pair_state(agent, half(2, *STREAMING, turn(0, "mm-hm", 500)))
    assert conversation(pair) == ["agent: one two three", "caller: mm-hm"]


def test_a_formatted_turn_is_divided_at_the_same_share_of_its_text() -> None:
    """Formatting joined two words."""
    words = tuple(
        Word(text, start, start + 100)
        for text, start in (("twenty", 0), ("five", 200), ("dollars", 1000), ("please", 2000))
    )
    agent = half(1, *STREAMING, TurnReceived(Turn(0, True, "25 dollars please.", words=words)))
    pair = pair_state(agent, half(2, *STREAMING, turn(0, "what", 1200)))

    assert conversation(pair) == ["agent: 25 dollars", "caller: what", "agent: please."]


turns = st.lists(
    st.tuples(st.lists(st.integers(0, 5000), min_size=0, max_size=5), st.booleans()), max_size=6
)


@given(turns, turns)
def test_every_word_of_both_is_there_once_in_its_order(
    one: list[tuple[list[int], bool]], other: list[tuple[list[int], bool]]
) -> None:
    """Whatever the times say."""
    halves, said = [], []
    for channel, spoken in ((1, one), (2, other)):
        events, words, clock = [], [], 0
        for order, (gaps, final) in enumerate(spoken):
            starts = [clock := clock + gap for gap in gaps]
            texts = [f"{channel}-{order}-{number}" for number in range(len(starts))]
            words += texts
            events.append(turn(order, " ".join(texts), *starts, final=final or order > 0))
        halves.append(half(channel, *STREAMING, *events))
        said.append(words)
    pair = pair_state(halves[0], halves[1])

    lines = pair.transcript.lines
    for words, speaker in zip(said, ("agent", "caller"), strict=True):
        assert words == [w for line in lines if line.speaker == speaker for w in line.text.split()]
    assert [line.turn_order for line in lines] == list(range(len(lines)))


def test_a_turn_object_stays_the_same_while_its_turn_does() -> None:
    """The desk wraps only turns that changed."""
    agent, caller = half(1, *STREAMING, turn(0, "Hello", 0)), half(2, *STREAMING)
    pair = pair_state(agent, caller)
    before = pair.transcript.turns
    caller.apply(JobReport(caller.job, 1, "call.wav", 2.0, turn(0, "Hi", 1000), caller.half))
    after = pair_state(agent, caller, pair.transcript).transcript.turns

    assert len(after) == 2
    assert after[0] is before[0]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((ended_done(),), (progressed(9.0),), JobStatus.STREAMING),
        ((ended_done(),), (ended_done(),), JobStatus.DONE),
        ((ended_done(),), (ended_failed("the server is gone"),), JobStatus.FAILED),
        ((ended_failed("the server is gone"),), (progressed(9.0),), JobStatus.STREAMING),
        ((ended_failed("the server is gone"), retrying()), (progressed(9.0),), JobStatus.RETRYING),
        ((ended_done(),), (Ended(Outcome.CANCELLED, "stopped"),), JobStatus.CANCELLED),
    ],
)
def test_the_state_of_a_pair_is_the_worse_one_of_what_is_unfinished(
    one: tuple[Event, ...], other: tuple[Event, ...], expected: JobStatus
) -> None:
    """It is over when both are."""
    pair = pair_state(half(1, *STREAMING, *one), half(2, *STREAMING, *other))

    assert pair.status is expected
    assert (pair.ended is None) is not expected.is_finished
    assert pair.is_live is any(each.status.is_live for each in pair.halves)


def test_what_happens_to_one_half_is_told_with_its_speaker() -> None:
    """What happens to both is told once."""
    both, own = Warned("Your plan ends tomorrow"), Warned("Beware")
    pair = pair_state(half(1, *STREAMING, both, own), half(2, *STREAMING, both))
    assert pair.warnings == ["Your plan ends tomorrow", "agent: Beware"]

    pair = pair_state(
        half(1, *STREAMING, ended_done()), half(2, *STREAMING, ended_failed("the server is gone"))
    )
    assert pair.ended is not None
    assert pair.ended.reason.startswith("caller: ")


def test_only_pairs_are_combined() -> None:
    """In the place of their halves; a half alone stays."""
    alone = JobState(JobId(4), "alone.wav")
    agent, caller = half(1), half(2)

    assert [type(state) for state in combine_pairs([agent, caller, alone])] == [PairState, JobState]
    assert combine_pairs([caller, alone]) == [caller, alone]


def test_further_attempts_stand_where_they_continue() -> None:
    """Each turn belongs to an attempt of its own speaker."""
    first = (turn(0, "one", 0), ended_failed("the server is gone"), retrying())
    second = (connecting(500, 1), began(), turn(1, "two", 2000))
    agent = half(1, *STREAMING, *first, *second)
    pair = pair_state(agent, half(2, *STREAMING, turn(0, "mm", 1000), turn(1, "hm", 3000)))

    (further,) = further_spans(pair)
    assert (further.speaker, further.attempt, further.start.turn) == ("agent", 2, 2)
    spans = attempt_spans(pair)
    attempts = [
        span_of_turn(spans, line.turn_order, line.speaker).attempt for line in pair.transcript.lines
    ]
    assert attempts == [1, 1, 2, 1]
    starts = [line.start_ms or 0 for line in pair.transcript.lines]
    assert all(a <= b for a, b in pairwise(starts))


def test_a_copy_does_not_change() -> None:
    """Exports run in a thread."""
    agent, caller = half(1, *STREAMING, turn(0, "Hello", 0)), half(2, *STREAMING)
    copied = pair_state(agent, caller).copy()
    caller.apply(JobReport(caller.job, 1, "call.wav", 2.0, turn(0, "Hi", 1000), caller.half))

    assert conversation(copied) == ["agent: Hello"]
