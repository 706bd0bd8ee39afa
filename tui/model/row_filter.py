"""The filter's language: which jobs a line of words lets through.

``word`` is in the name or the latest words, ``"two words"`` too; ``name:x`` and ``text:x`` ask for
one of them. ``state:x`` takes the beginning of a state, or ``live``; a whole state by itself is a
word that rows of that state have too. ``lag>20`` compares, likewise ``attempts``, ``progress`` (%),
``left`` (s) and ``level`` (dBFS). ``!`` inverts a term. All terms must be true.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tui.model import metrics
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

_NUMERIC_KEYS: Mapping[str, Callable[[JobState], float | None]] = {
    "lag": metrics.lag_ms,
    "attempts": lambda history: history.attempt,
    "progress": metrics.progress_percent,
    "left": metrics.remaining_s,
    "level": metrics.peak_level_db,
}

_STATE_WORDS = frozenset({LIVE_STATE, *(status.value for status in JobStatus)})

_FILTER_KEYS = ("state", "name", "text", *_NUMERIC_KEYS)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for, and what of it was not understood. Without terms it admits all."""

    text: str = ""
    predicates: tuple[Predicate, ...] = ()
    problems: tuple[str, ...] = ()
    """A sentence for each term that was not understood, and does not count."""

    def __bool__(self) -> bool:
        return bool(self.predicates)

    def matches(self, job_state: JobState) -> bool:
        """Whether every term is true of the job."""
        return all(test(job_state) for test in self.predicates)


def parse_filter(text: str) -> Filter:
    """The filter that a line asks for."""
    tests: list[Predicate] = []
    doubts = []
    for term in _TERM.finditer(text):
        if not term[0]:
            continue
        try:
            tests.append(_term_predicate(term))
        except _TermError as doubt:
            doubts.append(str(doubt))
    return Filter(text, tuple(tests), tuple(doubts))


class _TermError(Exception):
    """Why a term was not understood."""


def _term_predicate(term: re.Match[str]) -> Predicate:
    value = (term["quoted"] or term["bare"] or "") + term["rest"]
    key, sign = (term["key"] or "").casefold(), term["sign"]
    if not key and not value:
        raise _TermError("! inverts which word?" if term["not"] else "no words between the quotes")
    test = _key_predicate(key, sign, value) if key else _word_predicate(value)
    return (lambda history: not test(history)) if term["not"] else test


def _key_predicate(key: str, sign: str, value: str) -> Predicate:
    if key not in _FILTER_KEYS:
        raise _TermError(f"nothing is called {key}; there are {', '.join(_FILTER_KEYS)}")
    if key in _NUMERIC_KEYS:
        return _comparison_predicate(key, sign, value)
    if sign != ":":
        raise _TermError(f"{key}{sign} compares nothing; try {key}:")
    if not value:
        raise _TermError(f"{key}: which?")
    if key == "state":
        return _state_predicate(value.casefold())
    told = metrics.recording_name if key == "name" else metrics.latest_words
    wanted = value.casefold()
    return lambda history: wanted in told(history).casefold()


def _word_predicate(word: str) -> Predicate:
    wanted = word.casefold()
    whole = (
        _state_predicate(wanted) if wanted in _STATE_WORDS else None
    )  # it stands in the row, so it is typed
    return lambda history: (
        (whole is not None and whole(history))
        or wanted in metrics.recording_name(history).casefold()
        or wanted in metrics.latest_words(history).casefold()
    )


def _state_predicate(prefix: str) -> Predicate:
    states = {status for status in JobStatus if status.value.startswith(prefix)}
    if LIVE_STATE.startswith(prefix):
        states |= {status for status in JobStatus if status.is_live}
    if not states:
        words = ", ".join([*(status.value for status in JobStatus), LIVE_STATE])
        raise _TermError(f"no state begins with {prefix}; there are {words}")
    return lambda history: history.status in states


def _comparison_predicate(key: str, sign: str, value: str) -> Predicate:
    if sign not in _COMPARATORS:
        raise _TermError(f"{key}{sign} is not understood; try {key}> or {key}<")
    number, compare, measure = (
        _parse_number(f"{key}{sign}", value),
        _COMPARATORS[sign],
        _NUMERIC_KEYS[key],
    )

    def test(job_state: JobState) -> bool:
        measured = measure(job_state)
        return measured is not None and compare(measured, number)

    return test


def _parse_number(term: str, value: str) -> float:
    """``20``, ``-40.5``, ``1:30`` for seconds, and with a unit behind."""
    found = re.fullmatch(r"(?:(\d+):)?([-+]?\d+(?:[.,]\d*)?)(?:%|ms|s|dB|dBFS)?", value)
    if found is None:
        raise _TermError(f"{term} needs a number" + (f", not {value}" if value else ""))
    return 60 * int(found[1] or 0) + float(found[2].replace(",", "."))
