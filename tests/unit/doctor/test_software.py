"""What doctor says of Python, packages and the recogniser."""

import tomllib
from pathlib import Path

import pytest

from tui.doctor.finding import Finding, State
from tui.doctor.software import EXTRAS, check_software

ROOT = Path(__file__).parents[3]


def findings(*, needs_recogniser: bool = True) -> dict[str, Finding]:
    return {each.name: each for each in check_software(needs_recogniser=needs_recogniser)}


def test_python_and_packages_have_versions() -> None:
    """Of each package that Paceline cannot do without."""
    found = findings()

    assert found["python"].state is State.OK
    assert found["packages"].state is State.OK
    assert {"paceline", "numpy", "textual", "websocket-client"} <= found["packages"].values.keys()
    assert "keyring" not in found["packages"].values


def test_every_extra_is_known() -> None:
    """And is installed with the command that is shown."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = findings()

    assert {*EXTRAS, "local"} == {*project["optional-dependencies"]}
    for extra in EXTRAS:
        finding = found[f"extra {extra}"]
        assert finding.state is State.OK or f"'paceline[{extra}]'" in finding.remedy


@pytest.mark.engine
def test_the_recogniser_is_there_with_its_weights() -> None:
    """Without loading it."""
    recogniser = findings()["recogniser"]

    assert recogniser.state is State.OK
    assert isinstance(size := recogniser.values["weights_bytes"], int)
    assert size > 40_000_000
