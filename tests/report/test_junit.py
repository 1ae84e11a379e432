from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from run_strategies import runs
from sample_runs import EVERY_RUN, clean_run, inconclusive_run, known_run, pydantic_run

from pytest_reqleak.report.junit import junit_report, properties_of

# Of the schema `xunit2` (pytest's and Jenkins'): the attributes and children of each element.
RULES: dict[str, tuple[set[str], set[str], set[str]]] = {
    # element: required attributes, further attributes, children
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname"},
        {"testcase"},
    ),
    "testcase": (
        {"classname", "name"},
        {"time"},
        {"properties", "failure", "error", "skipped", "system-out"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "failure": (set(), {"message", "type"}, set()),
    "system-out": (set(), set(), set()),
}


def read(*some: Any) -> ElementTree.Element:
    root = ElementTree.fromstring(junit_report(some))
    assert "testsuites" == root.tag
    for element in root.iter():
        required, further, children = RULES[element.tag]
        assert required <= set(element.attrib) <= required | further
        assert {child.tag for child in element} <= children
    return root


def properties(case: ElementTree.Element) -> dict[str, str]:
    return {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}


@pytest.mark.parametrize("name", EVERY_RUN)
def test_every_run_makes_a_file_of_the_schema(name: str) -> None:
    read(EVERY_RUN[name](), clean_run())


@given(run=runs)
@settings(max_examples=60)
def test_any_run_the_model_allows_makes_a_file_of_the_schema(run: Any) -> None:
    read(run)


def test_a_leak_is_a_failure_with_its_figures() -> None:
    root = read(pydantic_run(), clean_run())

    leaky, clean = root.iter("testcase")
    assert ["2", "1"] == [root[0].attrib["tests"], root[0].attrib["failures"]]
    assert (
        "each request leaves 553 B (6.0 blocks) behind: shop/orders.py:11 in keep"
        in (
            leaky.find("failure").attrib["message"]  # type: ignore[union-attr]
        )
    )
    assert "RECENT.append(Order(**fields))" in str(leaky.findtext("failure"))
    assert {
        "reqleak_verdict": "leak",
        "reqleak_bytes_per_iteration": "553.2",
        "reqleak_site": "shop/orders.py:11 in keep (pydantic model)",
        "reqleak_holder": "shop.orders.RECENT",
    }.items() <= properties(leaky).items()
    assert clean.find("failure") is None
    assert "clean" == properties(clean)["reqleak_verdict"]


@pytest.mark.parametrize("make", [known_run, inconclusive_run])
def test_what_does_not_fail_is_told_all_the_same(make: Any) -> None:
    (case,) = read(make()).iter("testcase")

    assert case.find("failure") is None
    assert "behind" in str(case.findtext("system-out"))


def test_a_known_leak_says_what_the_baseline_knows() -> None:
    found = dict(properties_of(known_run()))

    assert "known: 553 B/request, as known (553 B/request, tolerance 20 %)" == found["reqleak_baseline"]


def test_the_second_run_of_a_test_has_names_of_its_own() -> None:
    first, second = dict(properties_of(clean_run())), dict(properties_of(clean_run(), number=2))

    assert "reqleak_2_verdict" in second
    assert not set(first) & set(second)


def test_the_target_of_a_body_is_the_test_itself() -> None:
    own = replace(clean_run(), target="test_a.py::test_a", test="test_a.py::test_a", requests=())

    assert "reqleak_target" not in dict(properties_of(own))
