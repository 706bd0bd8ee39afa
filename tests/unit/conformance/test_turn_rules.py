"""The judge of sessions, judged: rules on turns and their words."""

import pytest

from tests.conformance import Audio, Kind, Sent
from tests.unit.conformance import test_session_rules
from tests.unit.conformance.session_builders import (
    SECOND,
    U3,
    US,
    Scene,
    heard,
    twin,
    u3,
    us,
    whole,
    words,
)
from workers.protocol.messages import ForceEndpoint, SpeechStarted, Word

FORMATTED = {**US, "format_turns": "True"}

TURNS = {
    "turns count from 0": Scene(
        Kind.ORDER, whole(u3("Hi.", final=True)), whole(u3("Hi.", 1, final=True))
    ),
    "turns count one by one": Scene(
        Kind.ORDER,
        whole(u3("Hi.", final=True), u3("You.", 1, 900, final=True)),
        whole(u3("Hi.", final=True), u3("You.", 2, 900, final=True)),
    ),
    "a turn ends before the next": Scene(
        Kind.ORDER,
        whole(u3("Hi"), u3("Hi.", final=True), u3("You.", 1, 900, final=True)),
        whole(u3("Hi"), u3("You.", 1, 900, final=True)),
    ),
    "a turn that is over is over": Scene(
        Kind.ORDER, whole(u3("Hi"), u3("Hi.", final=True)), whole(u3("Hi.", final=True), u3("Hi"))
    ),
    "one final": Scene(
        Kind.SECOND_FINAL,
        whole(u3("Hi.", final=True)),
        whole(u3("Hi.", final=True), u3("Hi there.", final=True)),
    ),
    "one twin": Scene(
        Kind.SECOND_FINAL,
        whole(us("hi you", final=True), twin("Hi, you.")),
        whole(us("hi you", final=True), twin("Hi, you."), twin("Hi, you.")),
        FORMATTED,
    ),
    "no twin in U3": Scene(
        Kind.SECOND_FINAL,
        whole(u3("Hi.", final=True)),
        whole(u3("Hi.", final=True), u3("Hi.", final=True)),
        {**U3, "format_turns": "true"},
    ),
    "every turn ends": Scene(
        Kind.NO_FINAL, whole(u3("Hi"), u3("Hi.", final=True)), whole(u3("Hi"))
    ),
    "a forced turn ends": Scene(
        Kind.NO_FINAL,
        whole(u3("Hi"), Sent(ForceEndpoint()), u3("Hi.", final=True)),
        whole(u3("Hi"), Sent(ForceEndpoint())),
    ),
    "every final is formatted on request": Scene(
        Kind.NO_TWIN,
        whole(us("hi you", final=True), twin("Hi, you.")),
        whole(us("hi you", final=True)),
        FORMATTED,
    ),
    "a U3 final is formatted": Scene(
        Kind.FORMAT,
        whole(u3("Hi.", final=True)),
        whole(u3("Hi.", final=True, turn_is_formatted=False)),
    ),
    "a twin is asked for": Scene(
        Kind.FORMAT,
        whole(us("hi you", final=True)),
        whole(us("hi you", final=True), twin("Hi, you.")),
        US,
    ),
    "unformatted is without capitals": Scene(
        Kind.FORMAT, whole(us("hi you", final=True)), whole(us("Hi you", final=True)), US
    ),
    "unformatted is without punctuation": Scene(
        Kind.FORMAT,
        whole(us("it's 3.5", final=True)),
        whole(us("it's 3.5.", final=True)),
        US,
    ),
    "a U3 partial may change": Scene(
        Kind.FINALITY,
        whole(u3("Hi"), u3("Hi.", final=True)),
        whole(u3("Hi", words=tuple(words("Hi"))), u3("Hi.", final=True)),
    ),
    "a final is final": Scene(
        Kind.FINALITY,
        whole(u3("Hi.", final=True)),
        whole(u3("Hi.", final=True, words=tuple(words("Hi.", final=False)))),
    ),
    "only the last word grows": Scene(
        Kind.FINALITY,
        whole(us("hi yo"), us("hi you", final=True)),
        whole(
            us("hi yo", transcript="", words=tuple(words("hi yo", final=False))),
            us("hi you", final=True),
        ),
        US,
    ),
    "a U3 transcript is all words": Scene(
        Kind.TRANSCRIPT,
        whole(u3("Hi you"), u3("Hi you.", final=True)),
        whole(u3("Hi you", transcript="Hi"), u3("Hi you.", final=True)),
    ),
    "a plain transcript is the final words": Scene(
        Kind.TRANSCRIPT,
        whole(us("hi yo"), us("hi you", final=True)),
        whole(us("hi yo", transcript="hi yo"), us("hi you", final=True)),
        US,
    ),
    "a U3 utterance comes at the end": Scene(
        Kind.UTTERANCE,
        whole(u3("Hi"), u3("Hi.", final=True)),
        whole(u3("Hi", utterance="Hi"), u3("Hi.", final=True)),
    ),
    "a U3 utterance is the transcript": Scene(
        Kind.UTTERANCE, whole(u3("Hi.", final=True)), whole(u3("Hi.", final=True, utterance=""))
    ),
    "utterances are pieces": Scene(
        Kind.UTTERANCE,
        whole(us("hi", utterance="hi"), us("hi you", final=True, utterance="you")),
        whole(us("hi", utterance="hi"), us("hi you", final=True, utterance="hi you")),
        US,
    ),
    "no word is left out of the utterances": Scene(
        Kind.UTTERANCE,
        whole(us("hi", utterance="hi"), us("hi", final=True, utterance="")),
        whole(us("hi yo"), us("hi you", final=True, utterance="")),
        US,
    ),
    "a twin has no utterance": Scene(
        Kind.UTTERANCE,
        whole(us("hi you", final=True), twin("Hi, you.")),
        whole(us("hi you", final=True), twin("Hi, you.", utterance="Hi, you.")),
        FORMATTED,
    ),
    "a U3 final is sure of its end": Scene(
        Kind.END_CONFIDENCE,
        whole(u3("Hi.", final=True)),
        whole(u3("Hi.", final=True, end_of_turn_confidence=0.8)),
    ),
    "an end is sure between 0 and 1": Scene(
        Kind.END_CONFIDENCE,
        whole(us("hi", final=True)),
        whole(us("hi", final=True, end_of_turn_confidence=1.2)),
        US,
    ),
    "final words stay": Scene(
        Kind.REVISED,
        whole(us("hi yo"), us("hi you", final=True)),
        whole(us("hi yo"), us("high you", final=True)),
        US,
    ),
    "final words do not vanish": Scene(
        Kind.REVISED,
        whole(us("hi you two"), us("hi you", final=True)),
        whole(us("hi you two"), us("hi", final=True)),
        US,
    ),
    "the times of final words stay": Scene(
        Kind.RETIMED,
        whole(us("hi yo"), us("hi you", final=True)),
        whole(us("hi yo"), us("hi you", start=10, final=True)),
        US,
    ),
    "speech starts before its turn": Scene(
        Kind.SPEECH_STARTED,
        whole(heard(SpeechStarted(0)), u3("Hi"), u3("Hi.", final=True)),
        whole(u3("Hi"), heard(SpeechStarted(0)), u3("Hi.", final=True)),
    ),
    "speech starts once": Scene(
        Kind.SPEECH_STARTED,
        whole(heard(SpeechStarted(0)), u3("Hi.", final=True)),
        whole(heard(SpeechStarted(0)), heard(SpeechStarted(0)), u3("Hi.", final=True)),
    ),
    "speech that starts is heard": Scene(
        Kind.SPEECH_STARTED,
        whole(heard(SpeechStarted(0)), u3("Hi.", final=True)),
        whole(heard(SpeechStarted(0))),
    ),
    "no speech starts in Universal-Streaming": Scene(
        Kind.SPEECH_STARTED,
        whole(us("hi", final=True)),
        whole(heard(SpeechStarted(0)), us("hi", final=True)),
        US,
    ),
    "speech starts in what was sent": Scene(
        Kind.SPEECH_STARTED,
        whole(heard(SpeechStarted(10_000)), u3("Hi.", final=True)),
        whole(heard(SpeechStarted(12_000)), u3("Hi.", final=True)),
    ),
    "a forced endpoint divides": Scene(
        Kind.STRADDLED,
        (
            *[Audio(100)] * 20,
            Sent(ForceEndpoint()),
            u3("Hi.", final=True),
            *[Audio(100)] * 20,
            u3("You.", 1, 3000, final=True),
        ),
        (
            *[Audio(100)] * 20,
            Sent(ForceEndpoint()),
            *[Audio(100)] * 20,
            u3(" ".join(["on"] * 30), final=True),
        ),
    ),
}

WORDS = {
    "a word does not end before it starts": Scene(
        Kind.TIMES,
        whole(u3("Hi.", final=True, words=(Word("Hi.", 90, 90, 0.9),))),
        whole(u3("Hi.", final=True, words=(Word("Hi.", 90, 80, 0.9),))),
    ),
    "no word before the stream": Scene(
        Kind.TIMES, whole(u3("Hi.", start=0, final=True)), whole(u3("Hi.", start=-10, final=True))
    ),
    "words start in order": Scene(
        Kind.TIMES,
        whole(u3("Hi you.", final=True)),
        whole(
            u3(
                "Hi you.",
                final=True,
                words=(Word("Hi", 100, 200, 0.9), Word("you.", 90, 200, 0.9)),
            )
        ),
    ),
    "words have been sent": Scene(
        Kind.AHEAD,
        whole(u3("Hi.", start=10_000, final=True)),
        whole(u3("Hi.", start=11_500, final=True)),
    ),
    "turns do not overlap": Scene(
        Kind.OVERLAP,
        whole(u3("Hi.", final=True), u3("You.", 1, 90, final=True)),
        whole(u3("Hi.", final=True), u3("You.", 1, 80, final=True)),
    ),
    "confidences of words": Scene(
        Kind.CONFIDENCE,
        whole(u3("Hi.", final=True)),
        whole(u3("Hi.", final=True, words=(Word("Hi.", 0, 90, 1.1),))),
    ),
    "confidences of speech": Scene(
        Kind.CONFIDENCE,
        whole(heard(SpeechStarted(0, 0.4)), u3("Hi.", final=True)),
        whole(heard(SpeechStarted(0, -1)), u3("Hi.", final=True)),
    ),
    "silence says nothing": Scene(
        Kind.IMAGINED,
        (Audio(1000, silent=True), SECOND, u3("Hi.", final=True)),
        (Audio(1000, silent=True), u3("Hi.", final=True), SECOND),
    ),
}
SCENES = {**TURNS, **WORDS}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_rule_on_turns(scene: Scene):
    """Each lets the legal pass and calls the illegal by its kind."""
    scene.check()


def test_every_kind_of_violation_can_be_found():
    """None without a scene."""
    scenes = [*SCENES.values(), *test_session_rules.SCENES.values()]

    assert set(Kind) == {scene.kind for scene in scenes}
