"""Writes the results of a gate as JUnit XML, which CI services show."""

from pathlib import Path
from xml.etree import ElementTree

from workers import files
from workers.evaluation.gate import GateResult


def write_junit(path: Path, run: str, results: list[GateResult]) -> None:
    """Writes a test suite with one test a threshold; raises `OSError`."""
    failures = sum(result.breached for result in results)
    suite = ElementTree.Element(
        "testsuite", name=f"paceline {run}", tests=str(len(results)), failures=str(failures)
    )
    for result in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="paceline.score", name=result.threshold.text
        )
        if result.breached:
            ElementTree.SubElement(case, "failure", message=result.sentence)
    text = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    files.write_output(path, text)
