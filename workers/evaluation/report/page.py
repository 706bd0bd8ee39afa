"""Assembles the page: one HTML file with its style, its script, its pictures and its data.

The page may load nothing but audio files beside it: its policy allows only this style and this
script, by their hashes. Every text that is not ours is escaped, or set as text by the script.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from workers.evaluation.accuracy import Edit
from workers.evaluation.attempt_log import common_prefix
from workers.evaluation.figures import GroupScore
from workers.evaluation.gate import format_value
from workers.evaluation.job_score import JobScore
from workers.evaluation.metrics import METRICS, Clock
from workers.evaluation.report.charts import DARK_PALETTE, LIGHT_PALETTE, render, run_charts
from workers.evaluation.report.file_pages import FilePage, Message, read_file_pages
from workers.evaluation.score import ALL_JOBS, RunScore
from workers.evaluation.statistics import Interval, summarise
from workers.protocol.codec import Json, JsonObject

_COLUMNS = (
    ("recording", "recording", False),
    ("group", "group", False),
    ("model", "model", False),
    ("words", "words", True),
    ("wer", "WER %", True),
    ("cer", "CER %", True),
    ("ttft", "first partial ms", True),
    ("emission", "emission p50 ms", True),
    ("eot", "end of turn p95 ms", True),
    ("sessions", "sessions at once", True),
)
"""Key, heading, and whether it is a number, of each column of the table of recordings."""

_ENVIRONMENT = ("started", "endpoint", "settings", "limits", "versions", "host")


def report_page(folder: Path, score: RunScore, calibration: str = "") -> str:
    """The text of the page. ``folder``: where it will lie; ``calibration``: a sentence about the
    tool's own error."""
    pages = list(read_file_pages(score.run, score.jobs))
    assets = files("workers.evaluation.report")
    style = assets.joinpath("report.css").read_text()
    script = assets.joinpath("report.js").read_text()
    policy = (
        "default-src 'none'; img-src data:; media-src 'self' file:; base-uri 'none'; "
        f"form-action 'none'; style-src {_hash(style)}; script-src {_hash(script)}"
    )
    data: JsonObject = {
        "columns": [{"key": key, "numeric": numeric} for key, _, numeric in _COLUMNS],
        "files": [
            _file_data(folder, job, page) for job, page in zip(score.jobs, pages, strict=True)
        ],
    }
    # Inside a script element only "</" and "<!--" are special.
    encoded = json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    parts = [
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(score.run.name)} · Paceline</title>",
        f"<style>{style}</style>",
        f"<h1>{escape(score.run.name)}</h1>",
        *_environment(score, calibration),
        *(f'<p class="warning">{escape(text)}</p>' for text in score.warnings),
        *_overview(score.groups[1:]),
        *(part for group in score.groups for part in _group(group)),
        *_charts(score),
        *_lists(score),
        *_file_table(data["files"]),
        '<main id="page"></main>',
        f'<script type="application/json" id="data">{encoded}</script>',
        f"<script>{script}</script>\n</html>\n",
    ]
    return "\n".join(parts)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _environment(score: RunScore, calibration: str) -> Iterable[str]:
    yield "<dl>"
    yield f"<dt>normaliser</dt><dd>{escape(score.normaliser)}</dd>"
    for key in _ENVIRONMENT:
        if (value := score.header.get(key)) is not None:
            yield f"<dt>{key}</dt><dd>{escape(_one_line(value))}</dd>"
    held = sum(not job.latency.invalid for job in score.jobs)
    yield f"<dt>pacing</dt><dd>held for {held} of {len(score.jobs)} recordings</dd>"
    if calibration:
        yield f"<dt>own error</dt><dd>{escape(calibration)}</dd>"
    yield "</dl>"


def _one_line(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_one_line(one)}" for key, one in value.items() if one)
    if isinstance(value, list):
        return " ".join(map(_one_line, value))
    return str(value)


def _overview(groups: Sequence[GroupScore]) -> Iterable[str]:
    """One row a group."""
    if not groups:
        return
    yield '<h2>Groups</h2><div class="scroll"><table><thead><tr><th>group</th><th>recordings</th>'
    yield "<th>WER</th><th>95 % interval</th><th>first partial p50 ms</th>"
    yield "<th>emission p50 ms</th><th>95 % interval</th><th>end of turn p95 ms</th></tr></thead>"
    yield "<tbody>"
    for group in groups:
        rate, emission = group.rates.get("wer"), group.delays.get("emission")
        first, end = group.delays.get("ttft"), group.delays.get("eot")
        cells = (
            str(group.files),
            f"{100 * rate.pooled:.2f} %" if rate else "–",
            _interval(rate.interval, 100, 2, " %") if rate else "–",
            _ms(first.due.p50 if first else None),
            _ms(emission.due.p50 if emission else None),
            _interval(emission.intervals.get("p50"), 1, 0) if emission else "–",
            _ms(end.due.p95 if end else None),
        )
        figures = "".join(f"<td>{cell}</td>" for cell in cells)
        yield f"<tr><td>{escape(group.name or '–')}</td>{figures}</tr>"
    yield "</tbody></table></div>"


def _interval(interval: Interval | None, factor: float, digits: int, unit: str = "") -> str:
    if interval is None:
        return "–"
    return f"{interval.low * factor:.{digits}f}–{interval.high * factor:.{digits}f}{unit}"


def _group(group: GroupScore) -> Iterable[str]:
    """The figures of a group; those of all recordings with their definitions."""
    is_whole = group.name == ALL_JOBS
    title = "All recordings" if is_whole else f"Group “{group.name}”"
    head = '<th class="left">definition</th>' if is_whole else ""
    yield f"<h2>{escape(title)} ({group.files})</h2>"
    if group.rates:
        yield '<div class="scroll"><table><thead><tr><th>rate</th><th>pooled</th>'
        yield f"<th>95 % interval</th><th>mean</th><th>recordings</th>{head}</tr></thead><tbody>"
        for name, rate in group.rates.items():
            metric = METRICS[name]
            definition = f"{escape(metric.start)}, per {escape(metric.stop)}"
            yield (
                f"<tr><td>{name}</td><td>{format_value(metric, rate.pooled)}</td>"
                f"<td>{_interval(rate.interval, 100, 2, ' %')}</td>"
                f"<td>{format_value(metric, rate.mean)}</td><td>{rate.files}</td>"
                f"{_definition(definition, is_whole)}</tr>"
            )
        yield "</tbody></table></div>"
    if group.delays:
        yield '<div class="scroll"><table><thead><tr><th>delay in ms, by due</th><th>n</th>'
        yield "<th>&lt; 0</th><th>p50</th><th>95 % interval</th><th>p90</th><th>p95</th>"
        yield f"<th>p99</th><th>max</th>{head}</tr></thead><tbody>"
        for name, delays in group.delays.items():
            metric, found = METRICS[name], delays.due
            definition = f"from {escape(metric.start)} to {escape(metric.stop)}"
            cells = (found.p90, found.p95, found.p99, found.max)
            figures = "".join(f"<td>{_ms(value)}</td>" for value in cells)
            yield (
                f"<tr><td>{name}</td><td>{found.n}</td><td>{found.negative}</td>"
                f"<td>{_ms(found.p50)}</td><td>{_interval(delays.intervals.get('p50'), 1, 0)}</td>"
                f"{figures}{_definition(definition, is_whole)}</tr>"
            )
        yield "</tbody></table></div>"
    if group.ratios:
        ratios = ", ".join(f"{name} {value:.3f}" for name, value in group.ratios.items())
        yield f'<p class="muted">Stability of partials: {ratios}</p>'


def _definition(text: str, is_shown: bool) -> str:
    return f'<td class="left wrap">{text}</td>' if is_shown else ""


def _charts(score: RunScore) -> Iterable[str]:
    yield '<div class="charts">'
    for chart in run_charts(score):
        light, dark = (
            _data_url(render(chart, score, one, "svg")) for one in (LIGHT_PALETTE, DARK_PALETTE)
        )
        yield (
            '<figure><picture><source media="(prefers-color-scheme: dark)" '
            f'srcset="{dark}"><img alt="{escape(chart.title)}" src="{light}"></picture></figure>'
        )
    yield "</div>"


def _data_url(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _lists(score: RunScore) -> Iterable[str]:
    """What does not count, folded up: each list may be as long as the run."""
    lists = {
        "Invalid for latency": score.invalid,
        "Left out": score.left_out,
        "No reference": [(str(file.path), "") for file in score.matches.unmatched],
    }
    for title, entries in lists.items():
        if entries:
            yield f"<details><summary>{title}: {len(entries)}</summary>"
            for name, reason in entries:
                text = f"{name} ({reason})" if reason else name
                yield f'<p class="muted">{escape(text)}</p>'
            yield "</details>"


def _file_table(rows: Json) -> Iterable[str]:
    assert isinstance(rows, list)
    yield '<h2>Recordings <span id="count" class="muted"></span></h2>'
    yield (
        '<input id="search" class="screen" type="search" aria-label="Filter recordings" '
        'placeholder="filter: words of a name, invalid, wer&gt;10, eot&gt;900">'
    )
    yield '<div class="scroll"><table id="files"><thead><tr>'
    yield "".join(
        f'<th{"" if numeric else " class=left"} aria-sort="none"><button>{heading}</button></th>'
        for _, heading, numeric in _COLUMNS
    )
    yield "</tr></thead><tbody>"
    for index, row in enumerate(rows):
        assert isinstance(row, dict)
        assert isinstance(row["cells"], list)
        name, *others = row["cells"]
        cells = "".join(
            f"<td{'' if numeric else ' class=left'}>{_cell(value)}</td>"
            for value, (_, _, numeric) in zip(others, _COLUMNS[1:], strict=True)
        )
        valid = "" if row["valid"] else ' class="invalid"'
        link = f'<a href="#file-{index}">{escape(str(name))}</a>'
        yield f'<tr data-file="{index}"{valid}><td class="wrap">{link}</td>{cells}</tr>'
    yield "</tbody></table></div>"


def _cell(value: Json) -> str:
    if value is None:
        return "–"
    return escape(f"{value:.1f}" if isinstance(value, float) else str(value))


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


# --- the data of one recording -------------------------------------------------------------------


def _file_data(folder: Path, job: JobScore, page: FilePage) -> JsonObject:
    last_ms = max((message.position_ms for message in page.messages), default=0)
    warnings = [
        *(f"Invalid for latency: {reason}" for reason in job.latency.invalid),
        *(f"Resumed at {at:.1f} s by another attempt" for at in page.resumed_at_s),
        *job.warnings,
    ]
    return {
        "name": job.name,
        "cells": _cells(job),
        "search": f"{job.name} {job.group} {job.model}".lower(),
        "valid": not job.latency.invalid,
        "warnings": list[Json](warnings),
        "seconds": job.seconds,
        "lastMs": max(last_ms, round(job.seconds * 1000)),
        "speakers": list[Json](job.speakers),
        "messages": list[Json](_shortened(page.messages)),
        "marks": [[mark.at_s, mark.kind.value, mark.text] for mark in job.marks],
        "tolerance": max((one.tolerance_ms for one in job.latency.certificates), default=0.0),
        "waveform": page.waveform,
        "lags": list[Json](page.lags_ms),
        "audio": _audio_address(folder, job.file.path),
        "alignment": None if job.alignment is None else list[Json](_alignment_data(job)),
    }


def _shortened(messages: Iterable[Message]) -> Iterator[Json]:
    """Each message as time, turn, whether it is final, how many characters are those of the one
    before about the same turn, the others, and speaker."""
    before: dict[tuple[int, int], str] = {}
    for one in messages:
        key = one.speaker, one.turn
        kept = common_prefix(before.get(key, ""), one.text)
        before[key] = one.text
        # JavaScript counts a character outside the Unicode plane 0 as two.
        units = len(one.text[:kept].encode("utf-16-le", "surrogatepass")) // 2
        yield [one.position_ms, one.turn, one.is_final, units, one.text[kept:], one.speaker]


def _alignment_data(job: JobScore) -> Iterator[Json]:
    """Texts without an error, errors as kind and both words, and marks as ``mark`` and text."""
    correct: list[str] = []
    for step in (*job.marked_pairs(), None):
        if isinstance(step, tuple) and step[0] is Edit.HIT:
            correct.append(step[1])
            continue
        if correct:
            yield " ".join(correct)
            correct.clear()
        if isinstance(step, tuple):
            edit, said, heard = step
            yield [edit.value, said, heard]
        elif step is not None:
            yield ["mark", step.text]


def _cells(job: JobScore) -> list[Json]:
    wer, cer = job.words.rate, job.characters.rate
    return [
        job.name,
        job.group,
        job.model,
        job.words.reference_length if job.alignment is not None else None,
        None if wer is None else 100 * wer,
        None if cer is None else 100 * cer,
        _figure(job, "ttft", "p50"),
        _figure(job, "emission", "p50"),
        _figure(job, "eot", "p95"),
        job.sessions,
    ]


def _figure(job: JobScore, metric: str, stat: str) -> float | None:
    """A figure of one recording; p95 with few samples is their maximum."""
    delays = job.latency.delays.get(metric)
    found = summarise(delays.ms[Clock.DUE]) if delays is not None else None
    if found is None:
        return None
    value: float | None = getattr(found, stat)
    return found.max if value is None else value


def _audio_address(folder: Path, recording: Path) -> str | None:
    """The recording's address relative to the report; None if it is not there any more."""
    if not recording.is_file():
        return None
    try:
        return quote(os.path.relpath(recording, folder.absolute()))
    except ValueError:  # on another drive
        return None
