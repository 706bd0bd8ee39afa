"""What ``paceline score`` prints: tables that are also valid Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tui.text.formats import at_speed, format_count
from tui.text.tables import table
from workers.evaluation.accuracy import Edit, ErrorCounts
from workers.evaluation.figures import (
    DelaySummary,
    GroupScore,
    Rate,
    by_recording,
    error_counts,
)
from workers.evaluation.job_score import JobScore, Mark
from workers.evaluation.metrics import METRICS
from workers.evaluation.score import ALL_JOBS, RunScore
from workers.evaluation.statistics import Distribution, Interval

MAX_SHOWN_CONFUSIONS = 10
MAX_LISTED = 20
"""How many recordings are named that are left out or have no reference."""

_MARKS = {Edit.SUBSTITUTION: "[{0}→{1}]", Edit.DELETION: "[-{0}]", Edit.INSERTION: "[+{1}]"}


def score_lines(score: RunScore, worst: int) -> Iterator[str]:
    """The lines of a scored run; ``worst``: the number of recordings whose errors are shown."""
    yield f"Run: {score.run}"
    yield from _environment_lines(score)
    yield from _reference_lines(score)
    yield from score_tables(score)
    yield from _error_lines(score, worst)
    yield ""
    yield from (f"! {warning}" for warning in score.warnings)


def score_tables(score: RunScore) -> Iterator[str]:
    """The figures of all recordings and of each group, with their definitions."""
    if len(score.groups) > 1:
        yield ""
        yield from _overview_lines(score.groups[1:])
    for group in score.groups:
        yield ""
        title = "All recordings" if group.name == ALL_JOBS else f"Group “{group.name}”"
        yield f"{title} ({format_count(group.files, 'recording')})"
        yield from _rate_lines(group, score.normaliser)
        yield from _delay_lines(group)


def _overview_lines(groups: Sequence[GroupScore]) -> Iterator[str]:
    """One row a group."""
    head = ("group", "files", "wer", "95 % interval", "ttft p50", "emission p50", "eot p95")
    rows = []
    for group in groups:
        rate, delays = group.rates.get("wer"), group.delays
        rows.append(
            (
                group.name or "–",
                str(group.files),
                _percent(rate.pooled) if rate else "–",
                _format_interval(rate.interval, 100, " %") if rate else "–",
                _ms(delays["ttft"].due.p50) if "ttft" in delays else "–",
                _ms(delays["emission"].due.p50) if "emission" in delays else "–",
                _ms(delays["eot"].due.p95) if "eot" in delays else "–",
            )
        )
    yield from table(head, rows).splitlines()


def _environment_lines(score: RunScore) -> Iterator[str]:
    header = score.header
    endpoint, settings = header.get("endpoint"), header.get("settings")
    versions, host = header.get("versions"), header.get("host")
    if isinstance(endpoint, dict):
        yield f"Endpoint: {endpoint.get('address')}"
    models = sorted({job.model for job in score.jobs})
    if isinstance(settings, dict):
        release, params = settings.get("release"), settings.get("params")
        chunk = "/".join(map(str, score.chunks_ms)) or settings.get("chunk_ms")
        extra = "" if score.speed == 1 else f", sent{at_speed(score.speed)}"
        extra += f", parameters {params}" if params else ""
        yield f"Model: {', '.join(models)}; chunks of {chunk} ms, released at the {release}{extra}"
    if isinstance(versions, dict) and isinstance(host, dict):
        machine = [host.get("system")]
        if (cores := host.get("cores")) is not None:
            machine.append(f"{cores} cores, load {host.get('load')} at the start")
        yield f"Program: paceline {versions.get('paceline')}, {', '.join(map(str, machine))}"
    yield pacing_line(score)


def _reference_lines(score: RunScore) -> Iterator[str]:
    recordings = [jobs[0] for jobs in by_recording(score.jobs).values()]
    matched = [job for job in recordings if job.reference is not None]
    yield f"References: {len(matched)} of {format_count(len(recordings), 'recording')}"
    for job in matched[:MAX_LISTED]:
        assert job.reference is not None
        yield f"  {job.name} ← {job.reference.origin}"
    if len(matched) > MAX_LISTED:
        yield f"  and {len(matched) - MAX_LISTED} more"
    if not matched:
        yield "Words are scored against reference texts: put talk.txt beside talk.wav, or name a"
        yield "folder, table or file with --references."
    yield from _list_lines(
        "No reference", [(str(file.path), "") for file in score.matches.unmatched if matched]
    )
    yield from _list_lines("Reference not used", [(one, "") for one in score.matches.unused])
    yield from _list_lines("Left out", score.left_out)
    yield from _list_lines("Invalid for latency", score.invalid)


def pacing_line(score: RunScore) -> str:
    """How many results have valid delays, and how late their chunks were."""
    held = len(score.jobs) - len(score.invalid)
    line = f"Pacing: held in {held} of {format_count(len(score.jobs), 'result')}"
    if (lag := score.groups[0].delays.get("pacing")) is not None:
        line += f", all chunks late by p50 {_ms(lag.due.p50)}, p99 {_ms(lag.due.p99)} ms"
    return line


def _list_lines(title: str, entries: list[tuple[str, str]]) -> Iterator[str]:
    for name, reason in entries[:MAX_LISTED]:
        yield f"{title}: {name}{f' ({reason})' if reason else ''}"
    if len(entries) > MAX_LISTED:
        yield f"{title}: {len(entries) - MAX_LISTED} more"


def _rate_lines(group: GroupScore, normaliser: str) -> Iterator[str]:
    if not group.rates:
        return
    head = (f"{normaliser}", "pooled", "95 % interval", "mean", "S", "D", "I", "of", "files")
    rows = [_rate_row(name, rate) for name, rate in group.rates.items()]
    yield from table(head, rows).splitlines()


def _rate_row(name: str, rate: Rate) -> tuple[str, ...]:
    counts = rate.counts
    if isinstance(counts, ErrorCounts):
        figures = counts.substitutions, counts.deletions, counts.insertions
        errors = tuple(str(figure) for figure in (*figures, counts.reference_length))
    else:
        whole = counts.recognised if name == "precision" else counts.said
        errors = ("", "", "", str(whole))
    interval = _format_interval(rate.interval, 100, " %")
    return (name, _percent(rate.pooled), interval, _percent(rate.mean), *errors, str(rate.files))


def _delay_lines(group: GroupScore) -> Iterator[str]:
    if not group.delays:
        return
    yield ""
    head = ("delay in ms", "n", "< 0", "p50", "95 % interval", "p90", "p95", "p99", "max", "mean")
    rows = []
    for name, delays in group.delays.items():
        rows.append(_delay_row(f"{name}, due", delays.due, delays))
        if delays.due != delays.sent:
            rows.append(_delay_row(f"{name}, sent", delays.sent, None))
    yield from table(head, rows).splitlines()
    if group.ratios:
        ratios = ", ".join(f"{name} {value:.3f}" for name, value in group.ratios.items())
        yield f"Stability of partials: {ratios}"
    if group.name == ALL_JOBS:
        yield ""
        for name in (*group.rates, *group.delays, *group.ratios):
            metric = METRICS[name]
            between = "from {0} to {1}" if metric.is_latency else "{0}, per {1}"
            yield f"  {name}: {between.format(metric.start, metric.stop)}"
        if group.rates:
            yield "  S, D, I: words or characters that were replaced, left out and added"


def _delay_row(name: str, found: Distribution, delays: DelaySummary | None) -> tuple[str, ...]:
    interval = _format_interval(delays.intervals.get("p50"), 1, "") if delays else ""
    tail = (_ms(found.p90), _ms(found.p95), _ms(found.p99), _ms(found.max), _ms(found.mean))
    return (name, str(found.n), str(found.negative), _ms(found.p50), interval, *tail)


def _error_lines(score: RunScore, worst: int) -> Iterator[str]:
    confusions = score.confusions.most_common(MAX_SHOWN_CONFUSIONS)
    if confusions:
        yield ""
        yield "Most frequent errors: " + ", ".join(
            f"{_MARKS[edit].format(said, recognised)} ×{count}"
            for (edit, said, recognised), count in confusions
        )
    missed = Counter(entity for job in score.jobs for entity in job.missed_entities)
    if missed:
        yield "Missed entities: " + ", ".join(
            f"{entity} ×{count}" for entity, count in missed.most_common(MAX_SHOWN_CONFUSIONS)
        )
    for jobs in worst_recordings(score)[:worst]:
        yield ""
        counts = error_counts(jobs, "wer")
        yield f"{jobs[0].name}: {_percent(counts.rate or 0.0)}{_of_results(jobs)}"
        yield f"  {marked_text(jobs[0])}"


def worst_recordings(score: RunScore) -> list[list[JobScore]]:
    """The results of each recording with errors, of the highest rate first, and each recording's
    own worst result first."""
    recordings = []
    for jobs in by_recording(score.jobs).values():
        results = [job for job in jobs if job.words.rate is not None]
        if any(job.words.errors for job in results):
            recordings.append(sorted(results, key=lambda job: -(job.words.rate or 0.0)))
    return sorted(recordings, key=lambda jobs: -(error_counts(jobs, "wer").rate or 0.0))


def _of_results(jobs: Sequence[JobScore]) -> str:
    if len(jobs) == 1:
        return ""
    group = f", {jobs[0].group}" if jobs[0].group else ""
    return f" in {len(jobs)} results; the worst{group} has {_percent(jobs[0].words.rate or 0.0)}"


def marked_text(job: JobScore) -> str:
    """The words of a reference with the errors marked: ``[said→recognised]``, ``[-missing]`` and
    ``[+added]``; and where errors have another reason: ``⟨continued at 12.0 s⟩``."""
    parts = []
    for step in job.marked_pairs():
        if isinstance(step, Mark):
            parts.append(f"⟨{step.text}⟩")
        else:
            edit, said, recognised = step
            parts.append(said if edit is Edit.HIT else _MARKS[edit].format(said, recognised))
    return " ".join(parts)


def _format_interval(interval: Interval | None, factor: float, unit: str) -> str:
    if interval is None:
        return "–"
    digits = 1 if factor == 1 else 2
    return f"{interval.low * factor:.{digits}f}–{interval.high * factor:.{digits}f}{unit}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
