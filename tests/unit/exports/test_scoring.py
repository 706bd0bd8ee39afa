"""Exports for scoring tools: MeetEval reads back every turn and word, whatever is in them."""

import json
from pathlib import Path

import pytest

from workers.exports.scoring import ctm_of, seglst_of, stm_of, stm_of_all
from workers.jobs.job import Half, JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import pair_state
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn, Word


def heard(*turns: Turn, file: str = "calls/my talk.wav", job: int = 1) -> JobState:
    return JobState(JobId(job), file, transcript=Transcript(turns))


def turn(text: str, order: int, start: int, *, final: bool = True) -> Turn:
    """A turn whose words last 200 ms each."""
    words = tuple(
        Word(word, start + 200 * index, start + 200 * index + 200, 0.9)
        for index, word in enumerate(text.split())
    )
    return Turn(order, final, text, words=words)


def call() -> JobState:
    """Two speakers of a call who take turns."""
    left = heard(turn("good morning", 0, 0), turn("no thank you", 1, 3000), file="call.wav", job=2)
    right = heard(turn("fresh bread today", 0, 1000), file="call.wav", job=3)
    left.half, right.half = Half(1, 1, "agent"), Half(1, 2, "caller")
    return pair_state(left, right)


def test_turns_and_words_have_their_times() -> None:
    """Spaces in a name become underscores; a turn that is not final is left out."""
    state = heard(turn("Good morning.", 0, 1500), turn("All", 1, 3000, final=False))
    assert stm_of(state) == "my_talk 1 my_talk 1.500 1.900 Good morning.\n"
    assert ctm_of(state) == (
        "my_talk 1 1.500 0.200 Good 0.900\nmy_talk 1 1.700 0.200 morning. 0.900\n"
    )
    (segment,) = json.loads(seglst_of(state))
    assert segment == {
        "session_id": "my talk",
        "speaker": "my talk",
        "start_time": 1.5,
        "end_time": 1.9,
        "words": "Good morning.",
    }


def test_the_speakers_of_a_call_are_named() -> None:
    """In the order of the conversation."""
    lines = [line.split()[:5] for line in stm_of(call()).splitlines()]
    assert [line[2] for line in lines] == ["agent", "caller", "agent"]
    assert [one["speaker"] for one in json.loads(seglst_of(call()))] == ["agent", "caller", "agent"]


def test_a_turn_without_times_is_only_in_seglst() -> None:
    """The other formats cannot hold it."""
    state = heard(Turn(0, True, "no times"))
    assert stm_of(state) == ctm_of(state) == ""
    assert json.loads(seglst_of(state))[0]["words"] == "no times"


HOSTILE = "(%hesitation) ;; <unk> a\x00b \u202e ]]> 中文 e\u0301 “x”"


def test_meeteval_reads_every_format_back(tmp_path: Path) -> None:
    """The same words in the same order, for one recording and for several in a file."""
    meeteval = pytest.importorskip("meeteval")
    states = [
        heard(turn(HOSTILE, 0, 0), file="a.wav"),
        heard(turn("two words", 0, 500), file="b.wav"),
    ]
    expected = {"a": " ".join(HOSTILE.replace("\x00", " ").replace("\u202e", "").split())}
    expected["b"] = "two words"

    stm = tmp_path / "all.stm"
    stm.write_text(stm_of_all(states))
    assert {line.filename: line.transcript for line in meeteval.io.STM.load(stm)} == expected
    seglst = tmp_path / "a.seglst.json"
    seglst.write_text(seglst_of(states[0]))
    (segment,) = meeteval.io.SegLST.load(seglst)
    assert segment["words"] == expected["a"]
    ctm = tmp_path / "b.ctm"
    ctm.write_text(ctm_of(states[1]))
    words = meeteval.io.CTM.load(ctm).to_seglst()
    assert [one["words"] for one in words] == ["two", "words"]
    assert [float(one["start_time"]) for one in words] == [0.5, 0.7]


def test_meeteval_scores_a_call_speaker_by_speaker(tmp_path: Path) -> None:
    """cpWER is 0 against the same words under other names, and counts a word at another speaker."""
    meeteval = pytest.importorskip("meeteval")
    (tmp_path / "call.seglst.json").write_text(seglst_of(call()))
    hypothesis = meeteval.io.SegLST.load(tmp_path / "call.seglst.json")
    reference = tmp_path / "reference.stm"
    reference.write_text(
        "call 1 A 0 0.4 good morning\n"
        "call 1 B 1 1.6 fresh bread today\n"
        "call 1 A 3 3.6 no thank you\n"
    )
    rates = meeteval.wer.cpwer(meeteval.io.STM.load(reference), hypothesis)
    assert rates["call"].errors == 0
    reference.write_text("call 1 A 0 0.4 good morning today\ncall 1 B 1 1.6 fresh bread\n")
    rates = meeteval.wer.cpwer(meeteval.io.STM.load(reference), hypothesis)
    assert rates["call"].errors == 4
