"""Scores as a JSON object, for programs. Fields are only ever added.

Rates are shares (0.05 is 5 %), delays are in ms. ``definitions`` says for each metric from which
event to which it is measured.
"""

from collections import Counter

from workers.evaluation.accuracy import ErrorCounts
from workers.evaluation.comparison import Comparison
from workers.evaluation.figures import DelaySummary, GroupScore, Rate
from workers.evaluation.gate import GateResult
from workers.evaluation.job_score import JobScore
from workers.evaluation.metrics import METRICS, Clock
from workers.evaluation.score import RunScore
from workers.evaluation.statistics import CONFIDENCE, RESAMPLES, SEED, summarise
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject

SCHEMA_VERSION = 1

MAX_CONFUSIONS = 100
"""How many of the most frequent errors are listed."""


def score_to_json(score: RunScore, gate: list[GateResult]) -> JsonObject:
    """The JSON object of a scored run."""
    return {
        "version": SCHEMA_VERSION,
        "run": str(score.run),
        "environment": {key: score.header.get(key) for key in _ENVIRONMENT_KEYS},
        "normaliser": score.normaliser,
        "bootstrap": _BOOTSTRAP,
        "percentiles": "nearest rank",
        "definitions": {
            metric.name: {"unit": metric.unit.value, "start": metric.start, "stop": metric.stop}
            for metric in METRICS.values()
        },
        "warnings": list[Json](score.warnings),
        "left_out": [{"file": file, "reason": reason} for file, reason in score.left_out],
        "invalid": [{"file": file, "reason": reason} for file, reason in score.invalid],
        "without_reference": [str(file.path) for file in score.matches.unmatched],
        "unused_references": list[Json](score.matches.unused),
        "groups": [_group_to_json(group) for group in score.groups],
        "jobs": [_job_to_json(job) for job in score.jobs],
        "confusions": [
            {"edit": edit.value, "reference": said, "hypothesis": recognised, "count": count}
            for (edit, said, recognised), count in score.confusions.most_common(MAX_CONFUSIONS)
        ],
        "gate": _gate_to_json(gate),
    }


def comparisons_to_json(comparisons: list[Comparison], gate: list[GateResult]) -> JsonObject:
    """The JSON object of runs compared with the first one."""
    return {
        "version": SCHEMA_VERSION,
        "first": str(comparisons[0].first.run),
        "normaliser": comparisons[0].first.normaliser,
        "bootstrap": _BOOTSTRAP,
        "comparisons": [_comparison_to_json(one) for one in comparisons],
        "gate": _gate_to_json(gate),
    }


def _comparison_to_json(comparison: Comparison) -> JsonObject:
    return {
        "run": str(comparison.second.run),
        "recordings": len(comparison.common),
        "metrics": {
            metric.name: {
                "unit": metric.unit.value,
                "first": metric.first,
                "second": metric.second,
                "difference": codec.dump(metric.difference) if metric.difference else None,
            }
            for metric in comparison.metrics
        },
        "wins": {
            "first": comparison.first_wins,
            "second": comparison.second_wins,
            "equal": comparison.ties,
        },
        "only_second_recognised": _words_to_json(comparison.fixed),
        "only_first_recognised": _words_to_json(comparison.broken),
        "warnings": list[Json](comparison.warnings),
    }


def _words_to_json(words: Counter[tuple[str, str]]) -> list[Json]:
    return [
        {"said": said, "instead": other, "count": count}
        for (said, other), count in words.most_common(MAX_CONFUSIONS)
    ]


def _gate_to_json(gate: list[GateResult]) -> list[Json]:
    return [
        {"threshold": result.threshold.text, "value": result.value, "breached": result.breached}
        for result in gate
    ]


_BOOTSTRAP: JsonObject = {
    "over": "files",
    "resamples": RESAMPLES,
    "seed": SEED,
    "confidence": CONFIDENCE,
}

_ENVIRONMENT_KEYS = ("started", "endpoint", "settings", "limits", "versions", "host")


def _group_to_json(group: GroupScore) -> JsonObject:
    return {
        "name": group.name,
        "files": group.files,
        "rates": {name: _rate_to_json(rate) for name, rate in group.rates.items()},
        "delays": {name: _delays_to_json(delays) for name, delays in group.delays.items()},
        "ratios": dict[str, Json](group.ratios),
    }


def _rate_to_json(rate: Rate) -> JsonObject:
    interval = codec.dump(rate.interval) if rate.interval else None
    counts = codec.dump(rate.counts)
    return {
        "pooled": rate.pooled,
        "mean": rate.mean,
        "interval": interval,
        "files": rate.files,
        **counts,
    }


def _delays_to_json(delays: DelaySummary) -> JsonObject:
    return {
        "due": codec.dump(delays.due),
        "sent": codec.dump(delays.sent),
        "intervals": {name: codec.dump(interval) for name, interval in delays.intervals.items()},
    }


def _job_to_json(job: JobScore) -> JsonObject:
    record: JsonObject = {
        "job": job.job,
        "file": job.name,
        "group": job.group,
        "sessions_at_once": job.sessions,
        "model": job.model,
        "reference": job.reference.origin if job.reference else None,
        "valid_for_latency": not job.latency.invalid,
        "delays": {
            name: codec.dump(summary)
            for name, found in job.latency.delays.items()
            if (summary := summarise(found.ms[Clock.DUE])) is not None
        },
        "word_times": "reference" if job.latency.has_reference_times else "server",
    }
    if job.speaker_words.rate is not None:
        record["cpwer"] = _counts_to_json(job.speaker_words)
    if job.alignment is not None:
        record |= {
            "wer": _counts_to_json(job.words),
            "cer": _counts_to_json(job.characters),
            "fwer": _counts_to_json(job.formatted_words),
            "missed_entities": list[Json](job.missed_entities),
            "marks": [
                {
                    "kind": mark.kind.value,
                    "at_seconds": mark.at_s,
                    "missing_seconds": mark.missing_s,
                    "before_word": mark.hypothesis,
                }
                for mark in job.marks
            ],
            "alignment": [
                [edit.value, said, recognised] for edit, said, recognised in job.alignment.errors()
            ],
        }
    return record


def _counts_to_json(counts: ErrorCounts) -> JsonObject:
    return {"rate": counts.rate, **codec.dump(counts)}
