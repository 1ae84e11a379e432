from __future__ import annotations

from typing import Any

import pytest
from leaky_runs import culprit, growth, holder, kind, leak, site

from pytest_reqleak.baseline.compare import baselined
from pytest_reqleak.baseline.known import Baseline, Entry, Rule
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.standing import Standing

KEEP, OLD = site("shop/orders.py in keep", 300), site("shop/legacy/api.py in old", 200, line=40)


def judged(run: Run, *rules: dict[str, str], known: Any = ()) -> Run:
    made = tuple(Rule(reason="agreed", **rule) for rule in rules)
    return baselined(run, Baseline(file="b.json", rules=made, known=dict(known)))


def standing(run: Run, *rules: dict[str, str]) -> Standing | None:
    found = judged(run, *rules).baseline
    return None if found is None else found.standing


@pytest.mark.parametrize(
    "pattern",
    [
        "shop/legacy/*",
        "shop/legacy/api.py",
        "shop/legacy/api.py:40",
        "shop/legacy/api.py in old",
        "*/api.py in o?d",
        "old",
    ],
)
def test_a_site_is_ignored_by_path_line_or_function(pattern: str) -> None:
    run = judged(leak(OLD), {"site": pattern})

    assert run.baseline is not None
    assert (Standing.IGNORED, True) == (run.baseline.standing, run.is_accepted)
    (rule,) = run.baseline.ignored
    assert (f"site {pattern}", "agreed") == (rule.rule, rule.reason)
    assert "shop/legacy/api.py in old, 200 B/request" == rule.matched


@pytest.mark.parametrize("pattern", ["shop/legacy", "legacy/*", "shop/legacy/api.py:41", "OLD"])
def test_a_pattern_means_the_whole_name(pattern: str) -> None:
    assert Standing.NEW == standing(leak(OLD), {"site": pattern})


def test_what_no_rule_names_is_judged_as_if_the_rest_were_not_there() -> None:
    run = judged(leak(KEEP, OLD), {"site": "shop/legacy/*"})

    assert run.baseline is not None
    assert (Standing.NEW, False) == (run.baseline.standing, run.is_accepted)
    assert run.baseline.text.startswith("300 B/request that no rule covers, of which the baseline knows")
    assert 1 == len(run.baseline.ignored)


def test_what_no_rule_names_may_be_known() -> None:
    entry = Entry(bytes_per_iteration=300.0, sites={"shop/orders.py in keep": 300.0})

    run = judged(leak(KEEP, OLD), {"site": "shop/legacy/*"}, known={"shop.main:app: GET /orders/{i}": entry})

    assert run.baseline is not None
    assert Standing.KNOWN == run.baseline.standing


def test_two_rules_may_share_the_work() -> None:
    assert Standing.IGNORED == standing(leak(KEEP, OLD), {"site": "shop/legacy/*"}, {"site": "*keep"})


def test_growth_that_no_site_explains_is_not_ignored_with_the_sites() -> None:
    assert Standing.NEW == standing(leak(OLD, total=1000), {"site": "shop/legacy/*"})


def test_threads_are_not_ignored_with_a_site() -> None:
    run = leak(OLD, growth=(growth(Meter.THREADS, 1.0),))

    assert Standing.NEW == standing(run, {"site": "shop/legacy/*"})
    assert Standing.IGNORED == standing(run, {"endpoint": "GET /orders/*"})


def test_a_holder_is_ignored_when_it_is_the_only_one_that_matters() -> None:
    small = holder("shop.x.SMALL", 0.01)

    assert Standing.IGNORED == standing(leak(KEEP, holders=(holder("shop.A"), small)), {"holder": "shop.A"})
    both = leak(KEEP, holders=(holder("shop.A"), holder("shop.B")))
    assert Standing.NEW == standing(both, {"holder": "shop.A"})
    assert Standing.IGNORED == standing(both, {"holder": "shop.?"})


def test_brackets_in_a_name_are_no_choice_of_characters() -> None:
    run = leak(KEEP, holders=(holder("shop.STORE['by_user']"),))

    assert Standing.IGNORED == standing(run, {"holder": "shop.STORE['by_user']"})


def test_a_type_is_ignored_with_the_plain_objects_that_come_along() -> None:
    run = leak(KEEP, types=(kind("shop.models.Order"), kind("dict", 2.0), kind("str", 3.0)))

    assert Standing.IGNORED == standing(run, {"type": "shop.models.*"})
    assert Standing.NEW == standing(run, {"type": "dict"})
    assert Standing.IGNORED == standing(leak(KEEP, types=(kind("dict"),)), {"type": "dict"})


def test_a_type_does_not_cover_what_another_holder_gets() -> None:
    kinds, orders = (kind("shop.models.Order"), kind("str")), holder("shop.ORDERS", entry="shop.models.Order")
    rule = {"type": "shop.models.*"}

    assert Standing.IGNORED == standing(leak(KEEP, types=kinds, holders=(orders,)), rule)
    pairs = holder("shop.PAIRS", entry="tuple")
    assert Standing.IGNORED == standing(leak(KEEP, types=kinds, holders=(orders, pairs)), rule)
    names = holder("shop.NAMES", entry="str")
    assert Standing.NEW == standing(leak(KEEP, types=kinds, holders=(orders, names)), rule)


def test_an_endpoint_that_is_ignored_is_named_without_the_others() -> None:
    culprits = (culprit("GET /orders/{i}", 200.0), culprit("GET /seen/{i}", 100.0))
    run = judged(
        leak(KEEP, requests=("GET /orders/{i}", "GET /seen/{i}"), culprits=culprits),
        {"endpoint": "GET /orders/*"},
    )

    assert run.baseline is not None
    assert ["GET /orders/{i}"] == [rule.matched for rule in run.baseline.ignored]


@pytest.mark.parametrize("pattern", ["GET /orders/*", "shop.main:app", "shop.main:*", "*test_shop.py::*"])
def test_an_endpoint_is_a_request_an_app_or_a_test(pattern: str) -> None:
    run = leak(KEEP, test="tests/test_shop.py::test_orders")

    assert Standing.IGNORED == standing(run, {"endpoint": pattern})


def test_of_several_requests_those_that_leak_must_be_named() -> None:
    run = leak(
        KEEP,
        requests=("GET /a", "GET /b", "GET /c"),
        culprits=(culprit("GET /a", 600.0), culprit("GET /b", 300.0), culprit("GET /c", 0.0)),
    )

    assert Standing.NEW == standing(run, {"endpoint": "GET /a"})
    assert Standing.IGNORED == standing(run, {"endpoint": "GET /[ab]"})
    assert Standing.NEW == standing(run, {"endpoint": "GET /c"})


def test_a_rule_with_an_endpoint_holds_there_only() -> None:
    here = {"site": "shop/legacy/*", "endpoint": "GET /orders/*"}
    elsewhere = {"site": "shop/legacy/*", "endpoint": "GET /other"}

    assert Standing.IGNORED == standing(leak(OLD), here)
    assert Standing.NEW == standing(leak(OLD), elsewhere)


def test_a_rule_that_matches_nothing_is_not_mentioned() -> None:
    run = judged(leak(KEEP), {"site": "elsewhere/*"}, {"type": "x"}, {"holder": "y"})

    assert run.baseline is not None
    assert () == run.baseline.ignored
