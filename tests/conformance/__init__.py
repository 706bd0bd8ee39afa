"""Whether a session was conducted as the v3 protocol has it, whoever the server was.

Written from what the vendor publishes, and from observations of the service, alone: it shares no
code with our server but the wire messages. A record that breaks off is judged as far as it goes;
what is still owed then (a final, a Termination) is no violation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.conformance import session_rules, turn_rules, word_rules
from tests.conformance.rule_context import Case
from tests.conformance.schema_rules import shapes
from tests.conformance.session_log import Audio, Closed, Entry, Heard, Kind, Sent, Violation, told

Rule = Callable[[Case], Iterator[Violation]]

RULES: tuple[Rule, ...] = (
    shapes,
    session_rules.begins,
    session_rules.ends,
    session_rules.terminates,
    session_rules.errors,
    session_rules.closes,
    session_rules.unasked,
    session_rules.heartbeats,
    session_rules.silences,
    turn_rules.order,
    turn_rules.finals,
    turn_rules.twins,
    turn_rules.formats,
    turn_rules.finality,
    turn_rules.transcripts,
    turn_rules.utterances,
    turn_rules.end_confidences,
    turn_rules.revisions,
    turn_rules.speech_starts,
    turn_rules.straddles,
    word_rules.times,
    word_rules.ahead,
    word_rules.overlaps,
    word_rules.confidences,
    word_rules.imagined,
)


def judge(parameters: Mapping[str, str], record: Sequence[Entry]) -> list[Violation]:
    """What the server did wrong, in the order of the record; ``parameters`` as in the URL."""
    case = Case(parameters, record)
    return sorted(
        (violation for rule in RULES for violation in rule(case)),
        key=lambda violation: violation.at,
    )


__all__ = ["Audio", "Closed", "Entry", "Heard", "Kind", "Sent", "Violation", "judge", "told"]
