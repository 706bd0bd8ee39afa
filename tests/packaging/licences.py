"""Writes the list of packages and licences in docs/licences.md, from a bill of materials.

    python -m tests.packaging.licences .venv/packaged/paceline.cdx.json

`make package` makes that file, of an installation with every extra.
"""

import json
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.environments import ROOT

PAGE = ROOT / "docs" / "licences.md"
LIST = re.compile(r"(?<=<!-- packages -->\n).*(?=<!-- /packages -->)", re.DOTALL)
MAX_NAME_CHARS = 60
"""A longer text is that of a licence, whose name is in its first line."""


def direct_packages() -> dict[str, str]:
    """Each package that pyproject.toml names, and the extra that needs it; empty for none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    needed: dict[str, str] = {}
    for extra, lines in groups.items():
        for line in lines:
            needed.setdefault(canonicalize_name(Requirement(line).name), extra)
    needed.pop("paceline", None)
    return needed


def read_licences(bill: Path) -> dict[str, str]:
    """The licence of each package in a CycloneDX file, as the package itself states it."""
    components = json.loads(bill.read_text())["components"]
    return {canonicalize_name(each["name"]): _licence(each) for each in components}


def table(licences: Mapping[str, str]) -> str:
    """The list in Markdown. Packages that this platform does not need are not in it."""
    rows = [
        f"| {name} | {licences[name]} | {f'`{extra}`' if extra else ''} |\n"
        for name, extra in sorted(direct_packages().items())
        if name in licences
    ]
    return "\n| package | licence | extra |\n|---|---|---|\n" + "".join(rows) + "\n"


def _licence(component: Mapping[str, Any]) -> str:
    declared = component.get("licenses", [])
    names = [each["expression"] for each in declared if "expression" in each]
    licences = [each["license"] for each in declared if "license" in each]
    names += [each["id"] for each in licences if "id" in each]
    texts = [each["text"]["content"] for each in licences if _is_plain(each.get("text"))]
    names = names or [text.splitlines()[0] for text in texts if text]
    names = names or [each["name"].rpartition(":: ")[2] for each in licences if "name" in each]
    return names[0][:MAX_NAME_CHARS] if names else "not stated"


def _is_plain(text: Mapping[str, str] | None) -> bool:
    return text is not None and "encoding" not in text


def main() -> None:
    licences = read_licences(Path(sys.argv[1]))
    PAGE.write_text(LIST.sub(lambda _: table(licences), PAGE.read_text()))


if __name__ == "__main__":
    main()
