"""Rules for a session as a whole: how it begins and ends, and what may come only on request."""

from collections.abc import Iterator
from uuid import UUID

from tests.conformance.rule_context import LoggedMessage, RuleContext, parse_flag
from tests.conformance.session_log import Violation, ViolationKind
from workers.protocol.messages import (
    Begin,
    Error,
    Heartbeat,
    LLMGatewayResponse,
    ServerMessage,
    Silence,
    SpeakerRevision,
    Terminate,
    Termination,
    Turn,
)

SEE_ERROR = "See Error message for details"
CONFIGURATION = {
    "model",
    "mode",
    "api_version",
    "speaker_labels",
    "redact_pii",
    "filter_profanity",
    "domain",
    "voice_focus",
}
ERROR_PREFIXES = {
    1008: ("Unauthorized Connection: ", "Incorrect padding"),
    1011: ("",),
    1013: ("",),
    3005: ("Session Cancelled: ",),
    3006: ("User Input Validation Error: ",),
    3007: (
        "Input Duration Error: Input Duration Violation: ",
        "Input Duration Error: Audio Transmission Rate Exceeded: ",
    ),
    3008: ("Session Expired: Maximum session duration exceeded",),
    3009: ("Unauthorized Connection: Too many concurrent sessions",),
}
"""How the text of each code begins: the vendor's page on session errors, and observed texts."""


def check_begin(case: RuleContext) -> Iterator[Violation]:
    """Begin comes first and once; only an Error may come instead of it."""
    begin: LoggedMessage[Begin] | None = None
    for said in case.server_messages:
        if isinstance(said.message, Begin):
            if begin is not None:
                yield Violation(
                    ViolationKind.BEGIN,
                    said.index,
                    f"Begin was said at entry {begin.index} already",
                )
            begin = LoggedMessage(said.index, said.message, said.audio_sent_ms)
            yield from _check_begin_fields(case, begin)
        elif begin is None and not isinstance(said.message, Error):
            yield Violation(
                ViolationKind.BEGIN, said.index, f"{said.message.type} came before Begin"
            )


def _check_begin_fields(case: RuleContext, begin: LoggedMessage[Begin]) -> Iterator[Violation]:
    message = begin.message
    try:
        UUID(message.id)
    except ValueError:
        yield Violation(ViolationKind.BEGIN, begin.index, f"its id is no UUID: {message.id!r}")
    if message.expires_at <= 0:
        yield Violation(ViolationKind.BEGIN, begin.index, f"it expires at {message.expires_at}")
    if missing := CONFIGURATION - message.configuration.keys():
        yield Violation(ViolationKind.BEGIN, begin.index, f"configuration lacks {sorted(missing)}")
    model = case.parameters.get("speech_model", message.model)
    if message.model != model:
        yield Violation(ViolationKind.BEGIN, begin.index, f"{message.model!r} instead of {model!r}")


def check_nothing_after_end(case: RuleContext) -> Iterator[Violation]:
    """Nothing but the close follows Termination, which was asked for, or Error."""
    last: LoggedMessage[ServerMessage] | None = None
    for said in case.server_messages:
        if last is not None:
            fault = f"{said.message.type} follows {last.message.type}"
            yield Violation(ViolationKind.AFTER_THE_END, said.index, fault)
        if isinstance(said.message, Termination | Error):
            last = said


def check_termination(case: RuleContext) -> Iterator[Violation]:
    """Termination answers Terminate and reports the right amount of audio."""
    for said in case.messages_of(Termination):
        asked = [each for each in case.client_messages if isinstance(each.message, Terminate)]
        if not any(each.index < said.index for each in asked):
            yield Violation(ViolationKind.TERMINATION, said.index, "nobody asked for it")
        told, sent = said.message.audio_duration_seconds, said.audio_sent_ms / 1000
        if abs(told - sent) > 1:  # whole seconds, however they were rounded
            yield Violation(
                ViolationKind.TERMINATION, said.index, f"{told} s of audio, but {sent:.3f} s sent"
            )
        if said.message.session_duration_seconds < 0:
            yield Violation(
                ViolationKind.TERMINATION, said.index, "the session lasted less than nothing"
            )


def check_errors(case: RuleContext) -> Iterator[Violation]:
    """An Error has one of the protocol's codes and a text that belongs to it."""
    for said in case.messages_of(Error):
        code, words = said.message.error_code, said.message.error
        if not words.startswith(ERROR_PREFIXES.get(code or 0, ())):
            yield Violation(ViolationKind.ERROR, said.index, f"{code} does not say {words!r}")


def check_close(case: RuleContext) -> Iterator[Violation]:
    """The close repeats the Error's code with a fixed reason, or is normal after Termination."""
    for at, closed in case.closed:
        found = (closed.code, closed.reason)
        last = case.server_messages[-1].message if case.server_messages else None
        match last:
            case Error():
                due = (last.error_code, SEE_ERROR)
            case Termination():
                due = (1000, "Session Ended")
            case _:
                after = "nothing" if last is None else last.type
                yield Violation(
                    ViolationKind.CLOSE, at, f"{found} after {after}: neither told nor asked"
                )
                return
        if found != due:
            yield Violation(ViolationKind.CLOSE, at, f"{found} instead of {due}")


def check_not_requested(case: RuleContext) -> Iterator[Violation]:
    """Optional messages and fields come only to a client that asked for them."""
    for said in case.server_messages:
        for name in _optional(said.message):
            if (
                not case.was_enabled(name, said.index)
                and name not in PRESENCE_PARAMETERS & case.parameters.keys()
            ):
                fault = f"{said.message.type} without {name}"
                yield Violation(ViolationKind.NOT_REQUESTED, said.index, fault)
    partials = parse_flag(case.parameters.get("include_partial_turns", "true"))
    for said in case.messages_of(Turn):
        turn = said.message
        if not turn.end_of_turn and not partials:
            yield Violation(
                ViolationKind.NOT_REQUESTED,
                said.index,
                "a partial in spite of include_partial_turns",
            )
        if turn.language_code is not None and not (turn.end_of_turn or turn.utterance):
            yield Violation(
                ViolationKind.NOT_REQUESTED, said.index, "a language before the end of an utterance"
            )


PRESENCE_PARAMETERS = {"llm_gateway"}
"""Parameters that enable a feature by being present."""


def _optional(message: ServerMessage) -> Iterator[str]:
    match message:
        case Heartbeat():
            yield "session_heartbeat"
        case Silence():
            yield "acknowledge_silence"
        case SpeakerRevision():
            yield "speaker_labels"
        case LLMGatewayResponse():
            yield "llm_gateway"
        case Turn():
            if message.speaker_label or any(word.speaker for word in message.words):
                yield "speaker_labels"
            if message.language_code is not None or message.language_confidence is not None:
                yield "language_detection"
        case _:
            pass


def check_heartbeats(case: RuleContext) -> Iterator[Violation]:
    """Audio and duration never decrease, and no more audio is received than was sent."""
    received = lasted = 0.0
    for said in case.messages_of(Heartbeat):
        beat = said.message
        if beat.total_audio_received_ms < received or beat.total_duration_ms < lasted:
            yield Violation(ViolationKind.HEARTBEAT, said.index, "less than the heartbeat before")
        received, lasted = beat.total_audio_received_ms, beat.total_duration_ms
        if received > said.audio_sent_ms + case.slack:
            fault = f"{received:g} ms received, but {said.audio_sent_ms:g} ms sent"
            yield Violation(ViolationKind.HEARTBEAT, said.index, fault)
        if not 0 <= (beat.max_speech_probability or 0) <= 1 or (beat.realtime_factor or 0) < 0:
            yield Violation(
                ViolationKind.HEARTBEAT, said.index, "a probability or a factor that cannot be"
            )


def check_silences(case: RuleContext) -> Iterator[Violation]:
    """Ranges are in order, lie within the audio sent, and contain no words."""
    until = 0
    for said in case.messages_of(Silence):
        start, end = said.message.start_ms, said.message.end_ms
        if not until <= start < end:
            fault = f"{start} to {end} ms, after one until {until} ms"
            yield Violation(ViolationKind.SILENCE, said.index, fault)
        if end > said.audio_sent_ms + case.slack:
            fault = f"until {end} ms, but {said.audio_sent_ms:g} ms were sent"
            yield Violation(ViolationKind.SILENCE, said.index, fault)
        until = max(until, end)
        for turn in case.messages_of(Turn):
            for word in turn.message.words:
                if start <= word.start and word.end <= end and word.end > word.start:
                    fault = f"{start} to {end} ms, and {word.text!r} is in it"
                    yield Violation(ViolationKind.SILENCE, said.index, fault)
