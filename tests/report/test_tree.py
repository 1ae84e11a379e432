from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_strategies import text
from sample_runs import pydantic_run

from pytest_reqleak.model.finding import Holder, Link
from pytest_reqleak.report.tree import MOST_STEPS, Branch, holder_tree


def holder(path: str, *links: tuple[str, str]) -> Holder:
    return Holder(
        path=path,
        type="dict",
        growth_per_iteration=1.0,
        size=1,
        links=tuple(Link(step=step, type=kind) for step, kind in links),
    )


def shape(branches: list[Branch]) -> list[Any]:
    """Labels, each with what is below it; a star where a container is."""
    return [(branch.label + "*" * len(branch.holders), shape(branch.children)) for branch in branches]


def tree(*holders: Holder) -> list[Any]:
    return shape(holder_tree(replace(pydantic_run(), holders=holders)))


def test_a_path_is_a_module_a_name_and_the_steps_from_there() -> None:
    assert [("shop.signing", [("SEEN", [("['v1']", [(".items*", [])])])])] == tree(
        holder("shop.signing.SEEN['v1'].items")
    )


def test_what_two_ways_share_is_drawn_once() -> None:
    assert [("shop", [("A", [("['x']*", []), ("['y']*", [])]), ("B*", [])])] == tree(
        holder("shop.A['x']"), holder("shop.A['y']"), holder("shop.B")
    )


def test_a_container_may_lie_on_the_way_to_another() -> None:
    assert [("shop", [("A*", [("[0]*", [])])])] == tree(
        holder("shop.A", ("shop.A", "dict")), holder("shop.A[0]", ("shop.A", "dict"), ("[0]", "dict"))
    )


def test_links_say_the_type_of_each_step() -> None:
    links = (("shop.cache.STORE", "Store"), (".by_user", "dict"), ["['ann']", "list"])
    (module,) = holder_tree(
        replace(pydantic_run(), holders=(holder("shop.cache.STORE.by_user['ann']", *links),))
    )

    (name,) = module.children
    (attribute,) = name.children
    (entry,) = attribute.children
    assert [("shop.cache", ""), ("STORE", "Store"), (".by_user", "dict"), ("['ann']", "list")] == [
        (branch.label, branch.type) for branch in (module, name, attribute, entry)
    ]
    assert 1 == len(entry.holders)


@pytest.mark.parametrize("path", ["X", "a task of the loop", "", "[", "a['b.c'][0].d", "a..b"])
def test_any_path_leads_to_its_container(path: str) -> None:
    assert "*" in str(tree(holder(path)))


@given(path=text)
def test_no_text_of_a_path_is_lost(path: str) -> None:
    def told(branches: list[Any]) -> str:
        return "".join(label + told(below) for label, below in branches)

    assert path.replace(".", "") == told(tree(holder(path))).removesuffix("*").replace(".", "")


def test_a_long_way_ends_in_one_step() -> None:
    depth, level = 0, tree(holder("a" + "[0]" * 50))
    while level:
        depth, level = depth + 1, level[0][1]

    assert MOST_STEPS == depth


@given(st.lists(text.filter(lambda path: "*" not in path), max_size=4))
def test_every_container_has_its_place(paths: list[str]) -> None:
    assert len(paths) == str(tree(*map(holder, paths))).count("*")
