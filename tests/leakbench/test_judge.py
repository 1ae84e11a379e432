"""leakbench compares a run with the truth about a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.leakbench.case import Case
from benchmarks.leakbench.judge import Mark, holder_names, mark, names_holder, names_site


def case(**changes: Any) -> Case:
    truth: dict[str, Any] = {
        "name": "pat_list",
        "file": Path("pat_list.py"),
        "interface": "asgi",
        "expected": "leak",
        "kind": "python-objects",
        "python": "3.12",
        "needs": (),
        "requests": ({"path": "/"},),
        "site": "remember",
        "holder": "module global RECENT",
    }
    return Case(**{**truth, **changes})


def site(function: str = "", code: str = "", depth: int = 0) -> dict[str, Any]:
    other = {"file": "lib.py", "line": 1, "function": "call", "code": "call()"}
    return {"frames": [other] * depth + [{"file": "app.py", "line": 3, "function": function, "code": code}]}


@pytest.mark.parametrize(
    ("expected", "verdict", "marked"),
    [
        ("leak", "leak", Mark.HIT),
        ("leak", "clean", Mark.MISS),
        ("leak", "inconclusive", Mark.UNSURE),
        ("leak", "error", Mark.ERROR),
        ("clean", "clean", Mark.CLEAN),
        ("clean", "leak", Mark.FALSE_ALARM),
        ("clean", "inconclusive", Mark.UNSURE),
    ],
)
def test_a_verdict_is_marked_by_what_is_true(expected: str, verdict: str, marked: Mark) -> None:
    assert marked is mark(case(expected=expected), verdict, 2000)


def test_doubt_about_a_clean_app_before_its_plateau_is_honest() -> None:
    filling = case(expected="clean", plateau_at=4100)

    assert Mark.HONEST is mark(filling, "inconclusive", 4000)
    assert Mark.UNSURE is mark(filling, "inconclusive", 4100)
    assert Mark.FALSE_ALARM is mark(filling, "leak", 4000)


def test_a_site_is_right_when_its_function_or_its_line_has_the_name() -> None:
    assert names_site(case(), {"sites": [site(function="remember")]})
    assert names_site(case(), {"sites": [site(code="remember(order)")]})


def test_a_site_whose_name_only_contains_the_expected_one_is_wrong() -> None:
    assert names_site(case(), {"sites": [site(function="remember_all")]}) is False


def test_a_name_deep_down_the_stack_or_after_the_third_site_does_not_count() -> None:
    assert names_site(case(), {"sites": [site(function="remember", depth=8)]}) is False
    assert names_site(case(), {"sites": [site(), site(), site(), site(function="remember")]}) is False


def test_a_leak_without_a_python_site_expects_none() -> None:
    assert names_site(case(site=""), {"sites": []}) is None


def test_a_holder_is_right_when_its_path_has_the_name() -> None:
    assert names_holder(case(), {"holders": [{"path": "shop.orders.RECENT"}]})
    assert names_holder(case(), {"holders": [{"path": "shop.orders.RECENTLY"}]}) is False


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("module global RECENT", {"RECENT"}),
        ("LOADER.cache_map", {"cache_map"}),
        ("logging.getLogger('jobs').handlers", {"getLogger", "handlers"}),
        ("refcount leak of a tuple in C", set()),
        ("none (unfreed malloc block)", set()),
    ],
)
def test_the_names_of_a_holder_are_read_from_its_description(words: str, names: set[str]) -> None:
    assert names == holder_names(words)


def test_memory_that_nothing_in_python_holds_expects_no_holder() -> None:
    assert names_holder(case(holder="refcount leak of bytes"), {"holders": []}) is None
