"""Removes what was said from events, for runs that keep figures only.

The number of words and all times stay, so that delays can be computed; accuracy cannot.
"""

from dataclasses import replace

from workers.jobs.events import MessageReceived, TraceEvent, TurnReceived

WITHHELD_WORD = "•"
"""Stands for a word."""


def without_words(event: TraceEvent) -> TraceEvent:
    """The event with a sign in the place of each word; of a message without an event of its own,
    only the type."""
    match event:
        case TurnReceived(turn=turn):
            count = len(turn.words) or len(turn.transcript.split())
            blank = " ".join([WITHHELD_WORD] * count)
            words = tuple(replace(word, text=WITHHELD_WORD, extra={}) for word in turn.words)
            utterance = blank if turn.utterance else ""
            turn = replace(turn, transcript=blank, utterance=utterance, words=words, extra={})
            return replace(event, turn=turn)
        case MessageReceived(message=message):
            return MessageReceived({"type": message.get("type"), "withheld": True})
    return event
