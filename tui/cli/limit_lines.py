"""The words of ``paceline find-limit``: a line for each trial, and the answer."""

from tui.text.formats import format_count
from workers.limit_search.diagnosis import Diagnosis, Side
from workers.limit_search.finder import Bound, LimitReport
from workers.limit_search.trial import Trial

_MORE = {
    Bound.FOUND: "",
    Bound.MAX_SESSIONS: ", and perhaps more: raise --up-to",
    Bound.BUDGET: ", and perhaps more: the budget allows no further trial",
}
"""What follows the largest number that holds."""


def trial_line(trial: Trial, diagnosis: Diagnosis) -> str:
    """What came of one trial."""
    mark = "✓" if trial.holds else "✗"
    parts = [result.sentence for result in trial.results if trial.load is not None]
    if diagnosis.evidence:
        parts.append(f"{diagnosis.side.value}: {diagnosis.evidence[0]}")
    return f"{mark} {format_count(trial.sessions, 'session')}: {'; '.join(parts)}"


def report_lines(report: LimitReport) -> list[str]:
    """The result in words."""
    lines = [""]
    if report.limit:
        count = format_count(report.limit, "session")
        verb = "holds" if report.limit == 1 else "hold"
        lines.append(f"{count} {verb}{_MORE[report.bound]}.")
    elif report.trials:
        lines.append("Not even one session holds.")
    else:
        lines.append("The budget allows no trial.")
    diagnosis = report.diagnosis
    if report.first_failing is not None and diagnosis.side is not Side.NONE:
        count = format_count(report.first_failing, "session")
        lines.append(f"At {count}, what gave in: {diagnosis.side.value}.")
        lines += [f"  · {sentence}" for sentence in diagnosis.evidence]
    hours = report.open_seconds / 3600
    lines.append(f"{format_count(len(report.trials), 'trial')}, sockets open {hours:.2f} h in all.")
    return lines
