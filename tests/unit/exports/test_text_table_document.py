"""The plain transcript, the table and the document."""

import csv
import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.exports.document import json_of
from workers.exports.sanitise import single_line
from workers.exports.table import CSV_COLUMNS, csv_of
from workers.exports.text import txt_of
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    JobReport,
    Outcome,
    Progressed,
    Queued,
    Retrying,
    TurnReceived,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.transcript import Transcript
from workers.pacing.certificate import LagSummary
from workers.protocol import codec
from workers.protocol.messages import Turn, Word

FOREIGN = st.text(
    st.one_of(st.characters(), st.sampled_from(" \n\r\t\"',;=+-@\x00\x85\u2028\u202e"))
)
UNSEEN = set("\x00\x07\x1b\x7f\x85\x9b\u2028\u202a\u202e\u2066\u2069\ufeff")


def heard(*turns: Turn) -> JobState:
    return JobState(JobId(1), "talks/x.wav", attempt=1, transcript=Transcript(turns))


LOST = Ended(Outcome.LOST, "the connection broke", "try again", 1006, 62.9, 63.5)


def continued() -> JobState:
    """Broke after its first turn, continued, and still runs; its second turn is empty."""
    job_state = JobState(JobId(4), "talks/x.wav")
    began = Began("s-1", "u3-rt-pro", 16000, 0, 12.5, 30.0)
    for attempt, event in (
        (1, Queued(90.0, 16000, 1, "WAV PCM_16")),
        (1, Connecting("wss://example.org/v3/ws", "ab12")),
        (1, began),
        (1, Progressed(62.0, 90.0, LagSummary(0.1, 0.1, 0.3, 0.4))),
        (1, TurnReceived(Turn(0, True, "Hello there.", words=(Word("Hello there.", 0, 62340),)))),
        (1, LOST),
        (2, Retrying("the connection broke", 1.0, 62.34)),
        (2, Connecting("wss://example.org/v3/ws", "ab12", 62340, 1)),
        (2, began),
        (2, TurnReceived(Turn(1, True, "\u2028", words=(Word(" ", 62400, 62500),)))),
        (2, TurnReceived(Turn(2, False, "How are", words=(Word("How are", 63000, 64000),)))),
    ):
        job_state.apply(JobReport(JobId(4), attempt, "talks/x.wav", 0.0, event))
    return job_state


def rows(job_state: JobState) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_of(job_state), newline="")))


def whole(text: str) -> str:
    """Two halves of a character that happen to stand together are that character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


# --- txt ----------------------------------------------------------------------------------------


def test_plain_text_is_the_words_one_turn_a_line():
    """No header and no times: people paste it."""
    assert "Hello there.\nHow are you?\n" == txt_of(
        heard(Turn(0, True, "Hello there."), Turn(1, True, "How are you?"))
    )


def test_an_unfinished_turn_is_kept_and_says_so():
    """A cancelled session keeps its transcript, including the open word."""
    words = (Word("How", 0, 90), Word("ar", 100, 150, word_is_final=False))

    assert "Hello.\nHow ar [unfinished]\n" == txt_of(
        heard(Turn(0, True, "Hello."), Turn(1, False, "How", words=words))
    )


def test_plain_text_says_where_a_further_attempt_goes_on():
    """It has its own line, as the session after it may have another configuration."""
    assert ("Hello there.\n[attempt 2 goes on from 1:02]\nHow are [unfinished]\n") == txt_of(
        continued()
    )


def test_nothing_heard_is_an_empty_text():
    """No placeholder could be taken for speech."""
    assert "" == txt_of(heard())


def test_a_turn_stays_on_its_line_and_holds_nothing_invisible():
    """Line breaks become spaces; controls and bidi overrides do not reach the file."""
    assert "one two [2J three four\n" == txt_of(
        heard(Turn(0, True, "one\r\ntwo\x1b[2J\u2028three \u202e\ufefffour"))
    )


@given(st.lists(FOREIGN))
def test_any_text_is_one_line_a_turn_without_anything_unseen(texts: list[str]):
    """What comes out are the words that went in."""
    plain = txt_of(heard(*(Turn(order, True, text) for order, text in enumerate(texts))))

    assert [single_line(text) for text in texts if single_line(text)] == plain.split("\n")[:-1]
    assert not UNSEEN & set(plain)
    plain.encode()


# --- csv ----------------------------------------------------------------------------------------


def test_the_table_has_a_row_a_turn():
    """Times come from the words, the confidence is their mean, and what is missing is empty."""
    words = (Word("Oh,", 640, 720, 0.9), Word("well.", 760, 1160, 0.8), Word("", 1160, 1160))
    table = rows(
        heard(Turn(0, True, "Oh, well.", words=words, speaker_label="A"), Turn(3, False, "And"))
    )

    assert [
        list(CSV_COLUMNS),
        ["0", "640", "1160", "true", "A", "0.85", "Oh, well.", "1"],
        ["3", "", "", "false", "", "", "And", "1"],
    ] == table


def test_the_table_says_which_attempt_heard_a_turn():
    """At its end, so that a program that knows the other columns still finds them."""
    assert ["attempt", "1", "2", "2"] == [row[-1] for row in rows(continued())]


def test_the_table_is_quoted_as_rfc_4180_asks():
    """Quotes are doubled, lines end in CR LF, and no byte-order mark stands in front."""
    table = csv_of(heard(Turn(0, True, 'She said "no", twice.')))

    assert (
        "turn_order,start_ms,end_ms,final,speaker,confidence,text,attempt\r\n"
        '0,,,true,,,"She said ""no"", twice.",1\r\n'
    ) == table


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1 degrees", "@SUM(A1)", " =1", "\t=1", "\r=1", '"=1"', "'=1", "“=1", "＝1"],
)
def test_what_a_spreadsheet_would_run_is_defused(text: str):
    """An apostrophe makes it text, for the words and for the speaker's name."""
    row = rows(heard(Turn(0, True, text, speaker_label=text)))[1]

    assert [f"'{text.strip()}"] * 2 == [row[4], row[6]]


@given(st.lists(FOREIGN), FOREIGN)
def test_any_text_comes_back_from_the_table(texts: list[str], speaker: str):
    """Cells hold the words, and none begins as a formula does."""
    turns = [Turn(n, True, f"w{text}", speaker_label=speaker) for n, text in enumerate(texts)]
    table = rows(heard(*turns))

    assert [single_line(f"w{text}") for text in texts] == [row[6] for row in table[1:]]
    assert all(len(CSV_COLUMNS) == len(row) for row in table)
    assert not any(cell.startswith(tuple("=+-@\t\r")) for row in table for cell in row)
    assert not UNSEEN & set(csv_of(heard(*turns)))


# --- json ---------------------------------------------------------------------------------------


def test_the_document_says_everything_the_fold_knows():
    """Facts, attempt, session, ending and turns, under the names of events and wire."""
    job_state = JobState(JobId(4), "talks/x.wav")
    turn = Turn(
        0, True, "Hi.", words=(Word("Hi.", 5, 9, 0.5, extra={"lang": "en"}),), extra={"new": [1]}
    )
    for event in (
        Queued(2.5, 44100, 2, "WAV PCM_16"),
        Connecting("wss://example.org/v3/ws", "ab12"),
        Began("s-1", "u3-rt-pro", 44100, 0, 12.5, 30.0),
        Progressed(2.5, 2.5, LagSummary(0.1, 0.1, 0.3, 0.4)),
        TurnReceived(turn),
        Ended(Outcome.LOST, "the connection broke", "try again", 1006, 2.5, 3.0),
    ):
        job_state.apply(JobReport(JobId(4), 1, "talks/x.wav", 0.0, event))

    document = json.loads(json_of(job_state))

    assert {
        "job": 4,
        "file": "talks/x.wav",
        "status": "failed",
        "attempt": 1,
        "attempts": [{"number": 1, "from_ms": 0, "from_turn": 0, "ended": document["ended"]}],
        "recording": {
            "seconds": 2.5,
            "rate": 44100,
            "channels": 2,
            "format": "WAV PCM_16",
            "sha256": "ab12",
        },
        "sent_seconds": 2.5,
        "session": {
            "session_id": "s-1",
            "model": "u3-rt-pro",
            "sample_rate": 44100,
            "expires_at": 0,
            "connect_ms": 12.5,
            "begin_ms": 30.0,
        },
        "lag_ms": {"now": 0.1, "p50": 0.1, "p99": 0.3, "max": 0.4},
        "slips": 0,
        "warnings": [],
        "ended": {
            "outcome": "lost",
            "reason": "the connection broke",
            "hint": "try again",
            "code": 1006,
            "sent_seconds": 2.5,
            "open_seconds": 3.0,
        },
        "turns": [codec.dump(turn)],
    } == document
    assert [1] == document["turns"][0]["new"]
    assert "en" == document["turns"][0]["words"][0]["lang"]


def test_the_document_tells_all_attempts():
    """Each with its start and its end, also the current one, but not the next one."""
    job_state = continued()
    first = {"number": 1, "from_ms": 0, "from_turn": 0, "ended": codec.dump(LOST)}
    second = {"number": 2, "from_ms": 62340, "from_turn": 1, "ended": None}
    assert [first, second] == json.loads(json_of(job_state))["attempts"]

    job_state.apply(JobReport(JobId(4), 2, "talks/x.wav", 0.0, LOST))
    job_state.apply(JobReport(JobId(4), 3, "talks/x.wav", 0.0, Retrying("lost", 1.0, 64.0)))
    document = json.loads(json_of(job_state))
    assert [first, {**second, "ended": codec.dump(LOST)}] == document["attempts"]
    assert "retrying" == document["status"]


def test_a_job_without_a_session_has_nulls_there():
    """Every field is there in any state of the job."""
    document = json.loads(json_of(heard()))

    assert [None, None, None, []] == [document[k] for k in ("session", "lag_ms", "ended", "turns")]


def test_the_document_is_readable_text_that_ends_in_a_newline():
    """Letters are unchanged; unsafe characters are escaped and not lost."""
    text = json_of(heard(Turn(0, True, "né \x9b\u202e\ud800")))

    assert r'"né \u009b\u202e\ud800"' in text
    assert "né \x9b\u202e\ud800" == json.loads(text)["turns"][0]["transcript"]
    assert text.endswith("}\n")
    text.encode()


def test_a_number_that_json_does_not_have_becomes_null():
    """A strict reader can read the file, whatever the server put into a field of its own."""
    text = json_of(heard(Turn(0, True, "Hi.", extra={"score": [math.nan, math.inf, 1.5]})))

    assert [None, None, 1.5] == json.loads(text)["turns"][0]["score"]
    assert "NaN" not in text


@given(FOREIGN, FOREIGN)
def test_any_text_comes_back_from_the_document(file: str, said: str):
    """Nothing is lost, and no invisible character is in the file."""
    job_state = JobState(JobId(1), file, transcript=Transcript([Turn(0, False, f"w{said}")]))
    text = json_of(job_state)
    document = json.loads(text)

    assert whole(file) == document["file"]
    assert whole(f"w{said}") == document["turns"][0]["transcript"]
    assert not UNSEEN & set(text)
    text.encode()
