"""Lies of a server: ways in which its messages cannot be true, though the words in them are.

A lie turns each message that the server would send into those that it sends instead. The rules that
Paceline follows are in ``docs/untrue-messages.md``. A lie that no client could see through is not
among them, such as word times that are a little late but within the audio that was sent.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]
Sent: TypeAlias = Message | str | bytes
Lie: TypeAlias = Callable[[Message], list[Sent]]
"""Turns a message into what is sent instead. It may remember earlier messages of its session."""

HUGE_BYTES = 300_000
"""Size of a huge message: three times that of the longest real one."""

LARGE = (2**62, 2**63 - 1, 2**63, 10**30)
NOT_NUMBERS: tuple[Any, ...] = (float("nan"), float("inf"), "20", "soon", True, [], {}, None)
TERMINATING: Message = {"type": "Terminating"}
"""Tells the lies that Terminate has come; it is never sent."""
EARLY_TURN: Message = {
    "type": "Turn",
    "turn_order": 0,
    "end_of_turn": True,
    "transcript": "too early",
    "words": [{"text": "too", "start": 0, "end": 90}, {"text": "early", "start": 90, "end": 180}],
}


def is_final(message: Message) -> bool:
    return message["type"] == "Turn" and bool(message["end_of_turn"])


def _about_turns(change: Callable[[Message], list[Sent]]) -> Lie:
    return lambda message: change(message) if message["type"] == "Turn" else [message]


def _about_finals(change: Callable[[Message], list[Sent]]) -> Lie:
    return lambda message: change(message) if is_final(message) else [message]


def _about_words(change: Callable[[list[Message]], Iterable[Message]]) -> Lie:
    """Changes the list of words of each turn that has any."""
    return _about_turns(
        lambda turn: [turn | {"words": [*change([dict(word) for word in turn["words"]])]}]
    )


# --- word times that cannot be ------------------------------------------------------------------


def _shifted(by_ms: Any) -> Lie:
    return _about_words(
        lambda words: (w | {"start": w["start"] + by_ms, "end": w["end"] + by_ms} for w in words)
    )


def _unreadable_times(chance: Random) -> Lie:
    def change(words: list[Message]) -> list[Message]:
        for word in words:
            for name in chance.choice([("start",), ("end",), ("start", "end")]):
                if chance.random() < 0.2:
                    word.pop(name)
                else:
                    word[name] = chance.choice(NOT_NUMBERS)
        return words

    return _about_words(change)


def _unsorted_times(chance: Random) -> Lie:
    """Only visible with two words or more; one word is where it was."""

    def change(words: list[Message]) -> list[Message]:
        times = [(word["start"], word["end"]) for word in reversed(words)]
        return [w | {"start": a, "end": b} for w, (a, b) in zip(words, times, strict=True)]

    return _about_words(change)


def _overlapping_times(chance: Random) -> Lie:
    """All words of a turn end together."""

    def change(words: list[Message]) -> list[Message]:
        return [word | {"end": words[-1]["end"]} for word in words]

    return _about_words(change)


def _one_time_for_all_words(chance: Random) -> Lie:
    """Each word of a turn is said to last as long as the turn, or to be at its end."""
    at_end = chance.random() < 0.5

    def change(words: list[Message]) -> list[Message]:
        if len(words) < 2:
            return words
        start, end = words[-1 if at_end else 0]["start"], words[-1]["end"]
        return [word | {"start": start, "end": end} for word in words]

    return _about_words(change)


def _words_without_length(chance: Random) -> Lie:
    return _about_words(lambda words: (word | {"end": word["start"]} for word in words))


def _only_last_word_without_length(chance: Random) -> Lie:
    def change(words: list[Message]) -> list[Message]:
        words[-1:] = [word | {"end": word["start"]} for word in words[-1:]]
        return words

    return _about_words(change)


def _ends_before_starts(chance: Random) -> Lie:
    return _about_words(lambda words: (w | {"start": w["end"], "end": w["start"]} for w in words))


def _clock_that_starts_over(chance: Random) -> Lie:
    """After some seconds the times count from zero again; or those of each further turn do."""
    each_turn, from_ms = chance.random() < 0.5, chance.randint(3000, 8000)
    ends: list[int] = []
    origin = 0

    def lie(message: Message) -> list[Sent]:
        nonlocal origin
        if message["type"] != "Turn" or not message["words"]:
            return [message]
        words = message["words"]
        is_new = not ends or words[0]["start"] >= ends[-1]
        if is_new and ends and ends[-1] >= from_ms and (each_turn or not origin):
            origin = ends[-1]
        if is_new and message["end_of_turn"]:
            ends.append(words[-1]["end"])
        lied = [w | {"start": w["start"] - origin, "end": w["end"] - origin} for w in words]
        return [message | {"words": lied}]

    return lie


def _odd_word_fields(chance: Random) -> Lie:
    """Not the times: everything else of a word, and of a turn, that is not needed."""

    def change(turn: Message) -> list[Sent]:
        odd = {"confidence": float("nan"), "speaker": 7, "word_is_final": "yes"}
        words = [word | dict([chance.choice([*odd.items()])]) for word in turn["words"]]
        for name in "speaker_label", "language_confidence", "utterance", "turn_is_formatted":
            if chance.random() < 0.5:
                turn = turn | {name: chance.choice([[], {"a": 1}, float("inf")])}
        return [turn | {"words": words}]

    return _about_turns(change)


# --- numbers of turns that cannot be ------------------------------------------------------------


def _renumbered(number: Callable[[int], Any]) -> Lie:
    return _about_turns(lambda turn: [turn | {"turn_order": number(turn["turn_order"])}])


def _large_numbers(chance: Random) -> Lie:
    large = chance.choice(LARGE)
    return _renumbered(lambda order: large + order)


def _numbers_that_start_over(chance: Random) -> Lie:
    every = chance.randint(1, 4)
    return _renumbered(lambda order: order % every)


def _numbers_by_chance(chance: Random) -> Lie:
    values = [-3, -1, 0, 1, 2, 5, 2**31, *LARGE, *NOT_NUMBERS]
    return _renumbered(lambda _: chance.choice(values))


def _no_numbers(chance: Random) -> Lie:
    def change(turn: Message) -> list[Sent]:
        return [{name: value for name, value in turn.items() if name != "turn_order"}]

    return _about_turns(change)


def _final_again_with_another_number(chance: Random) -> Lie:
    ahead = chance.choice([-1, 1])
    return _about_finals(lambda turn: [turn, turn | {"turn_order": turn["turn_order"] + ahead}])


# --- turns that contradict themselves -----------------------------------------------------------


def _words_that_disagree(chance: Random) -> Lie:
    """The words stop early, or are others than those of the transcript; or the transcript stops."""

    def change(turn: Message) -> list[Sent]:
        words, text = turn["words"], turn["transcript"].split()
        kept = chance.randint(1, max(1, len(text) - 1))
        match chance.randrange(3):
            case 0:
                return [turn | {"words": words[:kept]}]
            case 1:
                others = [word | {"text": "else"} for word in words]
                return [turn | {"words": others[: chance.randint(1, max(1, len(words)))]}]
            case _:
                return [turn | {"transcript": " ".join(text[:kept])}] if words else [turn]

    return _about_finals(change)


def _turn_that_shrinks(chance: Random) -> Lie:
    """Its final comes again with fewer words, from either end."""

    def change(turn: Message) -> list[Sent]:
        words, text = turn["words"], turn["transcript"].split()
        if len(text) < 2:
            return [turn]
        part = chance.choice([slice(0, -1), slice(1, None), slice(0, 1)])
        return [turn, turn | {"transcript": " ".join(text[part]), "words": words[part]}]

    return _about_finals(change)


def _first_final_with_other_words(chance: Random) -> Lie:
    """Two finals of one number: the second one is right."""

    def change(turn: Message) -> list[Sent]:
        words = [word | {"text": "other"} for word in turn["words"]]
        other = " ".join("other" for _ in turn["transcript"].split())
        return [turn | {"transcript": other, "words": words}, turn]

    return _about_finals(change)


def _final_then_partial(chance: Random) -> Lie:
    """``end_of_turn`` is true, then false, and perhaps true again."""
    again = chance.random() < 0.5

    def change(turn: Message) -> list[Sent]:
        part = turn["transcript"].split()[:1]
        late = turn | {"end_of_turn": False, "transcript": " ".join(part)}
        return [turn, late, turn] if again else [turn, late]

    return _about_finals(change)


def _flags_that_are_none(chance: Random) -> Lie:
    true, false = chance.choice([(1, 0), ("true", "false"), ("True", "no")])

    def change(turn: Message) -> list[Sent]:
        return [turn | {"end_of_turn": true if turn["end_of_turn"] else false}]

    return _about_turns(change)


def _no_transcript(chance: Random) -> Lie:
    """Only the words have the text."""

    def change(turn: Message) -> list[Sent]:
        if not turn["words"]:
            return [turn]
        return [turn | {"transcript": chance.choice([None, 7, [], ""])}]

    return _about_finals(change)


# --- messages in the wrong place or form --------------------------------------------------------


def _begin_twice(chance: Random) -> Lie:
    """A second Begin, at once or after the first final."""
    first: list[Message] = []
    at_once = chance.random() < 0.5

    def lie(message: Message) -> list[Sent]:
        if message["type"] == "Begin":
            again = message | {"id": "another", "expires_at": 1, "configuration": 7}
            first.append(again)
            return [message, again] if at_once else [message]
        if is_final(message) and first and not at_once:
            return [message, first.pop()]
        return [message]

    return lie


def _turns_before_begin(chance: Random) -> Lie:
    early: list[Sent] = [EARLY_TURN, EARLY_TURN | {"turn_order": 3, "end_of_turn": False}, "{["]

    def lie(message: Message) -> list[Sent]:
        return [*[early.pop(0) for _ in [*early]], message]

    return lie


def _termination_first(chance: Random) -> Lie:
    """What belongs before Termination comes after it."""
    held: list[Sent] = []
    terminate_seen = False

    def lie(message: Message) -> list[Sent]:
        nonlocal terminate_seen
        if message == TERMINATING:
            terminate_seen = True
            return []
        if message["type"] == "Termination":
            return [message, *held]
        if terminate_seen:
            held.append(message)
            return []
        return [message]

    return lie


def _wrong_terminations(chance: Random) -> Lie:
    """Twice, with durations that are off by minutes or are no numbers, and an Error behind them."""

    def lie(message: Message) -> list[Sent]:
        if message["type"] != "Termination":
            return [message]
        wrong = chance.choice([0, 1, 7200, -5, "long", float("nan"), 2**63])
        error = {"type": "Error", "error_code": 3005, "error": "too late"}
        return [message | {"audio_duration_seconds": wrong}, message, error]

    return lie


def _in_binary_frames(chance: Random) -> Lie:
    def lie(message: Message) -> list[Sent]:
        return [message if message == TERMINATING else json.dumps(message).encode()]

    return lie


def _huge(chance: Random) -> Lie:
    """Some messages are huge, with a field that nobody knows."""
    budget = 3

    def lie(message: Message) -> list[Sent]:
        nonlocal budget
        if message == TERMINATING or budget == 0 or chance.random() < 0.5:
            return [message]
        budget -= 1
        return [message | {"ballast": "x" * HUGE_BYTES}]

    return lie


def _strange_messages_between(chance: Random) -> Lie:
    """Unknown types and texts that are no messages, between all others."""
    strange: list[Sent] = [
        {"type": "Novelty", "of": [1, 2]},
        {"type": 7},
        {"type": "Turn"},
        {"type": "Heartbeat", "total_audio_received_ms": "many", "total_duration_ms": 1},
        {"type": "SpeechStarted", "timestamp": 2**64},
        {"type": "SpeakerRevision", "revisions": [{"turn_order": -1}]},
        {"type": "Warning", "warning": ["no", "text"]},
        {},
        "{[",
        "",
        "null",
        '"Turn"',
        b"\x00\xff\xfe",
    ]
    return lambda message: [chance.choice(strange), message]


LieFactory: TypeAlias = Callable[[Random], Lie]

TURN_LIES: Mapping[str, LieFactory] = {
    "words that disagree with the transcript": _words_that_disagree,
    "a turn that shrinks": _turn_that_shrinks,
    "two finals with other words": _first_final_with_other_words,
    "a final that is taken back": _final_then_partial,
    "no transcript": _no_transcript,
}
NUMBER_LIES: Mapping[str, LieFactory] = {
    "turn numbers beyond every count": _large_numbers,
    "negative turn numbers": lambda _: _renumbered(lambda order: -1 - order),
    "turn numbers that start over": _numbers_that_start_over,
    "turn numbers by chance": _numbers_by_chance,
    "no turn numbers": _no_numbers,
    "a final again with another number": _final_again_with_another_number,
}
TIME_LIES: Mapping[str, LieFactory] = {
    "word times beyond every clock": lambda chance: _shifted(chance.choice(LARGE)),
    "word times half a minute ahead": lambda _: _shifted(30_000),
    "word times before the start": lambda chance: _shifted(chance.choice([-(10**6), -(2**62)])),
    "word times that are no numbers": _unreadable_times,
    "word times unsorted": _unsorted_times,
    "word times overlapping": _overlapping_times,
    "one time for all words": _one_time_for_all_words,
    "words without length": _words_without_length,
    "a last word without length": _only_last_word_without_length,
    "words that end before they start": _ends_before_starts,
    "a clock that starts over": _clock_that_starts_over,
    "odd fields of words": _odd_word_fields,
}
MESSAGE_LIES: Mapping[str, LieFactory] = {
    "Begin twice": _begin_twice,
    "turns before Begin": _turns_before_begin,
    "finals after Termination": _termination_first,
    "wrong Terminations": _wrong_terminations,
    "flags that are no booleans": _flags_that_are_none,
    "huge messages": _huge,
    "strange messages between": _strange_messages_between,
    "messages in binary frames": _in_binary_frames,
}
LIES: Mapping[str, LieFactory] = {**TURN_LIES, **NUMBER_LIES, **TIME_LIES, **MESSAGE_LIES}
"""The kinds of lies, by their names in ``docs/untrue-messages.md``. Several are told in this order:
each changes what the ones before it say."""

NEEDS_TIMES = (
    "two finals with other words",
    "a final again with another number",
    "turn numbers by chance",
)
"""Lies that no client could see through without word times: the same words twice, others in their
place, or a turn that never ends may be what a server means."""
NEEDS_NUMBERS = ("two finals with other words", "words that disagree with the transcript")
"""Lies that no client could see through without the number of the turn: they change its words, or
make its times useless."""


def lies_of(names: Iterable[str], chance: Random, told: Counter[str] | None = None) -> Lie:
    """The lie that tells all these lies. ``told`` counts those that were told, each once."""
    lies = {name: draw(chance) for name, draw in LIES.items() if name in set(names)}
    untold = set(lies)

    def lie(message: Message) -> list[Sent]:
        sent: list[Sent] = [message]
        for name, each in lies.items():
            before, sent = sent, []
            for one in before:
                sent += each(one) if isinstance(one, dict) and "type" in one else [one]
            if name in untold and repr(sent) != repr(before):
                untold.remove(name)
                if told is not None:
                    told[name] += 1
        return [one for one in sent if one != TERMINATING]

    return lie


def draw_lies(chance: Random, *, timed: bool = True) -> list[str]:
    """Some lies that can be told at once; ``timed``: whether the server tells times of words."""
    names = [chance.choice([*TURN_LIES])] if chance.random() < 0.4 else []
    if chance.random() < 0.4 and not set(names) & set(NEEDS_NUMBERS):
        names.append(chance.choice([*NUMBER_LIES]))
    if chance.random() < 0.5:
        names.append(chance.choice([*TIME_LIES]))
        timed = timed and names[-1] == "odd fields of words"
    names += [name for name in MESSAGE_LIES if chance.random() < 0.2]
    return [name for name in names if timed or name not in NEEDS_TIMES]
