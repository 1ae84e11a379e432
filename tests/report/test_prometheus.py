from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from prometheus_client.parser import text_string_to_metric_families
from run_strategies import runs
from sample_runs import EVERY_RUN, hostile_run, inconclusive_run, known_run, pydantic_run

from pytest_reqleak.report.prometheus import prometheus_report


def read(*some: Any) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Values by metric and labels; a page with two values for one is refused, as Prometheus does."""
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(prometheus_report(some)):
        assert "gauge" == family.type
        assert family.documentation
        assert family.name not in found
        found[family.name] = {}
        for sample in family.samples:
            labels = frozenset(sample.labels.items())
            assert labels not in found[family.name]
            found[family.name][labels] = sample.value
    return found


def labelled(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset({"target": "shop.main:app", "test": "", **labels}.items())


@pytest.mark.parametrize("name", EVERY_RUN)
def test_every_run_makes_a_page_that_prometheus_reads(name: str) -> None:
    read(EVERY_RUN[name](), EVERY_RUN[name]())


@given(run=runs)
@settings(max_examples=60)
def test_any_run_the_model_allows_makes_a_page_that_prometheus_reads(run: Any) -> None:
    read(run, run, hostile_run())


def test_the_figures_are_exact() -> None:
    page = read(pydantic_run())

    assert 553.2 == page["reqleak_bytes_per_iteration"][labelled()]
    assert 0.05 == page["reqleak_threshold_bytes"][labelled()]
    assert 6.01 == page["reqleak_growth_high"][labelled(meter="live_blocks")]
    site = labelled(site="shop/orders.py:11 in keep", category="pydantic model")
    assert 352.0 == page["reqleak_site_bytes_per_iteration"][site]
    assert 0.7 == page["reqleak_stage_seconds"][labelled(stage="trace")]


def test_exactly_one_verdict_is_one() -> None:
    verdicts = read(pydantic_run())["reqleak_verdict"]

    assert {
        labelled(verdict="clean"): 0,
        labelled(verdict="leak"): 1,
        labelled(verdict="inconclusive"): 0,
    } == (verdicts)


def test_a_known_leak_has_not_failed() -> None:
    failed = read(pydantic_run(), known_run())["reqleak_failed"]

    assert {labelled(): 1.0, labelled(test="tests/test_shop.py::test_orders"): 0.0} == failed


def test_two_runs_of_one_app_are_told_apart() -> None:
    page = read(pydantic_run(), replace(pydantic_run(), bytes_per_iteration=1.5))

    assert {labelled(): 553.2, labelled(run="2"): 1.5} == page["reqleak_bytes_per_iteration"]


def test_an_unbounded_interval_is_infinite() -> None:
    low = read(inconclusive_run())["reqleak_growth_low"]

    assert -math.inf == low[labelled(meter="heap_bytes")]


def test_a_label_holds_any_text() -> None:
    (labels,) = read(replace(pydantic_run(), target='a"b\\c\nd'))["reqleak_iterations"]

    assert 'a"b\\c\\nd' == dict(labels)["target"]
