"""The judge of sessions, judged: rules on turns and their words."""

import pytest

from tests.conformance import Audio, Sent, ViolationKind
from tests.unit.conformance import test_session_rules
from tests.unit.conformance.session_builders import (
    ONE_SECOND_OF_AUDIO,
    U3,
    UNIVERSAL_STREAMING,
    RuleExample,
    complete_session,
    formatted_twin,
    received_frame,
    u3_turn,
    universal_streaming_turn,
    words,
)
from workers.protocol.messages import ForceEndpoint, SpeechStarted, Word

FORMATTED = {**UNIVERSAL_STREAMING, "format_turns": "True"}

TURNS = {
    "turns count from 0": RuleExample(
        ViolationKind.ORDER,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", 1, final=True)),
    ),
    "turns count one by one": RuleExample(
        ViolationKind.ORDER,
        complete_session(u3_turn("Hi.", final=True), u3_turn("You.", 1, 900, final=True)),
        complete_session(u3_turn("Hi.", final=True), u3_turn("You.", 2, 900, final=True)),
    ),
    "a turn ends before the next": RuleExample(
        ViolationKind.ORDER,
        complete_session(
            u3_turn("Hi"), u3_turn("Hi.", final=True), u3_turn("You.", 1, 900, final=True)
        ),
        complete_session(u3_turn("Hi"), u3_turn("You.", 1, 900, final=True)),
    ),
    "a turn that is over is over": RuleExample(
        ViolationKind.ORDER,
        complete_session(u3_turn("Hi"), u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True), u3_turn("Hi")),
    ),
    "one final": RuleExample(
        ViolationKind.SECOND_FINAL,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True), u3_turn("Hi there.", final=True)),
    ),
    "one twin": RuleExample(
        ViolationKind.SECOND_FINAL,
        complete_session(
            universal_streaming_turn("hi you", final=True), formatted_twin("Hi, you.")
        ),
        complete_session(
            universal_streaming_turn("hi you", final=True),
            formatted_twin("Hi, you."),
            formatted_twin("Hi, you."),
        ),
        FORMATTED,
    ),
    "no twin in U3": RuleExample(
        ViolationKind.SECOND_FINAL,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True), u3_turn("Hi.", final=True)),
        {**U3, "format_turns": "true"},
    ),
    "every turn ends": RuleExample(
        ViolationKind.NO_FINAL,
        complete_session(u3_turn("Hi"), u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi")),
    ),
    "a forced turn ends": RuleExample(
        ViolationKind.NO_FINAL,
        complete_session(u3_turn("Hi"), Sent(ForceEndpoint()), u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi"), Sent(ForceEndpoint())),
    ),
    "every final is formatted on request": RuleExample(
        ViolationKind.NO_FORMATTED_FINAL,
        complete_session(
            universal_streaming_turn("hi you", final=True), formatted_twin("Hi, you.")
        ),
        complete_session(universal_streaming_turn("hi you", final=True)),
        FORMATTED,
    ),
    "a U3 final is formatted": RuleExample(
        ViolationKind.FORMAT,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True, turn_is_formatted=False)),
    ),
    "a twin is asked for": RuleExample(
        ViolationKind.FORMAT,
        complete_session(universal_streaming_turn("hi you", final=True)),
        complete_session(
            universal_streaming_turn("hi you", final=True), formatted_twin("Hi, you.")
        ),
        UNIVERSAL_STREAMING,
    ),
    "unformatted is without capitals": RuleExample(
        ViolationKind.FORMAT,
        complete_session(universal_streaming_turn("hi you", final=True)),
        complete_session(universal_streaming_turn("Hi you", final=True)),
        UNIVERSAL_STREAMING,
    ),
    "unformatted is without punctuation": RuleExample(
        ViolationKind.FORMAT,
        complete_session(universal_streaming_turn("it's 3.5", final=True)),
        complete_session(universal_streaming_turn("it's 3.5.", final=True)),
        UNIVERSAL_STREAMING,
    ),
    "a U3 partial may change": RuleExample(
        ViolationKind.FINALITY,
        complete_session(u3_turn("Hi"), u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi", words=tuple(words("Hi"))), u3_turn("Hi.", final=True)),
    ),
    "a final is final": RuleExample(
        ViolationKind.FINALITY,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True, words=tuple(words("Hi.", final=False)))),
    ),
    "only the last word grows": RuleExample(
        ViolationKind.FINALITY,
        complete_session(
            universal_streaming_turn("hi yo"), universal_streaming_turn("hi you", final=True)
        ),
        complete_session(
            universal_streaming_turn(
                "hi yo", transcript="", words=tuple(words("hi yo", final=False))
            ),
            universal_streaming_turn("hi you", final=True),
        ),
        UNIVERSAL_STREAMING,
    ),
    "a U3 transcript is all words": RuleExample(
        ViolationKind.TRANSCRIPT,
        complete_session(u3_turn("Hi you"), u3_turn("Hi you.", final=True)),
        complete_session(u3_turn("Hi you", transcript="Hi"), u3_turn("Hi you.", final=True)),
    ),
    "a plain transcript is the final words": RuleExample(
        ViolationKind.TRANSCRIPT,
        complete_session(
            universal_streaming_turn("hi yo"), universal_streaming_turn("hi you", final=True)
        ),
        complete_session(
            universal_streaming_turn("hi yo", transcript="hi yo"),
            universal_streaming_turn("hi you", final=True),
        ),
        UNIVERSAL_STREAMING,
    ),
    "a U3 utterance comes at the end": RuleExample(
        ViolationKind.UTTERANCE,
        complete_session(u3_turn("Hi"), u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi", utterance="Hi"), u3_turn("Hi.", final=True)),
    ),
    "a U3 utterance is the transcript": RuleExample(
        ViolationKind.UTTERANCE,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True, utterance="")),
    ),
    "utterances are pieces": RuleExample(
        ViolationKind.UTTERANCE,
        complete_session(
            universal_streaming_turn("hi", utterance="hi"),
            universal_streaming_turn("hi you", final=True, utterance="you"),
        ),
        complete_session(
            universal_streaming_turn("hi", utterance="hi"),
            universal_streaming_turn("hi you", final=True, utterance="hi you"),
        ),
        UNIVERSAL_STREAMING,
    ),
    "no word is left out of the utterances": RuleExample(
        ViolationKind.UTTERANCE,
        complete_session(
            universal_streaming_turn("hi", utterance="hi"),
            universal_streaming_turn("hi", final=True, utterance=""),
        ),
        complete_session(
            universal_streaming_turn("hi yo"),
            universal_streaming_turn("hi you", final=True, utterance=""),
        ),
        UNIVERSAL_STREAMING,
    ),
    "a twin has no utterance": RuleExample(
        ViolationKind.UTTERANCE,
        complete_session(
            universal_streaming_turn("hi you", final=True), formatted_twin("Hi, you.")
        ),
        complete_session(
            universal_streaming_turn("hi you", final=True),
            formatted_twin("Hi, you.", utterance="Hi, you."),
        ),
        FORMATTED,
    ),
    "a U3 final is sure of its end": RuleExample(
        ViolationKind.END_CONFIDENCE,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True, end_of_turn_confidence=0.8)),
    ),
    "an end is sure between 0 and 1": RuleExample(
        ViolationKind.END_CONFIDENCE,
        complete_session(universal_streaming_turn("hi", final=True)),
        complete_session(universal_streaming_turn("hi", final=True, end_of_turn_confidence=1.2)),
        UNIVERSAL_STREAMING,
    ),
    "final words stay": RuleExample(
        ViolationKind.REVISED,
        complete_session(
            universal_streaming_turn("hi yo"), universal_streaming_turn("hi you", final=True)
        ),
        complete_session(
            universal_streaming_turn("hi yo"), universal_streaming_turn("high you", final=True)
        ),
        UNIVERSAL_STREAMING,
    ),
    "final words do not vanish": RuleExample(
        ViolationKind.REVISED,
        complete_session(
            universal_streaming_turn("hi you two"), universal_streaming_turn("hi you", final=True)
        ),
        complete_session(
            universal_streaming_turn("hi you two"), universal_streaming_turn("hi", final=True)
        ),
        UNIVERSAL_STREAMING,
    ),
    "the times of final words stay": RuleExample(
        ViolationKind.RETIMED,
        complete_session(
            universal_streaming_turn("hi yo"), universal_streaming_turn("hi you", final=True)
        ),
        complete_session(
            universal_streaming_turn("hi yo"),
            universal_streaming_turn("hi you", start=10, final=True),
        ),
        UNIVERSAL_STREAMING,
    ),
    "speech starts before its turn": RuleExample(
        ViolationKind.SPEECH_STARTED,
        complete_session(
            received_frame(SpeechStarted(0)), u3_turn("Hi"), u3_turn("Hi.", final=True)
        ),
        complete_session(
            u3_turn("Hi"), received_frame(SpeechStarted(0)), u3_turn("Hi.", final=True)
        ),
    ),
    "speech starts once": RuleExample(
        ViolationKind.SPEECH_STARTED,
        complete_session(received_frame(SpeechStarted(0)), u3_turn("Hi.", final=True)),
        complete_session(
            received_frame(SpeechStarted(0)),
            received_frame(SpeechStarted(0)),
            u3_turn("Hi.", final=True),
        ),
    ),
    "speech that starts is heard": RuleExample(
        ViolationKind.SPEECH_STARTED,
        complete_session(received_frame(SpeechStarted(0)), u3_turn("Hi.", final=True)),
        complete_session(received_frame(SpeechStarted(0))),
    ),
    "no speech starts in Universal-Streaming": RuleExample(
        ViolationKind.SPEECH_STARTED,
        complete_session(universal_streaming_turn("hi", final=True)),
        complete_session(
            received_frame(SpeechStarted(0)), universal_streaming_turn("hi", final=True)
        ),
        UNIVERSAL_STREAMING,
    ),
    "speech starts in what was sent": RuleExample(
        ViolationKind.SPEECH_STARTED,
        complete_session(received_frame(SpeechStarted(10_000)), u3_turn("Hi.", final=True)),
        complete_session(received_frame(SpeechStarted(12_000)), u3_turn("Hi.", final=True)),
    ),
    "a forced endpoint divides": RuleExample(
        ViolationKind.SPANS_FORCED_ENDPOINT,
        (
            *[Audio(100)] * 20,
            Sent(ForceEndpoint()),
            u3_turn("Hi.", final=True),
            *[Audio(100)] * 20,
            u3_turn("You.", 1, 3000, final=True),
        ),
        (
            *[Audio(100)] * 20,
            Sent(ForceEndpoint()),
            *[Audio(100)] * 20,
            u3_turn(" ".join(["on"] * 30), final=True),
        ),
    ),
}

WORDS = {
    "a word does not end before it starts": RuleExample(
        ViolationKind.TIMES,
        complete_session(u3_turn("Hi.", final=True, words=(Word("Hi.", 90, 90, 0.9),))),
        complete_session(u3_turn("Hi.", final=True, words=(Word("Hi.", 90, 80, 0.9),))),
    ),
    "no word before the stream": RuleExample(
        ViolationKind.TIMES,
        complete_session(u3_turn("Hi.", start=0, final=True)),
        complete_session(u3_turn("Hi.", start=-10, final=True)),
    ),
    "words start in order": RuleExample(
        ViolationKind.TIMES,
        complete_session(u3_turn("Hi you.", final=True)),
        complete_session(
            u3_turn(
                "Hi you.",
                final=True,
                words=(Word("Hi", 100, 200, 0.9), Word("you.", 90, 200, 0.9)),
            )
        ),
    ),
    "words have been sent": RuleExample(
        ViolationKind.BEYOND_AUDIO,
        complete_session(u3_turn("Hi.", start=10_000, final=True)),
        complete_session(u3_turn("Hi.", start=11_500, final=True)),
    ),
    "turns do not overlap": RuleExample(
        ViolationKind.OVERLAP,
        complete_session(u3_turn("Hi.", final=True), u3_turn("You.", 1, 90, final=True)),
        complete_session(u3_turn("Hi.", final=True), u3_turn("You.", 1, 80, final=True)),
    ),
    "confidences of words": RuleExample(
        ViolationKind.CONFIDENCE,
        complete_session(u3_turn("Hi.", final=True)),
        complete_session(u3_turn("Hi.", final=True, words=(Word("Hi.", 0, 90, 1.1),))),
    ),
    "confidences of speech": RuleExample(
        ViolationKind.CONFIDENCE,
        complete_session(received_frame(SpeechStarted(0, 0.4)), u3_turn("Hi.", final=True)),
        complete_session(received_frame(SpeechStarted(0, -1)), u3_turn("Hi.", final=True)),
    ),
    "silence says nothing": RuleExample(
        ViolationKind.HALLUCINATED,
        (Audio(1000, silent=True), ONE_SECOND_OF_AUDIO, u3_turn("Hi.", final=True)),
        (Audio(1000, silent=True), u3_turn("Hi.", final=True), ONE_SECOND_OF_AUDIO),
    ),
}
SCENES = {**TURNS, **WORDS}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_rule_on_turns(scene: RuleExample):
    """Each lets the legal pass and calls the illegal by its kind."""
    scene.check()


def test_every_kind_of_violation_can_be_found():
    """None without a scene."""
    scenarios = [*SCENES.values(), *test_session_rules.SCENES.values()]

    assert set(ViolationKind) == {scenario.kind for scenario in scenarios}
