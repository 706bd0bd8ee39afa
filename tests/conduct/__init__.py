"""Whether a session was conducted as the v3 protocol has it, whoever the server was.

Written from what the vendor publishes, and from observations of the service, alone: it shares no
code with our server but the wire messages. A record that breaks off is judged as far as it goes;
what is still owed then (a final, a Termination) is no violation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.conduct import session, turns, words
from tests.conduct.case import Case
from tests.conduct.record import Audio, Closed, Entry, Heard, Kind, Sent, Violation, told
from tests.conduct.shapes import shapes

Rule = Callable[[Case], Iterator[Violation]]

RULES: tuple[Rule, ...] = (
    shapes,
    session.begins,
    session.ends,
    session.terminates,
    session.errors,
    session.closes,
    session.unasked,
    session.heartbeats,
    session.silences,
    turns.order,
    turns.finals,
    turns.twins,
    turns.formats,
    turns.finality,
    turns.transcripts,
    turns.utterances,
    turns.end_confidences,
    turns.revisions,
    turns.speech_starts,
    turns.straddles,
    words.times,
    words.ahead,
    words.overlaps,
    words.confidences,
    words.imagined,
)


def judge(parameters: Mapping[str, str], record: Sequence[Entry]) -> list[Violation]:
    """What the server did wrong, in the order of the record; ``parameters`` as in the URL."""
    case = Case(parameters, record)
    return sorted(
        (violation for rule in RULES for violation in rule(case)),
        key=lambda violation: violation.at,
    )


__all__ = ["Audio", "Closed", "Entry", "Heard", "Kind", "Sent", "Violation", "judge", "told"]
