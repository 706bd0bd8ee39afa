"""Charts of a scored run, drawn by Matplotlib without a display."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.evaluation.job_score import JobScore
from workers.evaluation.metrics import Clock
from workers.evaluation.score import RunScore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_POINTS = 2000
"""How many points a line or a cloud has; more would not be seen."""

MAX_ECDF_PERCENT = 99.5
"""Where the axis of a distribution ends, so that one outlier does not hide the rest."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a chart, readable on the page's background."""

    text: str
    grid: str
    series: tuple[str, ...]


LIGHT_PALETTE = Palette("#1f2328", "#d0d7de", ("#0550ae", "#bc4c00", "#1a7f37", "#8250df"))
DARK_PALETTE = Palette("#e6edf3", "#30363d", ("#79c0ff", "#ffa657", "#7ee787", "#d2a8ff"))


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that can be drawn in any colours."""

    name: str
    title: str
    draw: Callable[["Axes", Palette, Sequence[JobScore]], None]


def run_charts(score: RunScore) -> list[Chart]:
    """The charts for which the run has data."""
    charts = []
    if any("emission" in job.latency.delays for job in score.jobs):
        charts.append(Chart("delays", "Delays of words and turns", _draw_delays))
        charts.append(Chart("time", "Emission of words over the recording", _draw_emission))
    if len({job.sessions for job in score.jobs if "eot" in job.latency.delays}) > 1:
        charts.append(Chart("load", "End of turn by sessions at once", _draw_load))
    if sum(job.alignment is not None for job in score.jobs) > 1:
        charts.append(Chart("wer", "Word error rates of recordings", _draw_error_rates))
    return charts


def render(chart: Chart, score: RunScore, palette: Palette, file_format: str) -> bytes:
    """Draws a chart of a run as ``svg`` or ``png``."""
    return draw(
        chart.title, lambda axes: chart.draw(axes, palette, score.jobs), palette, file_format
    )


def draw(
    title: str, draw_axes: Callable[["Axes"], None], palette: Palette, file_format: str
) -> bytes:
    """Draws a chart as ``svg`` or ``png``, with a transparent background."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_style(palette)):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title, loc="left")
        draw_axes(axes)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        buffer = io.BytesIO()
        # Without the date, the same chart is the same file.
        metadata = {"Date": None} if file_format == "svg" else None
        figure.savefig(buffer, format=file_format, transparent=True, dpi=200, metadata=metadata)
    return buffer.getvalue()


def _style(palette: Palette) -> Any:
    names = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(names, palette.text),
        "axes.grid": True,
        "grid.color": palette.grid,
        "font.size": 9,
        "legend.frameon": False,
        "svg.hashsalt": "paceline",
    }


def _samples(jobs: Sequence[JobScore], metric: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """The delays of all jobs by ``due``, in ms."""
    found = [
        job.latency.delays[metric].ms[Clock.DUE] for job in jobs if metric in job.latency.delays
    ]
    return np.concatenate([np.asarray(one) for one in found]) if found else np.empty(0)


def _draw_delays(axes: "Axes", palette: Palette, jobs: Sequence[JobScore]) -> None:
    ends = []
    names = ("emission", "stable", "final", "eot")
    for name, colour in zip(names, palette.series, strict=True):
        values = np.sort(_samples(jobs, name))
        if not len(values):
            continue
        shares = np.arange(1, len(values) + 1) / len(values) * 100
        kept = np.unique(np.linspace(0, len(values) - 1, MAX_POINTS).astype(int))
        axes.step(values[kept], shares[kept], where="post", color=colour, label=name)
        ends.append(np.percentile(values, MAX_ECDF_PERCENT))
    axes.set_xlim(right=max(ends) * 1.02)
    axes.set_xlabel("delay in ms, by due")
    axes.set_ylabel("share in %")
    axes.legend(loc="lower right")


def _draw_emission(axes: "Axes", palette: Palette, jobs: Sequence[JobScore]) -> None:
    delays = [job.latency.delays["emission"] for job in jobs if "emission" in job.latency.delays]
    at_s = np.concatenate([np.asarray(one.at_s) for one in delays])
    ms = np.concatenate([np.asarray(one.ms[Clock.DUE]) for one in delays])
    kept = np.random.default_rng(1).permutation(len(at_s))[:MAX_POINTS]
    axes.scatter(at_s[kept], ms[kept], s=6, alpha=0.5, color=palette.series[0], linewidths=0)
    axes.set_xlabel("end of the word in the recording, in s")
    axes.set_ylabel("emission in ms, by due")


def _draw_load(axes: "Axes", palette: Palette, jobs: Sequence[JobScore]) -> None:
    levels, found = [], []
    for level in sorted({job.sessions for job in jobs}):
        values = _samples([job for job in jobs if job.sessions == level], "eot")
        if len(values):
            levels.append(level)
            found.append(np.percentile(values, [50, 95], method="inverted_cdf"))
    for index, name in enumerate(("p50", "p95")):
        figures = [both[index] for both in found]
        axes.plot(levels, figures, marker="o", color=palette.series[index], label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("sessions at once")
    axes.set_ylabel("end of turn in ms, by due")
    axes.legend()


def _draw_error_rates(axes: "Axes", palette: Palette, jobs: Sequence[JobScore]) -> None:
    rates = [100 * job.words.rate for job in jobs if job.words.rate is not None]
    axes.hist(rates, bins=min(30, max(5, len(rates) // 3)), color=palette.series[0])
    axes.set_xlabel("word error rate in %")
    axes.set_ylabel("recordings")
