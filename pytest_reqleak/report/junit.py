"""Runs in the words of JUnit: properties of a test, or a whole XML file of the command's runs.

The file obeys the schema `xunit2` of pytest and Jenkins. Under pytest, its own
`--junitxml` writes the file, and the properties travel with the test's report.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import wording
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.terminal import growth_message

# What XML 1.0 cannot hold, even escaped; `printable` leaves none of it but in odd planes.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def properties_of(run: Run, *, number: int = 1) -> list[tuple[str, str]]:
    """The figures of a run as names and values.

    Args:
        run: Of a test.
        number: 1 for the test's first run, 2 for its second: `reqleak_2_verdict`.
    """
    prefix = "reqleak" if number == 1 else f"reqleak_{number}"
    found = {
        "verdict": str(run.verdict),
        "bytes_per_iteration": f"{run.bytes_per_iteration:.6g}",
        "blocks_per_iteration": f"{run.blocks_per_iteration:.6g}",
        "iterations": str(run.iterations),
        "reason": run.reason,
    }
    if run.target != run.test:
        found["target"] = run.target
    if run.classification:
        found["classification"] = ", ".join(map(str, run.classification))
    if run.verdict is not Verdict.CLEAN:
        sites = wording.telling_sites(run)
        if sites and sites[0].frames:
            found["site"] = wording.site_text(sites[0])
        if run.holders:
            found["holder"] = run.holders[0].path
    if run.baseline is not None:
        found["baseline"] = f"{run.baseline.standing}: {run.baseline.text}"
    return [(f"{prefix}_{name}", _xml(value)) for name, value in found.items()]


def junit_report(runs: Sequence[Run]) -> str:
    """Render runs as one test suite with a test case per run; a leak is a failure."""
    failures = sum(_fails(run) for run in runs)
    seconds = sum(sum(run.seconds.values()) for run in runs)
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name="reqleak",
        errors="0",
        failures=str(failures),
        skipped="0",
        tests=str(len(runs)),
        time=f"{seconds:.3f}",
    )
    for run in runs:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_xml(run.target) or "app",
            name=_xml(run.test or ", ".join(run.requests)) or "app",
            time=f"{sum(run.seconds.values()):.3f}",
        )
        listed = ElementTree.SubElement(case, "properties")
        for name, value in properties_of(run):
            ElementTree.SubElement(listed, "property", name=name, value=value)
        if _fails(run):
            told = growth_message(run)
            failure = ElementTree.SubElement(case, "failure", message=_xml(told.partition("\n")[0]))
            failure.text = _xml(told, lines=True)
        elif run.verdict is not Verdict.CLEAN:
            ElementTree.SubElement(case, "system-out").text = _xml(growth_message(run), lines=True)
    ElementTree.indent(suites)
    body = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _fails(run: Run) -> bool:
    return run.verdict is Verdict.LEAK and not run.is_accepted


def _xml(text: str, *, lines: bool = False) -> str:
    shown = "\n".join(map(printable, text.split("\n"))) if lines else printable(text)
    return _NO_XML.sub("\ufffd", shown)
