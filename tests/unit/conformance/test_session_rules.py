"""The judge of sessions, judged: rules on the session as a whole, and traces."""

from pathlib import Path

import pytest

from tests.conformance import Audio, Closed, Received, Sent, ViolationKind, judge
from tests.conformance.__main__ import main
from tests.conformance.from_trace import log_from_trace
from tests.unit.conformance.session_builders import (
    ID,
    NORMAL_CLOSE,
    NORMAL_END,
    ONE_SECOND_OF_AUDIO,
    SEE_ERROR,
    TERMINATION,
    U3,
    UNIVERSAL_STREAMING,
    RuleExample,
    begin_frame,
    complete_session,
    frame,
    received_frame,
    u3_turn,
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
    TurnReceived,
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
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

BEGIN = begin_frame(U3)
HEARTBEAT = Heartbeat(900, 1000, 0.9, 0.5)
WITH_HEARTBEAT = {**U3, "session_heartbeat": "True"}
WITH_SILENCE = {**U3, "acknowledge_silence": "true"}
FINALS_ONLY = {**U3, "include_partial_turns": "false"}
BAD_KEY = received_frame(Error("Unauthorized Connection: Invalid API key", 1008))

SCENES = {
    "a field of the wrong type": RuleExample(
        ViolationKind.SHAPE,
        complete_session(received_frame(SpeechStarted(100)), u3_turn("Hi.", final=True)),
        complete_session(frame("SpeechStarted", timestamp=100.5), u3_turn("Hi.", final=True)),
    ),
    "a type that nobody knows": RuleExample(
        ViolationKind.SHAPE, complete_session(), complete_session(frame("Greeting"))
    ),
    "seconds that are not whole": RuleExample(
        ViolationKind.SHAPE,
        complete_session(),
        (
            *[ONE_SECOND_OF_AUDIO] * 10,
            Sent(Terminate()),
            frame("Termination", audio_duration_seconds=9.8, session_duration_seconds=11),
            NORMAL_CLOSE,
        ),
    ),
    "a word that is none": RuleExample(
        ViolationKind.SHAPE,
        complete_session(),
        complete_session(u3_turn("", final=True, words=(), extra={"words": [7]})),
    ),
    "Begin comes first": RuleExample(
        ViolationKind.BEGIN,
        (BEGIN, *complete_session(u3_turn("Hi.", final=True))),
        (ONE_SECOND_OF_AUDIO, u3_turn("Hi.", final=True), BEGIN, *complete_session()),
        starts_with_begin=False,
    ),
    "Begin comes once": RuleExample(
        ViolationKind.BEGIN, complete_session(), complete_session(BEGIN)
    ),
    "an Error instead of Begin": RuleExample(
        ViolationKind.BEGIN,
        (BAD_KEY, Closed(1008, SEE_ERROR)),
        (received_frame(Warning("Careful.", 1)), BAD_KEY, Closed(1008, SEE_ERROR)),
        starts_with_begin=False,
    ),
    "Begin tells the session": RuleExample(
        ViolationKind.BEGIN, (BEGIN,), (begin_frame(U3, id="7a1d"),), starts_with_begin=False
    ),
    "Begin tells when the session expires": RuleExample(
        ViolationKind.BEGIN, (BEGIN,), (begin_frame(U3, expires_at=0),), starts_with_begin=False
    ),
    "Begin tells what was applied": RuleExample(
        ViolationKind.BEGIN,
        (BEGIN,),
        (begin_frame(U3, configuration={"model": "u3-rt-pro"}),),
        starts_with_begin=False,
    ),
    "Begin names the model asked for": RuleExample(
        ViolationKind.BEGIN, (BEGIN,), (begin_frame(UNIVERSAL_STREAMING),), starts_with_begin=False
    ),
    "nothing follows Termination": RuleExample(
        ViolationKind.AFTER_THE_END,
        complete_session(u3_turn("Hi.", final=True)),
        (*complete_session()[:-1], u3_turn("Hi.", final=True)),
    ),
    "nothing follows an Error": RuleExample(
        ViolationKind.AFTER_THE_END, (BAD_KEY,), (BAD_KEY, received_frame(Warning("Careful.", 1)))
    ),
    "Termination was asked for": RuleExample(
        ViolationKind.TERMINATION,
        complete_session(),
        (*[ONE_SECOND_OF_AUDIO] * 10, TERMINATION, NORMAL_CLOSE),
    ),
    "Termination tells the length of the audio": RuleExample(
        ViolationKind.TERMINATION, complete_session(), (*[ONE_SECOND_OF_AUDIO] * 5, *NORMAL_END)
    ),
    "an Error has a known code": RuleExample(
        ViolationKind.ERROR,
        (BAD_KEY, Closed(1008, SEE_ERROR)),
        (received_frame(Error("Invalid API key", 4001)), Closed(4001, SEE_ERROR)),
    ),
    "an Error has the words of its code": RuleExample(
        ViolationKind.ERROR,
        (received_frame(Error("User Input Validation Error: Invalid JSON: …", 3006)),),
        (received_frame(Error("bad JSON", 3006)),),
    ),
    "the close has the code of the Error": RuleExample(
        ViolationKind.CLOSE, (BAD_KEY, Closed(1008, SEE_ERROR)), (BAD_KEY, Closed(1000, SEE_ERROR))
    ),
    "the close has a fixed reason": RuleExample(
        ViolationKind.CLOSE,
        (BAD_KEY, Closed(1008, SEE_ERROR)),
        (BAD_KEY, Closed(1008, "Invalid API key")),
    ),
    "the close after Termination": RuleExample(
        ViolationKind.CLOSE, complete_session(), (*complete_session()[:-1], Closed(1000, ""))
    ),
    "a Warning ends nothing": RuleExample(
        ViolationKind.CLOSE,
        complete_session(received_frame(Warning("Careful.", 1))),
        (received_frame(Warning("Careful.", 1)), NORMAL_CLOSE),
    ),
    "a close is told before": RuleExample(
        ViolationKind.CLOSE,
        complete_session(),
        (*[ONE_SECOND_OF_AUDIO] * 10, Sent(Terminate()), NORMAL_CLOSE),
    ),
    "Heartbeat by parameter": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(
            Sent(UpdateConfiguration(session_heartbeat=True)), received_frame(HEARTBEAT)
        ),
        complete_session(
            received_frame(HEARTBEAT), Sent(UpdateConfiguration(session_heartbeat=True))
        ),
    ),
    "Silence by message": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(
            Sent(UpdateConfiguration(acknowledge_silence=True)), received_frame(Silence(0, 1000))
        ),
        complete_session(Sent(KeepAlive()), received_frame(Silence(0, 1000))),
    ),
    "speakers on request": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True, speaker_label="A")),
    ),
    "speakers of words on request": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(
            u3_turn("Hi.", final=True, words=(Word("Hi.", 0, 90, 0.9, True, speaker="A"),))
        ),
    ),
    "languages on request": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True, language_code="en")),
    ),
    "languages at the end": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(u3_turn("Hi"), u3_turn("Hi.", final=True, language_code="en")),
        complete_session(
            u3_turn("Hi", language_code="en"), u3_turn("Hi.", final=True, language_code="en")
        ),
        {**U3, "language_detection": "true"},
    ),
    "revised speakers on request": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(),
        complete_session(received_frame(SpeakerRevision(()))),
    ),
    "a language model on request": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(),
        complete_session(received_frame(LLMGatewayResponse(0, "Hi.", {"id": 1}))),
    ),
    "finals alone": RuleExample(
        ViolationKind.NOT_REQUESTED,
        complete_session(received_frame(SpeechStarted(0)), u3_turn("Hi.", final=True)),
        complete_session(
            received_frame(SpeechStarted(0)), u3_turn("Hi"), u3_turn("Hi.", final=True)
        ),
        FINALS_ONLY,
    ),
    "heartbeats only grow": RuleExample(
        ViolationKind.HEARTBEAT,
        complete_session(
            received_frame(HEARTBEAT), received_frame(Heartbeat(1900, 2000, 0.95, 1.0))
        ),
        complete_session(received_frame(HEARTBEAT), received_frame(Heartbeat(800, 2000, 0.4, 1.0))),
        WITH_HEARTBEAT,
    ),
    "no more is received than was sent": RuleExample(
        ViolationKind.HEARTBEAT,
        complete_session(received_frame(Heartbeat(10_000, 2000, 5.0, 0.0))),
        complete_session(received_frame(Heartbeat(12_000, 2000, 6.0, 0.0))),
        WITH_HEARTBEAT,
    ),
    "the probability of speech": RuleExample(
        ViolationKind.HEARTBEAT,
        complete_session(received_frame(HEARTBEAT)),
        complete_session(received_frame(Heartbeat(900, 1000, 0.9, 1.5))),
        WITH_HEARTBEAT,
    ),
    "silences do not overlap": RuleExample(
        ViolationKind.SILENCE,
        complete_session(received_frame(Silence(0, 1000)), received_frame(Silence(1000, 2000))),
        complete_session(received_frame(Silence(0, 1000)), received_frame(Silence(900, 2000))),
        WITH_SILENCE,
    ),
    "silences are not empty": RuleExample(
        ViolationKind.SILENCE,
        complete_session(received_frame(Silence(0, 1))),
        complete_session(received_frame(Silence(5, 5))),
        WITH_SILENCE,
    ),
    "nobody speaks in a silence": RuleExample(
        ViolationKind.SILENCE,
        complete_session(
            u3_turn("Hi.", final=True, start=950), received_frame(Silence(1000, 2000))
        ),
        complete_session(
            u3_turn("Hi.", final=True, start=1050), received_frame(Silence(1000, 2000))
        ),
        WITH_SILENCE,
    ),
    "silences have been sent": RuleExample(
        ViolationKind.SILENCE,
        complete_session(received_frame(Silence(9000, 10_000))),
        complete_session(received_frame(Silence(11_000, 12_000))),
        WITH_SILENCE,
    ),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_rule_on_sessions(scene: RuleExample):
    """Each lets the legal pass and calls the illegal by its kind."""
    scene.check()


# --- traces


def traced(path: Path, *happened: tuple[float, TraceEvent]) -> Path:
    """A trace of a session in chunks of 100 ms at 16 kHz, its schedule beginning after 1 s."""
    head = TraceHead(job=1, attempt=1, file="a.wav")
    began = Began(ID, "u3-rt-pro", 16_000, 0, 1.0, 2.0)
    with TraceWriter(path, head) as writer:
        writer.write(0.9, MessageReceived(begin_frame(U3).frame))
        writer.write(1.0, began)
        for t, event in happened:
            writer.write(t, event)
    return path


HI = TurnReceived(Turn(0, True, "Hi.", True, 1.0, "Hi.", (Word("Hi.", 0, 290, 0.9),)))


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
    parameters, record = log_from_trace(path)

    assert U3 == parameters
    assert [Received, Audio, Audio, Audio, Received, Audio, Sent, Received] == [
        type(e) for e in record
    ]
    assert [100, 100, 100, 50] == [round(e.milliseconds) for e in record if isinstance(e, Audio)]
    assert {ViolationKind.TERMINATION} == {each.kind for each in judge(parameters, record)}


def test_a_slip_moves_the_chunks_after_it(tmp_path: Path):
    """So what was heard meanwhile was heard before them."""
    path = traced(
        tmp_path / "a.trace.jsonl",
        (9.0, HI),
        (9.1, Slipped(0.1, 8000.0)),
        (9.2, ChunksSent(0, (100, 90))),
    )

    assert [Received, Audio, Received, Audio] == [type(entry) for entry in log_from_trace(path)[1]]


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
