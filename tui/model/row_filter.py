"""The filter language: parses a line of terms and decides which jobs match.

``word`` matches the name or the latest words, and so does ``"two words"``; ``name:x`` and
``text:x`` search one of them. ``state:x`` matches the beginning of a state, or ``live``; a
complete state alone also matches jobs in that state. ``lag>20`` compares a number. ``!`` inverts a
term. A job must match all terms. Each column's filter defines its names.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tui.model.column_spec import ColumnFilter, ColumnSpec, FilterKind
from workers.jobs.job_state import JobState, JobStatus

Predicate = Callable[[JobState], bool]

LIVE_STATE = "live"

_TERM = re.compile(
    r"""(?P<not>!?)
        (?:(?P<key>[A-Za-z]+)(?P<sign>[:<>=]=?))?
        (?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]*))
        (?P<rest>\S*)""",
    re.VERBOSE,
)

_COMPARATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
}

_STATE_WORDS = [*(status.value for status in JobStatus), LIVE_STATE]


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed line of terms. Without any term, every job matches."""

    text: str = ""
    predicates: tuple[Predicate, ...] = ()
    problems: tuple[str, ...] = ()
    """A sentence for each ignored term, which could not be parsed."""

    def __bool__(self) -> bool:
        return bool(self.predicates)

    def matches(self, job_state: JobState) -> bool:
        """Whether the job matches every term."""
        return all(test(job_state) for test in self.predicates)


class _TermError(Exception):
    """A term could not be parsed; the message is a sentence for the user."""


def parse_filter(text: str, columns: Iterable[ColumnSpec]) -> Filter:
    """Parses a line of terms; ``columns`` define the filters."""
    filters = {column.filter.name: column.filter for column in columns if column.filter}
    predicates: list[Predicate] = []
    problems = []
    for term in _TERM.finditer(text):
        try:
            if term[0]:
                predicates.append(_term_predicate(term, filters))
        except _TermError as problem:
            problems.append(str(problem))
    return Filter(text, tuple(predicates), tuple(problems))


def _term_predicate(term: re.Match[str], filters: Mapping[str, ColumnFilter]) -> Predicate:
    value = (term["quoted"] or term["bare"] or "") + term["rest"]
    key, sign = (term["key"] or "").casefold(), term["sign"]
    if not key and not value:
        raise _TermError("! inverts which word?" if term["not"] else "no words between the quotes")
    test = _key_predicate(key, sign, value, filters) if key else _word_predicate(value, filters)
    return (lambda job_state: not test(job_state)) if term["not"] else test


def _key_predicate(
    key: str, sign: str, value: str, filters: Mapping[str, ColumnFilter]
) -> Predicate:
    if key not in filters:
        raise _TermError(f"nothing is called {key}; there are {', '.join(filters)}")
    if filters[key].kind is FilterKind.NUMBER:
        return _comparison_predicate(filters[key], sign, value)
    if sign != ":":
        raise _TermError(f"{key}{sign} compares nothing; try {key}:")
    if not value:
        raise _TermError(f"{key}: which?")
    if filters[key].kind is FilterKind.STATE:
        return _state_predicate(value.casefold())
    return _text_predicate(value, [filters[key]])


def _word_predicate(word: str, filters: Mapping[str, ColumnFilter]) -> Predicate:
    text_filters = [one for one in filters.values() if one.kind is FilterKind.TEXT]
    in_texts = _text_predicate(word, text_filters)
    if word.casefold() not in _STATE_WORDS:
        return in_texts
    in_state = _state_predicate(word.casefold())  # users type the words that rows show
    return lambda job_state: in_state(job_state) or in_texts(job_state)


def _text_predicate(text: str, filters: Iterable[ColumnFilter]) -> Predicate:
    text, values = text.casefold(), [column_filter.value for column_filter in filters]
    return lambda job_state: any(text in str(value(job_state)).casefold() for value in values)


def _state_predicate(prefix: str) -> Predicate:
    states = {status for status in JobStatus if status.value.startswith(prefix)}
    if LIVE_STATE.startswith(prefix):
        states |= {status for status in JobStatus if status.is_live}
    if not states:
        raise _TermError(f"no state begins with {prefix}; there are {', '.join(_STATE_WORDS)}")
    return lambda job_state: job_state.status in states


def _comparison_predicate(column_filter: ColumnFilter, sign: str, value: str) -> Predicate:
    """Parses ``20``, ``-40.5`` or ``1:30`` (90 s); a unit may follow."""
    name, compare = column_filter.name, _COMPARATORS.get(sign)
    if compare is None:
        raise _TermError(f"{name}{sign} is not understood; try {name}> or {name}<")
    match = re.fullmatch(r"(?:(\d+):)?([-+]?\d+(?:[.,]\d*)?)(?:%|ms|s|dB|dBFS)?", value)
    if match is None:
        raise _TermError(f"{name}{sign} needs a number" + (f", not {value}" if value else ""))
    limit = 60 * int(match[1] or 0) + float(match[2].replace(",", "."))

    def test(job_state: JobState) -> bool:
        number = column_filter.value(job_state)
        return isinstance(number, int | float) and compare(number, limit)

    return test
