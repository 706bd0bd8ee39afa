"""How the object of a job in the index changes with the reports of its sessions."""

import time

from workers.jobs.events import Connecting, Ended, JobReport, Queued, Retrying, Slipped
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.job_summary import summary_of
from workers.protocol import codec
from workers.protocol.codec import JsonObject

RECORDED = (Queued, Connecting, Slipped, Retrying, Ended)
"""The events that change it."""

MAX_NOTED_SLIPS = 20
"""How many slips of an attempt are marked when the run is replayed."""


def record_report(
    job: JsonObject, state: JobState, report: JobReport, trace_bytes: int | None
) -> None:
    """Changes the object of a job after a report of one of the `RECORDED` events. ``state``: that
    of the job after it; ``trace_bytes``: the size of the attempt's trace, if it has ended."""
    match report.event:
        case Queued() as queued:
            job |= {"size": None, **job, **codec.dump(queued)}
        case Connecting():
            job["sha256"] = state.sha256
        case Ended() if state.sha256:  # of a file that was still being written, or has changed
            job["sha256"] = state.sha256
    _record_attempt(job, state, report, trace_bytes)
    if isinstance(report.event, Slipped):
        return
    retrying = isinstance(report.event, Retrying)  # after a refusal too, unlike `state.status`
    job["status"] = (JobStatus.RETRYING if retrying else state.status).value
    job["attempt"] = state.attempt
    if not isinstance(report.event, Queued):
        _record_ending(job, state)


def forget_words(job: JsonObject) -> None:
    """Removes the words of the last turn."""
    if isinstance(summary := job.get("summary"), dict):
        turns = summary["turns"]
        assert isinstance(turns, dict)
        turns["last_text"] = ""


def _record_attempt(
    job: JsonObject, state: JobState, report: JobReport, trace_bytes: int | None
) -> None:
    """Records when an attempt was, and what it left, so that nobody must read its trace."""
    traced, number = job.get("traced"), str(report.attempt)
    if not isinstance(traced, dict):  # missing, or damaged
        traced = job["traced"] = {}
    job.pop("summary", None)
    attempt = traced.get(number)
    match report.event:
        case Connecting():
            # The session's clock started when its first report, which this is, had the time 0.
            started_from = codec.dump(state.started_from)
            traced[number] = {"started": time.time() - report.t, "started_from": started_from}
        case Slipped() if isinstance(attempt, dict):
            slips = attempt.setdefault("slips_s", [])
            if isinstance(slips, list) and len(slips) < MAX_NOTED_SLIPS:
                slips.append(report.t)
        case Ended() if isinstance(attempt, dict) and state.has_started:
            attempt |= {"seconds": report.t, "bytes": trace_bytes}
            if (summary := summary_of(state)) is not None:
                job["summary"] = codec.dump(summary)
        case Retrying() if state.refusal is not None:  # its number is used again
            traced.pop(number, None)


def _record_ending(job: JsonObject, state: JobState) -> None:
    attempts, number = job.get("attempts"), str(state.attempt)
    if state.ended is None:  # drop the end of a refused or failed start
        job.pop("ended", None)
        if isinstance(attempts, dict):
            attempts.pop(number, None)
        return
    ended = job["ended"] = codec.dump(state.ended)
    if not isinstance(attempts, dict):  # missing, or damaged
        attempts = job["attempts"] = {}
    attempts[number] = ended
