"""The chart and the JSON object of a search."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.unit.limit_search.test_diagnosis import EOT, PACING, found, trial
from workers.limit_search.document import limit_to_json
from workers.limit_search.finder import Bound, LimitReport
from workers.limit_search.trial import TrialPlan

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "find-limit.schema.json"
TRIALS = (trial(sessions=1), trial(sessions=2), trial(eot=1800.0, sessions=4))
REPORT = LimitReport(2, 4, Bound.FOUND, TRIALS, tuple(map(found, TRIALS)), 600.0)


def test_the_json_object_is_as_its_schema_says() -> None:
    """Every field is described, and none is missing."""
    document = limit_to_json(REPORT, TrialPlan(), [EOT, PACING], to="here")

    jsonschema.validate(json.loads(json.dumps(document)), json.loads(SCHEMA.read_text()))
    assert document["limit"] == 2
    assert REPORT.diagnosis.side.value == "service"


@pytest.mark.parametrize(("kind", "beginning"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
@pytest.mark.slow
def test_the_chart_is_drawn_without_a_display(kind: str, beginning: bytes) -> None:
    """As text that can be compared, or as a picture."""
    from workers.limit_search.chart import render_limit

    assert render_limit(REPORT, [EOT, PACING], kind).startswith(beginning)
