"""The judge of sessions, judged: rules on the session as a whole, and traces."""

from pathlib import Path

import pytest

from tests.conformance import Audio, Closed, Heard, Kind, Sent, judge
from tests.conformance.__main__ import main
from tests.conformance.from_trace import recorded
from tests.unit.conformance.session_builders import (
    END,
    ENDED,
    ID,
    SECOND,
    SEE_ERROR,
    TERMINATION,
    U3,
    US,
    Scene,
    begin,
    frame,
    heard,
    u3,
    whole,
)
from workers.jobs.events import (
    Began,
    ChunksSent,
    Ended,
    MessageReceived,
    MessageSent,
    Outcome,
    Slipped,
    TraceEvent,
    TurnHeard,
    Warned,
)
from workers.protocol.messages import (
    Error,
    Heartbeat,
    KeepAlive,
    LLMGatewayResponse,
    Silence,
    SpeakerRevision,
    SpeechStarted,
    Terminate,
    Turn,
    UpdateConfiguration,
    Warning,
    Word,
)
from workers.traces.trace_file import TraceWriter

BEGIN = begin(U3)
HEARTBEAT = Heartbeat(900, 1000, 0.9, 0.5)
WITH_HEARTBEAT = {**U3, "session_heartbeat": "True"}
WITH_SILENCE = {**U3, "acknowledge_silence": "true"}
FINALS_ONLY = {**U3, "include_partial_turns": "false"}
BAD_KEY = heard(Error("Unauthorized Connection: Invalid API key", 1008))

SCENES = {
    "a field of the wrong type": Scene(
        Kind.SHAPE,
        whole(heard(SpeechStarted(100)), u3("Hi.", final=True)),
        whole(frame("SpeechStarted", timestamp=100.5), u3("Hi.", final=True)),
    ),
    "a type that nobody knows": Scene(Kind.SHAPE, whole(), whole(frame("Greeting"))),
    "seconds that are not whole": Scene(
        Kind.SHAPE,
        whole(),
        (
            *[SECOND] * 10,
            Sent(Terminate()),
            frame("Termination", audio_duration_seconds=9.8, session_duration_seconds=11),
            ENDED,
        ),
    ),
    "a word that is none": Scene(
        Kind.SHAPE, whole(), whole(u3("", final=True, words=(), extra={"words": [7]}))
    ),
    "Begin comes first": Scene(
        Kind.BEGIN,
        (BEGIN, *whole(u3("Hi.", final=True))),
        (SECOND, u3("Hi.", final=True), BEGIN, *whole()),
        begins=False,
    ),
    "Begin comes once": Scene(Kind.BEGIN, whole(), whole(BEGIN)),
    "an Error instead of Begin": Scene(
        Kind.BEGIN,
        (BAD_KEY, Closed(1008, SEE_ERROR)),
        (heard(Warning("Careful.", 1)), BAD_KEY, Closed(1008, SEE_ERROR)),
        begins=False,
    ),
    "Begin tells the session": Scene(Kind.BEGIN, (BEGIN,), (begin(U3, id="7a1d"),), begins=False),
    "Begin tells when the session expires": Scene(
        Kind.BEGIN, (BEGIN,), (begin(U3, expires_at=0),), begins=False
    ),
    "Begin tells what was applied": Scene(
        Kind.BEGIN, (BEGIN,), (begin(U3, configuration={"model": "u3-rt-pro"}),), begins=False
    ),
    "Begin names the model asked for": Scene(Kind.BEGIN, (BEGIN,), (begin(US),), begins=False),
    "nothing follows Termination": Scene(
        Kind.AFTER_THE_END,
        whole(u3("Hi.", final=True)),
        (*whole()[:-1], u3("Hi.", final=True)),
    ),
    "nothing follows an Error": Scene(
        Kind.AFTER_THE_END, (BAD_KEY,), (BAD_KEY, heard(Warning("Careful.", 1)))
    ),
    "Termination was asked for": Scene(
        Kind.TERMINATION, whole(), (*[SECOND] * 10, TERMINATION, ENDED)
    ),
    "Termination tells the length of the audio": Scene(
        Kind.TERMINATION, whole(), (*[SECOND] * 5, *END)
    ),
    "an Error has a known code": Scene(
        Kind.ERROR,
        (BAD_KEY, Closed(1008, SEE_ERROR)),
        (heard(Error("Invalid API key", 4001)), Closed(4001, SEE_ERROR)),
    ),
    "an Error has the words of its code": Scene(
        Kind.ERROR,
        (heard(Error("User Input Validation Error: Invalid JSON: …", 3006)),),
        (heard(Error("bad JSON", 3006)),),
    ),
    "the close has the code of the Error": Scene(
        Kind.CLOSE, (BAD_KEY, Closed(1008, SEE_ERROR)), (BAD_KEY, Closed(1000, SEE_ERROR))
    ),
    "the close has a fixed reason": Scene(
        Kind.CLOSE, (BAD_KEY, Closed(1008, SEE_ERROR)), (BAD_KEY, Closed(1008, "Invalid API key"))
    ),
    "the close after Termination": Scene(Kind.CLOSE, whole(), (*whole()[:-1], Closed(1000, ""))),
    "a Warning ends nothing": Scene(
        Kind.CLOSE, whole(heard(Warning("Careful.", 1))), (heard(Warning("Careful.", 1)), ENDED)
    ),
    "a close is told before": Scene(
        Kind.CLOSE, whole(), (*[SECOND] * 10, Sent(Terminate()), ENDED)
    ),
    "Heartbeat by parameter": Scene(
        Kind.UNASKED,
        whole(Sent(UpdateConfiguration(session_heartbeat=True)), heard(HEARTBEAT)),
        whole(heard(HEARTBEAT), Sent(UpdateConfiguration(session_heartbeat=True))),
    ),
    "Silence by message": Scene(
        Kind.UNASKED,
        whole(Sent(UpdateConfiguration(acknowledge_silence=True)), heard(Silence(0, 1000))),
        whole(Sent(KeepAlive()), heard(Silence(0, 1000))),
    ),
    "speakers on request": Scene(
        Kind.UNASKED, whole(u3("Hi.", final=True)), whole(u3("Hi.", final=True, speaker_label="A"))
    ),
    "speakers of words on request": Scene(
        Kind.UNASKED,
        whole(u3("Hi.", final=True)),
        whole(u3("Hi.", final=True, words=(Word("Hi.", 0, 90, 0.9, True, speaker="A"),))),
    ),
    "languages on request": Scene(
        Kind.UNASKED, whole(u3("Hi.", final=True)), whole(u3("Hi.", final=True, language_code="en"))
    ),
    "languages at the end": Scene(
        Kind.UNASKED,
        whole(u3("Hi"), u3("Hi.", final=True, language_code="en")),
        whole(u3("Hi", language_code="en"), u3("Hi.", final=True, language_code="en")),
        {**U3, "language_detection": "true"},
    ),
    "revised speakers on request": Scene(Kind.UNASKED, whole(), whole(heard(SpeakerRevision(())))),
    "a language model on request": Scene(
        Kind.UNASKED, whole(), whole(heard(LLMGatewayResponse(0, "Hi.", {"id": 1})))
    ),
    "finals alone": Scene(
        Kind.UNASKED,
        whole(heard(SpeechStarted(0)), u3("Hi.", final=True)),
        whole(heard(SpeechStarted(0)), u3("Hi"), u3("Hi.", final=True)),
        FINALS_ONLY,
    ),
    "heartbeats only grow": Scene(
        Kind.HEARTBEAT,
        whole(heard(HEARTBEAT), heard(Heartbeat(1900, 2000, 0.95, 1.0))),
        whole(heard(HEARTBEAT), heard(Heartbeat(800, 2000, 0.4, 1.0))),
        WITH_HEARTBEAT,
    ),
    "no more is received than was sent": Scene(
        Kind.HEARTBEAT,
        whole(heard(Heartbeat(10_000, 2000, 5.0, 0.0))),
        whole(heard(Heartbeat(12_000, 2000, 6.0, 0.0))),
        WITH_HEARTBEAT,
    ),
    "the probability of speech": Scene(
        Kind.HEARTBEAT,
        whole(heard(HEARTBEAT)),
        whole(heard(Heartbeat(900, 1000, 0.9, 1.5))),
        WITH_HEARTBEAT,
    ),
    "silences do not overlap": Scene(
        Kind.SILENCE,
        whole(heard(Silence(0, 1000)), heard(Silence(1000, 2000))),
        whole(heard(Silence(0, 1000)), heard(Silence(900, 2000))),
        WITH_SILENCE,
    ),
    "silences are not empty": Scene(
        Kind.SILENCE, whole(heard(Silence(0, 1))), whole(heard(Silence(5, 5))), WITH_SILENCE
    ),
    "nobody speaks in a silence": Scene(
        Kind.SILENCE,
        whole(u3("Hi.", final=True, start=950), heard(Silence(1000, 2000))),
        whole(u3("Hi.", final=True, start=1050), heard(Silence(1000, 2000))),
        WITH_SILENCE,
    ),
    "silences have been sent": Scene(
        Kind.SILENCE,
        whole(heard(Silence(9000, 10_000))),
        whole(heard(Silence(11_000, 12_000))),
        WITH_SILENCE,
    ),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_rule_on_sessions(scene: Scene):
    """Each lets the legal pass and calls the illegal by its kind."""
    scene.check()


# --- traces


def traced(path: Path, *happened: tuple[float, TraceEvent]) -> Path:
    """A trace of a session in chunks of 100 ms at 16 kHz, its schedule beginning after 1 s."""
    settings = {"chunk_ms": 100, "release": "start", "speech_model": "u3-rt-pro", "params": []}
    facts = {"job": 1, "attempt": 1, "file": "a.wav", "settings": settings}
    began = Began(ID, "u3-rt-pro", 16_000, 0, 1.0, 2.0)
    with TraceWriter(path, facts) as writer:
        writer.write(0.9, MessageReceived(begin(U3).frame))
        writer.write(1.0, began)
        for t, event in happened:
            writer.write(t, event)
    return path


HI = TurnHeard(Turn(0, True, "Hi.", True, 1.0, "Hi.", (Word("Hi.", 0, 290, 0.9),)))


def test_a_trace_is_a_record_in_the_order_of_what_happened(tmp_path: Path):
    """Chunks are told late and together; their lags say when they left. The last one is short."""
    path = traced(
        tmp_path / "a.trace.jsonl",
        (1.25, HI),
        (1.31, MessageSent({"type": "Terminate"})),
        (1.32, ChunksSent(0, (100, 90, 20_000, 5))),
        (1.4, Warned("a message was not understood")),
        (1.5, MessageReceived(TERMINATION.frame)),
        (1.6, Ended(Outcome.DONE, "done", sent_seconds=0.35)),
    )
    parameters, record = recorded(path)

    assert U3 == parameters
    assert [Heard, Audio, Audio, Audio, Heard, Audio, Sent, Heard] == [type(e) for e in record]
    assert [100, 100, 100, 50] == [round(e.milliseconds) for e in record if isinstance(e, Audio)]
    assert {Kind.TERMINATION} == {each.kind for each in judge(parameters, record)}


def test_a_slip_moves_the_chunks_after_it(tmp_path: Path):
    """So what was heard meanwhile was heard before them."""
    path = traced(
        tmp_path / "a.trace.jsonl",
        (9.0, HI),
        (9.1, Slipped(0.1, 8000.0)),
        (9.2, ChunksSent(0, (100, 90))),
    )

    assert [Heard, Audio, Heard, Audio] == [type(entry) for entry in recorded(path)[1]]


def test_traces_are_judged_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A line for each, what is wrong below it, and an exit code."""
    chunks = ChunksSent(0, (100,) * 5)
    legal = traced(tmp_path / "legal.trace.jsonl", (1.6, chunks), (1.7, HI))
    illegal = traced(tmp_path / "illegal.trace.jsonl", (1.6, chunks), (1.7, HI), (1.8, HI))

    assert 0 == main([str(legal)])
    assert "legal.trace.jsonl: legal\n" == capsys.readouterr().out
    assert 1 == main([str(legal), str(illegal)])
    assert "illegal.trace.jsonl: second final 1\n" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="is not JSON"):
        main([__file__])
