"""``paceline doctor`` from end to end, without a terminal."""

import json

import pytest
from click.testing import CliRunner

from tests.support.schemas import validate_document
from tui.cli.registry import paceline
from tui.doctor.finding import Topic

KEY = "0123456789abcdef0123456789abcdef"


def test_the_report_names_everything_and_never_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON that its schema describes; an endpoint that does not answer ends it with 1."""
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", KEY)
    result = CliRunner().invoke(
        paceline, ["doctor", "--json", "--connect", "--endpoint", "ws://127.0.0.1:9"]
    )
    document = json.loads(result.stdout)
    validate_document("doctor", document)
    states = {check["name"]: check["state"] for check in document["checks"]}

    assert result.exit_code == 1
    assert KEY not in result.output
    assert document["ok"] is False
    assert states["connection"] == "failed"
    assert "session" not in states
    assert {check["topic"] for check in document["checks"]} == {topic.value for topic in Topic}
