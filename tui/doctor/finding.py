"""What a check has found, and what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from workers.protocol.codec import Json, JsonObject

DOCTOR_VERSION = 1


class Topic(Enum):
    """What a check is about; the order in which they are shown."""

    SOFTWARE = "software"
    RECORDINGS = "recordings"
    MACHINE = "machine"
    TERMINAL = "terminal"
    ENDPOINT = "endpoint"
    SETTINGS = "settings"
    PRIVACY = "privacy"


class State(Enum):
    """What a finding means for the main job: to stream recordings."""

    OK = "ok"
    MISSING = "missing"  # a part that nobody needs for it
    WARNING = "warning"  # it works, but not as it should
    FAILED = "failed"  # it cannot work


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    topic: Topic
    name: str
    """What was checked, in a word or two; stable, so that programs can look for it."""
    state: State
    summary: str
    remedy: str = ""
    """What mends it, a command if there is one; empty if nothing is to be done."""
    values: Mapping[str, Json] = field(default_factory=dict)
    """What was measured or found, for programs."""


def is_fit(findings: Iterable[Finding]) -> bool:
    """Whether the main job can run."""
    return all(finding.state is not State.FAILED for finding in findings)


def findings_to_json(findings: Iterable[Finding]) -> JsonObject:
    """The report as docs/schemas/doctor.schema.json describes it."""
    found = list(findings)
    checks: list[Json] = [
        {
            "topic": finding.topic.value,
            "name": finding.name,
            "state": finding.state.value,
            "summary": finding.summary,
            "remedy": finding.remedy,
            "values": dict(finding.values),
        }
        for finding in found
    ]
    return {"version": DOCTOR_VERSION, "ok": is_fit(found), "checks": checks}
