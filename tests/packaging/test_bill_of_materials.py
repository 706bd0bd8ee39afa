"""The bill of materials of an installation, its licences, and what is known against its parts."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.packaging import licences
from tests.packaging.conftest import RecordFigure
from tests.packaging.environments import (
    ROOT,
    STAGE,
    TOOLS,
    install,
    installed_mb,
    new_environment,
    requirement,
    run,
)

ACCEPTED = (
    *("0BSD", "Apache", "BSD", "CNRI", "HPND", "ISC", "MIT", "MPL-2.0", "PSF", "Python-2.0"),
    *("Python Software Foundation", "Unlicense", "Zlib"),
)
"""Licences, or beginnings of them, of which an installation may consist without a further look."""

LOOKED_AT = {
    "soxr": "LGPL",  # docs/licences.md says what follows
    "cycler": "matplotlib project",  # BSD-3-Clause; it states the text without a name
    "kiwisolver": "=====",  # BSD-3-Clause; it states the text below a heading
    "python-dateutil": "Dual License",  # Apache-2.0 and BSD-3-Clause
}
"""Packages under others, or that state theirs in another way, and what is in the bill for them."""


@pytest.fixture(scope="module")
def python(wheel: Path, record_figure: RecordFigure) -> Path:
    """An installation with every extra."""
    python = new_environment("all")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    install(python, requirement(wheel, *project["optional-dependencies"]))
    record_figure(f"installed with all extras: {installed_mb(python):.0f} MB")
    return python


@pytest.fixture(scope="module")
def bill(python: Path) -> Path:
    """The bill of materials, in CycloneDX's format."""
    path = STAGE / "paceline.cdx.json"
    run(
        *(TOOLS / "cyclonedx-py", "environment", python, "--pyproject", "pyproject.toml"),
        *("--output-reproducible", "--gather-license-texts", "--of", "JSON", "-o", path),
    )
    return path


def test_the_bill_names_every_installed_package(bill: Path, python: Path) -> None:
    document = json.loads(bill.read_text())
    listed = json.loads(
        run(TOOLS / "uv", "pip", "list", "--quiet", "--format", "json", "--python", python)
    )

    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "paceline"
    names = {canonicalize_name(each["name"]) for each in document["components"]}
    assert {each["name"] for each in listed} - {"paceline"} <= names


def test_the_list_of_licences_is_that_of_the_packages(bill: Path) -> None:
    """If not: ``python -m tests.packaging.licences .venv/packaged/paceline.cdx.json``."""
    found = licences.LIST.search(licences.PAGE.read_text())

    assert found is not None
    assert found[0] == licences.table(licences.read_licences(bill))


def test_every_licence_has_been_looked_at(bill: Path) -> None:
    """Also those of packages that others bring along."""
    stated = licences.read_licences(bill)

    def is_accepted(name: str) -> bool:
        words = (LOOKED_AT[name],) if name in LOOKED_AT else ACCEPTED
        return any(word in stated[name] for word in words)

    assert {name: stated[name] for name in stated if not is_accepted(name)} == {}


def test_no_vulnerability_is_known(bill: Path, python: Path, record_figure: RecordFigure) -> None:
    """pip-audit asks a database in the network; where none answers, that is said."""
    frozen = STAGE / "all.txt"
    listed = run(TOOLS / "uv", "pip", "freeze", "--quiet", "--python", python)
    frozen.write_text("".join(f"{line}\n" for line in listed.split("\n") if "==" in line))
    options = [
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--format",
        "json",
        "--timeout",
        "5",
    ]
    command = [str(TOOLS / "pip-audit"), "--requirement", str(frozen), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        audited = json.loads(done.stdout)["dependencies"]
    except (ValueError, subprocess.TimeoutExpired):
        audited = []
    answers = [each for each in audited if "vulns" in each]
    if not answers:
        record_figure("vulnerabilities: not looked up, as no database answers from here")
        pytest.skip("no database of vulnerabilities answers")
    record_figure(f"vulnerabilities: looked up for {len(answers)} of {len(audited)} packages")
    known = {each["name"]: [one["id"] for one in each["vulns"]] for each in answers}
    assert {name: ids for name, ids in known.items() if ids} == {}
