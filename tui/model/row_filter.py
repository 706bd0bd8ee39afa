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
from workers.jobs.job_state import JobHistory, Status

Test = Callable[[JobHistory], bool]

LIVE = "live"

_TERM = re.compile(
    r"""(?P<not>!?)
        (?:(?P<key>[A-Za-z]+)(?P<sign>[:<>=]=?))?
        (?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]*))
        (?P<rest>\S*)""",
    re.VERBOSE,
)

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
}

_NUMBERS: Mapping[str, Callable[[JobHistory], float | None]] = {
    "lag": metrics.lag_ms,
    "attempts": lambda history: history.attempt,
    "progress": metrics.percent,
    "left": metrics.left,
    "level": metrics.level_db,
}

_STATES = frozenset({LIVE, *(status.value for status in Status)})

_KEYS = ("state", "name", "text", *_NUMBERS)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for, and what of it was not understood. Without terms it admits all."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    doubts: tuple[str, ...] = ()
    """A sentence for each term that was not understood, and does not count."""

    def __bool__(self) -> bool:
        return bool(self.tests)

    def admits(self, history: JobHistory) -> bool:
        """Whether every term is true of the job."""
        return all(test(history) for test in self.tests)


def parsed(text: str) -> Filter:
    """The filter that a line asks for."""
    tests: list[Test] = []
    doubts = []
    for term in _TERM.finditer(text):
        if not term[0]:
            continue
        try:
            tests.append(_test(term))
        except _Doubt as doubt:
            doubts.append(str(doubt))
    return Filter(text, tuple(tests), tuple(doubts))


class _Doubt(Exception):
    """Why a term was not understood."""


def _test(term: re.Match[str]) -> Test:
    value = (term["quoted"] or term["bare"] or "") + term["rest"]
    key, sign = (term["key"] or "").casefold(), term["sign"]
    if not key and not value:
        raise _Doubt("! inverts which word?" if term["not"] else "no words between the quotes")
    test = _of_key(key, sign, value) if key else _word(value)
    return (lambda history: not test(history)) if term["not"] else test


def _of_key(key: str, sign: str, value: str) -> Test:
    if key not in _KEYS:
        raise _Doubt(f"nothing is called {key}; there are {', '.join(_KEYS)}")
    if key in _NUMBERS:
        return _comparison(key, sign, value)
    if sign != ":":
        raise _Doubt(f"{key}{sign} compares nothing; try {key}:")
    if not value:
        raise _Doubt(f"{key}: which?")
    if key == "state":
        return _state(value.casefold())
    told = metrics.name if key == "name" else metrics.latest_words
    wanted = value.casefold()
    return lambda history: wanted in told(history).casefold()


def _word(word: str) -> Test:
    wanted = word.casefold()
    whole = _state(wanted) if wanted in _STATES else None  # it stands in the row, so it is typed
    return lambda history: (
        (whole is not None and whole(history))
        or wanted in metrics.name(history).casefold()
        or wanted in metrics.latest_words(history).casefold()
    )


def _state(beginning: str) -> Test:
    states = {status for status in Status if status.value.startswith(beginning)}
    if LIVE.startswith(beginning):
        states |= {status for status in Status if status.live}
    if not states:
        words = ", ".join([*(status.value for status in Status), LIVE])
        raise _Doubt(f"no state begins with {beginning}; there are {words}")
    return lambda history: history.status in states


def _comparison(key: str, sign: str, value: str) -> Test:
    if sign not in _COMPARE:
        raise _Doubt(f"{key}{sign} is not understood; try {key}> or {key}<")
    number, compare, measure = _number(f"{key}{sign}", value), _COMPARE[sign], _NUMBERS[key]

    def test(history: JobHistory) -> bool:
        measured = measure(history)
        return measured is not None and compare(measured, number)

    return test


def _number(before: str, value: str) -> float:
    """``20``, ``-40.5``, ``1:30`` for seconds, and with a unit behind."""
    found = re.fullmatch(r"(?:(\d+):)?([-+]?\d+(?:[.,]\d*)?)(?:%|ms|s|dB|dBFS)?", value)
    if found is None:
        raise _Doubt(f"{before} needs a number" + (f", not {value}" if value else ""))
    return 60 * int(found[1] or 0) + float(found[2].replace(",", "."))
