"""The picture of what holds the memory."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.finding import Cycle, Frame, Holder, Link, TypeGrowth
from pytest_reqleak.report.graph import check_graph, graph_file, graph_report
from tests.report.sample_runs import clean_run, pydantic_run

CLEAN, PYDANTIC = clean_run(), pydantic_run()

HOLDER = Holder(
    path="shop.STORE.by_user['x']",
    type="dict",
    growth_per_iteration=1.0,
    size=5000,
    frames=(Frame(file="/home/me/shop.py", line=8, function="keep", code="x", own=True),),
    entry="shop.Order",
    links=(
        Link(step="shop.STORE", type="shop.Store"),
        Link(step=".by_user", type="dict"),
        Link(step="['x']", type="dict"),
    ),
)


def test_each_step_from_the_name_to_the_container_is_an_arrow():
    text = graph_report([replace(PYDANTIC, holders=(HOLDER,))])

    assert 'r0h0_0 -> r0h0_1 [label=".by_user"];' in text
    assert "r0h0_1 -> r0h0_2 [label=\"['x']\"];" in text
    assert '[label="shop.Order"' in text
    assert "shop.py:8 in keep" in text


def test_a_cycle_leads_back_to_where_it_began():
    path = (Link(step="", type="Node"), Link(step=".kids", type="list"), Link(step="[0]", type="Node"))
    cycle = Cycle(objects_per_iteration=2.0, types=(TypeGrowth(type="Node", per_iteration=1.0),), path=path)

    text = graph_report([replace(PYDANTIC, holders=(), cycles=(cycle,))])

    assert 'r0c0_0 -> r0c0_1 [label=".kids"];' in text
    assert 'r0c0_1 -> r0c0_0 [label="[0]"];' in text


def test_way_that_ends_in_native_code_says_so():
    holder = replace(HOLDER, ends_in="shop.Order", links=())

    assert "native code, not visible to Python" in graph_report([replace(PYDANTIC, holders=(holder,))])


def test_clean_runs_are_left_out():
    assert "subgraph" not in graph_report([CLEAN])


def test_quotes_and_line_ends_in_a_name_do_no_harm():
    holder = replace(HOLDER, links=(Link(step='shop["a\\n"]', type="dict"),))

    assert 'shop[\\"a\\\\n\\"]' in graph_report([replace(PYDANTIC, holders=(holder,))])


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_svg_is_drawn_by_graphviz():
    assert "</svg>" in graph_file([replace(PYDANTIC, holders=(HOLDER,))], "leak.svg")


def test_a_name_that_no_encoding_knows_keeps_no_picture_from_being_drawn(monkeypatch, tmp_path):
    # It draws what it is given.
    (tmp_path / "dot").write_text("#!/bin/sh\ncat\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    holder = replace(HOLDER, links=(Link(step='shop.SEEN["\udcffé"]', type="dict"),))

    text = graph_file([replace(PYDANTIC, holders=(holder,))], "leak.svg")

    assert 'shop.SEEN[\\"\\udcffé\\"]' in text


def test_svg_without_graphviz_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(UsageError, match=r"Graphviz.*\.dot file"):
        check_graph("leak.svg")


def test_other_endings_are_refused():
    with pytest.raises(UsageError, match=r"must end in \.svg or \.dot"):
        check_graph("leak.pdf")


def test_dot_needs_no_graphviz(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert graph_file([CLEAN], "leak.dot").startswith("digraph")
