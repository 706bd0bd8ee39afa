"""A summary of scores in Markdown, for the page of a CI job."""

import re
from collections.abc import Iterable, Iterator

from tui.cli.comparison_lines import comparison_lines, overview_lines
from tui.cli.score_lines import score_tables
from tui.text.tables import table
from tui.text.width import clean
from workers.evaluation.comparison import Comparison
from workers.evaluation.gate import GateResult
from workers.evaluation.score import RunScore

MAX_WORST = 10
"""How many recordings are named; services limit the size of a summary."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&!])")


def score_summary(score: RunScore, gate: Iterable[GateResult]) -> str:
    """The figures of a run, its gate, its worst recordings and its warnings."""
    lines = [f"## Scores of {escape_markdown(score.run.name)}", "", *_gate_lines(gate)]
    lines += score_tables(score)
    worst = sorted(
        (job for job in score.jobs if job.words.errors and job.words.rate is not None),
        key=lambda job: -(job.words.rate or 0.0),
    )[:MAX_WORST]
    if worst:
        rows = [
            (
                escape_markdown(job.name),
                f"{100 * (job.words.rate or 0.0):.2f} %",
                *(str(n) for n in (job.words.substitutions, job.words.deletions)),
                str(job.words.insertions),
            )
            for job in worst
        ]
        lines += ["", table(("worst recordings", "wer", "S", "D", "I"), rows)]
    lines += ["", *_bullets(score.warnings)]
    lines += _bullets(f"invalid for latency: {name} ({why})" for name, why in score.invalid)
    lines += _bullets(f"left out: {name} ({why})" for name, why in score.left_out)
    return "\n".join(lines) + "\n\n"


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
    for result in gate:
        mark = "❌" if result.breached else "✅"
        yield f"- {mark} {escape_markdown(result.sentence)}"
    yield ""


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {escape_markdown(text)}" for text in texts]
