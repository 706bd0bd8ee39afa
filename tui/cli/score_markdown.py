"""A summary of scores in Markdown, for the page of a CI job."""

import re
from collections.abc import Iterable, Iterator

from tui.cli.comparison_lines import comparison_lines, overview_lines
from tui.cli.score_lines import pacing_line, score_tables, worst_recordings
from tui.text.tables import table
from tui.text.width import clean
from workers.evaluation.comparison import Comparison
from workers.evaluation.figures import error_counts
from workers.evaluation.gate import GateResult
from workers.evaluation.score import RunScore

MAX_NAMED = 10
"""How many recordings a list names; services limit the size of a summary."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&!])")


def score_summary(score: RunScore, gate: Iterable[GateResult]) -> str:
    """The figures of a run, its gate, its worst recordings and its warnings."""
    lines = [f"## Scores of {escape_markdown(score.run.name)}", "", *_gate_lines(gate)]
    lines += score_tables(score)
    if worst := worst_recordings(score)[:MAX_NAMED]:
        rows = []
        for jobs in worst:
            counts = error_counts(jobs, "wer")
            errors = (counts.substitutions, counts.deletions, counts.insertions, len(jobs))
            name, rate = escape_markdown(jobs[0].name), f"{100 * (counts.rate or 0.0):.2f} %"
            rows.append((name, rate, *map(str, errors)))
        lines += ["", table(("worst recordings", "wer", "S", "D", "I", "results"), rows)]
    lines += ["", *_bullets([pacing_line(score), *score.warnings])]
    lines += _bullets(_first("invalid for latency", score.invalid))
    lines += _bullets(_first("left out", score.left_out))
    return "\n".join(lines) + "\n\n"


def _first(title: str, entries: list[tuple[str, str]]) -> Iterator[str]:
    yield from (f"{title}: {name} ({reason})" for name, reason in entries[:MAX_NAMED])
    if len(entries) > MAX_NAMED:
        yield f"{title}: {len(entries) - MAX_NAMED} more"


def comparison_summary(comparisons: list[Comparison], gate: Iterable[GateResult]) -> str:
    """The differences between runs, and the gate."""
    first = escape_markdown(comparisons[0].first.run.name)
    lines = [f"## Compared with {first}", "", *_gate_lines(gate), *overview_lines(comparisons)]
    for comparison in comparisons:
        for line in comparison_lines(comparison):
            is_table = line.startswith("|")
            lines.append(line if is_table else f"{escape_markdown(line)}  ")
    return "\n".join(lines) + "\n\n"


def escape_markdown(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", clean(text))


def _gate_lines(gate: Iterable[GateResult]) -> Iterator[str]:
    results = list(gate)
    for result in results:
        mark = "❌" if result.breached else "✅"
        yield f"- {mark} {escape_markdown(result.sentence)}"
    if results:
        yield ""


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {escape_markdown(text)}" for text in texts]
