"""A found limit as a JSON object, for programs. Fields are only ever added."""

from dataclasses import asdict

from workers.limit_search.diagnosis import Diagnosis
from workers.limit_search.finder import LimitReport
from workers.limit_search.objectives import Objective, ObjectiveResult
from workers.limit_search.trial import Trial, TrialPlan
from workers.protocol.codec import Json, JsonObject

_SCHEMA_VERSION = 1


def limit_to_json(
    report: LimitReport, plan: TrialPlan, objectives: list[Objective], *, to: str
) -> JsonObject:
    """The JSON object of a report; ``to``: the name of the endpoint. Delays are in ms."""
    return {
        "version": _SCHEMA_VERSION,
        "to": to,
        "objectives": [objective.text for objective in objectives],
        "hold_seconds": plan.hold_s,
        "warm_up_seconds": plan.warm_up_s,
        "limit": report.limit,
        "first_failing": report.first_failing,
        "ended_by": report.bound.value,
        "gave_in": _diagnosis_to_json(report.diagnosis),
        "open_seconds": round(report.open_seconds, 1),
        "trials": [
            _trial_to_json(trial, diagnosis)
            for trial, diagnosis in zip(report.trials, report.diagnoses, strict=True)
        ],
    }


def _diagnosis_to_json(diagnosis: Diagnosis) -> JsonObject:
    return {"side": diagnosis.side.value, "evidence": list[Json](diagnosis.evidence)}


def _trial_to_json(trial: Trial, diagnosis: Diagnosis) -> JsonObject:
    return {
        "sessions": trial.sessions,
        "holds": trial.holds,
        "failure": None if trial.failure is None else trial.failure.value,
        "reason": trial.reason,
        "results": [
            _result_to_json(result, sent)
            for result, sent in zip(trial.results, trial.sent_results, strict=True)
        ],
        "pacing": {verdict.value: count for verdict, count in trial.verdicts.items()},
        "connect_p95_ms": trial.connect_p95_ms,
        "begin_p95_ms": trial.begin_p95_ms,
        "warnings": dict[str, Json](trial.warnings),
        "refusals": trial.refusals,
        "machine": None if trial.load is None else asdict(trial.load),
        "open_seconds": round(trial.open_seconds, 1),
        "gave_in": _diagnosis_to_json(diagnosis),
    }


def _result_to_json(result: ObjectiveResult, sent: ObjectiveResult) -> JsonObject:
    return {
        "objective": result.objective.text,
        "value": result.value,
        "by_sent": sent.value,
        "samples": result.samples,
        "holds": result.holds,
    }
