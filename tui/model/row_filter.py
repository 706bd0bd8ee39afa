"""The filter language: parses a line of terms and decides which jobs match.

``word`` matches the name or the latest words, and so does ``"two words"``; ``name:x`` and
``text:x`` search one of them. ``state:x`` matches the beginning of a state, or ``live``; a
complete state alone also matches jobs in that state. ``lag>20`` compares a number. ``!`` inverts a
term. A job must match all terms. Each column's filter defines its names.

Scores have the names of the gate's metrics, and its statistics: ``wer>10``, ``eot>900``,
``emission.p50>400ms``. ``invalid`` matches jobs whose delays do not count.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.model.column_spec import ColumnFilter, ColumnSpec, FilterKind
from workers.jobs.job_state import JobState, JobStatus

if TYPE_CHECKING:  # loaded with the first score
    from workers.evaluation.desk_figures import JobFigures
    from workers.evaluation.metrics import Metric

Predicate = Callable[[JobState, "JobFigures | None"], bool]
FigureOf = Callable[["JobFigures"], float | None]

RATES = ("wer", "cer", "fwer")
"""The rates that one session has."""

LIVE_STATE = "live"

_TERM = re.compile(
    r"""(?P<not>!?)
        (?:(?P<key>[A-Za-z_]+(?:\.(?:p\d\d|mean|max))?)(?P<sign>[:<>=]=?))?
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
    uses_scores: bool = False
    """Whether a term is about scores, which must then be computed."""

    def __bool__(self) -> bool:
        return bool(self.predicates)

    def matches(self, job_state: JobState, figures: "JobFigures | None" = None) -> bool:
        """Whether the job, with its scores, matches every term."""
        for test in self.predicates:  # noqa: SIM110  a generator takes half as long again
            if not test(job_state, figures):
                return False
        return True


class _TermError(Exception):
    """A term could not be parsed; the message is a sentence for the user."""


def parse_filter(text: str, columns: Iterable[ColumnSpec]) -> Filter:
    """Parses a line of terms; ``columns`` define the filters."""
    names = _Names(columns)
    predicates: list[Predicate] = []
    problems = []
    for term in _TERM.finditer(text):
        try:
            if term[0]:
                predicates.append(_term_predicate(term, names))
        except _TermError as problem:
            problems.append(str(problem))
    return Filter(text, tuple(predicates), tuple(problems), names.uses_scores)


class _Names:
    """The names that terms may use."""

    def __init__(self, columns: Iterable[ColumnSpec]) -> None:
        self.filters: dict[str, ColumnFilter] = {}
        self.figures: dict[str, FigureOf] = {}
        """The names that are about scores."""
        self.uses_scores = False
        """Whether a term was about scores."""
        for column in columns:
            if column.filter is not None:
                self.filters[column.filter.name] = column.filter
                if column.figure is not None:
                    self.figures[column.filter.name] = column.figure


def _term_predicate(term: re.Match[str], names: _Names) -> Predicate:
    value = (term["quoted"] or term["bare"] or "") + term["rest"]
    key, sign = (term["key"] or "").casefold(), term["sign"]
    if not key and not value:
        raise _TermError("! inverts which word?" if term["not"] else "no words between the quotes")
    if not key:
        test = _word_predicate(value, names)
    elif key not in names.filters and _metric_named(key) is not None:
        test = _score_predicate(key, sign, value, names)
    elif "_" in key or "." in key:  # such as a file name before a colon
        test = _word_predicate(f"{term['key']}{sign}{value}", names)
    else:
        test = _key_predicate(key, sign, value, names)
    return (lambda state, figures: not test(state, figures)) if term["not"] else test


def _key_predicate(key: str, sign: str, value: str, names: _Names) -> Predicate:
    if key not in names.filters:
        raise _TermError(f"nothing is called {key}; there are {', '.join(names.filters)}")
    column_filter = names.filters[key]
    if column_filter.kind is FilterKind.WORD:
        raise _TermError(f"write {key} alone")
    if key in names.figures:
        return _score_predicate(key, sign, value, names)
    if column_filter.kind is FilterKind.NUMBER:
        return _comparison_predicate(column_filter, sign, value)
    if sign != ":":
        raise _TermError(f"{key}{sign} compares nothing; try {key}:")
    if not value:
        raise _TermError(f"{key}: which?")
    if column_filter.kind is FilterKind.STATE:
        return _state_predicate(value.casefold())
    return _text_predicate(value, [column_filter])


def _word_predicate(word: str, names: _Names) -> Predicate:
    text_filters = [one for one in names.filters.values() if one.kind is FilterKind.TEXT]
    in_texts = _text_predicate(word, text_filters)
    lower = word.casefold()
    if lower in _STATE_WORDS:
        chosen = _state_predicate(lower)  # users type the words that rows show
    elif lower in names.figures and names.filters[lower].kind is FilterKind.WORD:
        figure, names.uses_scores = names.figures[lower], True
        chosen = _figure_predicate(figure, operator.gt, 0)
    else:
        return in_texts
    return lambda state, figures: chosen(state, figures) or in_texts(state, figures)


def _text_predicate(text: str, filters: Iterable[ColumnFilter]) -> Predicate:
    text = text.casefold()
    values = [column_filter.value for column_filter in filters if column_filter.value]

    def test(job_state: JobState, _: "JobFigures | None") -> bool:
        for value in values:  # noqa: SIM110  a generator takes half as long again, for each row
            if text in str(value(job_state)).casefold():
                return True
        return False

    return test


def _state_predicate(prefix: str) -> Predicate:
    states = {status for status in JobStatus if status.value.startswith(prefix)}
    if LIVE_STATE.startswith(prefix):
        states |= {status for status in JobStatus if status.is_live}
    if not states:
        raise _TermError(f"no state begins with {prefix}; there are {', '.join(_STATE_WORDS)}")
    return lambda state, _: state.status in states


def _comparison_predicate(column_filter: ColumnFilter, sign: str, value: str) -> Predicate:
    """Parses ``20``, ``-40.5`` or ``1:30`` (90 s); a unit may follow."""
    name, compare = column_filter.name, _comparator(column_filter.name, sign)
    match = re.fullmatch(r"(?:(\d+):)?([-+]?\d+(?:[.,]\d*)?)(?:%|ms|s|dB|dBFS)?", value)
    if match is None:
        raise _TermError(f"{name}{sign} needs a number" + (f", not {value}" if value else ""))
    limit = 60 * int(match[1] or 0) + float(match[2].replace(",", "."))
    value_of = column_filter.value

    def test(job_state: JobState, _: "JobFigures | None") -> bool:
        number = None if value_of is None else value_of(job_state)
        return isinstance(number, int | float) and compare(number, limit)

    return test


def _comparator(name: str, sign: str) -> Callable[[float, float], bool]:
    if (compare := _COMPARATORS.get(sign)) is None:
        raise _TermError(f"{name}{sign} is not understood; try {name}> or {name}<")
    return compare


# --- scores


def _metric_named(key: str) -> "Metric | None":
    """The metric of a name such as ``eot`` or ``eot.p50``. Its module loads with the first name
    that no column has."""
    from workers.evaluation.metrics import METRICS, Unit

    metric = METRICS.get(key.partition(".")[0])
    return None if metric is None or metric.unit is Unit.RATIO else metric


def _score_predicate(key: str, sign: str, value: str, names: _Names) -> Predicate:
    """Parses the limit of a metric, in its own unit as in a gate, or without a unit."""
    name, _, stat = key.partition(".")
    compare, metric = _comparator(key, sign), _metric_named(key)
    assert metric is not None
    match = re.fullmatch(r"([-+]?\d+(?:[.,]\d*)?)(%|ms|s)?", value)
    if match is None:
        raise _TermError(f"{key}{sign} needs a number" + (f", not {value}" if value else ""))
    if match[2] and metric.is_latency is (match[2] == "%"):
        raise _TermError(f"{name} is in {'ms or s' if metric.is_latency else '%'}")
    if not metric.is_latency and (stat or name not in RATES):
        what = f"no {stat}" if stat else "no value of its own in the desk"
        raise _TermError(f"{name} of one session has {what}")
    limit = float(match[1].replace(",", ".")) * (1000 if match[2] == "s" else 1)
    names.uses_scores = True
    if metric.is_latency:
        return _figure_predicate(lambda scored: scored.delay_ms(name, stat), compare, limit)
    return _figure_predicate(lambda scored: scored.percent(name), compare, limit)


def _figure_predicate(
    figure: FigureOf, compare: Callable[[float, float], bool], limit: float
) -> Predicate:
    def test(_: JobState, figures: "JobFigures | None") -> bool:
        number = None if figures is None else figure(figures)
        return number is not None and compare(number, limit)

    return test
