"""The vendor's published recipe for latency, followed step by step, gives the delays that we print.

Its benchmark takes words that jiwer finds equal in the reference and in the final text. A word's
delay lasts from the sending of the chunk that covers its labelled end to the first message with the
word; negative ones are dropped. A turn's delay lasts from that chunk of its last word to its final
message.
"""

import random
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import jiwer
import pytest

from tests.unit.evaluation.scored_runs import BEGAN_S, CHUNK_S, LAG_S, turn, write_index, write_job
from workers.evaluation.latency import JobLatency, measure_latency
from workers.evaluation.metrics import Clock
from workers.evaluation.reference_formats import Reference, TimedText
from workers.runs.reader import read_job_states


@dataclass
class Session:
    """What was said, labelled by hand, and the messages that the client received."""

    said: list[tuple[str, float]] = field(default_factory=list)
    """Words and their labelled ends in s."""
    turns: list[list[tuple[float, list[str], list[float]]]] = field(default_factory=list)
    """Of each turn its messages: time, words, the server's word ends. The last one is final."""


def invent_session(seed: int) -> Session:
    """Turns of words that occur once; partials come in steps, some words are wrong for good."""
    generator = random.Random(seed)
    session, end_s = Session(), 0.5
    for order in range(4):
        heard, ends, messages = [], [], []
        for number in range(generator.randint(3, 8)):
            end_s += generator.choice((0.1, 0.25, 0.437))
            word = f"w{order}x{number}"
            session.said.append((word, round(end_s, 3)))
            heard.append(f"{word}z" if generator.random() < 0.2 else word)
            ends.append(round(end_s + generator.choice((-0.05, 0.0, 0.05)), 3))
            if generator.random() < 0.6:
                delay_s = generator.choice((-0.3, 0.2, 0.5))
                messages.append((BEGAN_S + end_s + delay_s, list(heard), list(ends)))
        messages.sort()
        last_s = max([end_s, *(t - BEGAN_S for t, *_ in messages)])
        messages.append((BEGAN_S + last_s + 0.6, heard, ends))
        session.turns.append(messages)
        end_s += 1.5
    return session


def sent_s(end_s: float) -> float:
    """When the chunk that covers a position was sent, on the attempt's clock."""
    chunk = ceil(round(end_s / CHUNK_S, 6)) - 1
    return BEGAN_S + chunk * CHUNK_S + LAG_S


def vendor_delays(session: Session) -> tuple[list[float], list[float]]:
    """Delays of words and of turns in ms, by the recipe."""
    finals = [word for messages in session.turns for word in messages[-1][1]]
    (alignment,) = jiwer.process_words(
        " ".join(word for word, _ in session.said), " ".join(finals)
    ).alignments
    equal = [
        index
        for chunk in alignment
        if chunk.type == "equal"
        for index in range(chunk.ref_start_idx, chunk.ref_end_idx)
    ]
    received = [(t, words) for messages in session.turns for t, words, _ in messages]
    words, turns = [], []
    for index in equal:
        word, end_s = session.said[index]
        first_s = min(t for t, words_then in received if word in words_then)
        words.append(1000 * (first_s - sent_s(end_s)))
    labelled = dict(session.said)
    for messages in session.turns:
        final_s, heard, _ = messages[-1]
        if heard[-1] in labelled:
            turns.append(1000 * (final_s - sent_s(labelled[heard[-1]])))
    return [delay for delay in words if delay >= 0], turns


@pytest.mark.parametrize("seed", range(8))
def test_delays_are_those_of_the_recipe(tmp_path: Path, seed: int) -> None:
    """To the rounding of a trace; only that we keep negative delays and count them."""
    session = invent_session(seed)
    run = write_index(tmp_path / "run", ["talk.wav"])
    events = [
        turn(round(t, 4), order, " ".join(words), ends, final=index == len(messages) - 1)
        for order, messages in enumerate(session.turns)
        for index, (t, words, ends) in enumerate(messages)
    ]
    write_job(run, events, seconds=40.0)
    timed = tuple(
        TimedText(word, round(1000 * end) - 90, round(1000 * end)) for word, end in session.said
    )
    reference = Reference("talk.json", " ".join(word for word, _ in session.said), timed)
    latency = JobLatency()
    measure_latency(latency, run, read_job_states(run)[0], reference)
    emission = latency.delays["emission"].ms[Clock.SENT]

    words, turns = vendor_delays(session)
    assert [delay for delay in emission if delay >= 0] == pytest.approx(words, abs=0.11)
    assert latency.delays["eot"].ms[Clock.SENT] == pytest.approx(turns, abs=0.11)
