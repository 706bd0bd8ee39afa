"""Checks whether a server kept to the v3 protocol in a recorded session.

The rules come from the vendor's pages and from observations of the service alone: they share no
code with our server but the wire messages. A log that breaks off is judged as far as it goes; a
final or Termination that is missing then is no violation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.conformance import session_rules, turn_rules, word_rules
from tests.conformance.rule_context import RuleContext
from tests.conformance.schema_rules import check_schema
from tests.conformance.session_log import (
    Audio,
    Closed,
    LogEntry,
    Received,
    Sent,
    Violation,
    ViolationKind,
    format_violations,
)

Rule = Callable[[RuleContext], Iterator[Violation]]

RULES: tuple[Rule, ...] = (
    check_schema,
    session_rules.check_begin,
    session_rules.check_nothing_after_end,
    session_rules.check_termination,
    session_rules.check_errors,
    session_rules.check_close,
    session_rules.check_not_requested,
    session_rules.check_heartbeats,
    session_rules.check_silences,
    turn_rules.check_turn_order,
    turn_rules.check_finals,
    turn_rules.check_formatted_finals,
    turn_rules.check_formatting,
    turn_rules.check_word_finality,
    turn_rules.check_transcripts,
    turn_rules.check_utterances,
    turn_rules.check_end_confidences,
    turn_rules.check_revisions,
    turn_rules.check_speech_started,
    turn_rules.check_forced_endpoints,
    word_rules.check_word_times,
    word_rules.check_within_audio,
    word_rules.check_turn_overlaps,
    word_rules.check_confidences,
    word_rules.check_hallucinations,
)


def judge(parameters: Mapping[str, str], record: Sequence[LogEntry]) -> list[Violation]:
    """The violations in the order of the log; ``parameters`` are those of the URL."""
    case = RuleContext(parameters, record)
    return sorted(
        (violation for rule in RULES for violation in rule(case)),
        key=lambda violation: violation.index,
    )


__all__ = [
    "Audio",
    "Closed",
    "LogEntry",
    "Received",
    "Sent",
    "Violation",
    "ViolationKind",
    "format_violations",
    "judge",
]
