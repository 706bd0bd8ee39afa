"""The chart of a search, drawn by Matplotlib without a display."""

from typing import TYPE_CHECKING

from workers.evaluation.report.charts import LIGHT_PALETTE, Palette, draw
from workers.limit_search.finder import LimitReport
from workers.limit_search.objectives import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def render_limit(report: LimitReport, objectives: list[Objective], file_format: str) -> bytes:
    """Draws every trial as ``svg`` or ``png``: its figures in % of their limits."""
    title = "1 session holds" if report.limit == 1 else f"{report.limit} sessions hold"
    return draw(
        title,
        lambda axes: _draw(axes, LIGHT_PALETTE, report, objectives),
        LIGHT_PALETTE,
        file_format,
    )


def _draw(axes: "Axes", palette: Palette, report: LimitReport, objectives: list[Objective]) -> None:
    from matplotlib.ticker import MaxNLocator

    for index, objective in enumerate(objectives):
        colour = palette.series[index % len(palette.series)]
        points = [
            (trial.sessions, 100 * share, trial.holds)
            for trial in report.trials
            if (share := trial.results[index].share) is not None
        ]
        for holds, filled in ((True, colour), (False, "none")):
            found = [(sessions, share) for sessions, share, held in points if held is holds]
            axes.scatter(
                [sessions for sessions, _ in found],
                [share for _, share in found],
                s=28,
                facecolors=filled,
                edgecolors=colour,
                label=objective.text if holds else None,
            )
    cut = [trial.sessions for trial in report.trials if trial.failure is not None]
    if cut:
        axes.scatter(cut, [100.0] * len(cut), marker="x", color=palette.text, label="ended early")
    axes.axhline(100, color=palette.text, linewidth=0.8)
    if report.limit:
        axes.axvline(report.limit, color=palette.text, linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    for axis in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        axis("{x:g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("sessions at once (open: the trial does not hold)")
    axes.set_ylabel("figure in % of its limit")
    axes.legend(loc="best")
