from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_strategies import runs
from sample_runs import clean_run, frame, native_run, pydantic_run

from pytest_reqleak.model.finding import Site
from pytest_reqleak.report.icicle import NOT_EXPLAINED, Cell, icicle


def rows(cells: list[Cell]) -> list[list[tuple[str, float]]]:
    depth = max(cell.row for cell in cells)
    return [
        [(cell.label.partition(" · ")[0], round(cell.width)) for cell in cells if cell.row == n]
        for n in range(depth + 1)
    ]


def site(size: float, *names: str) -> Site:
    """A site whose frames are named from the allocation outwards; capitals are the user's own."""
    frames = tuple(frame(f"{name.lower()}.py", 1, name, own=name.isupper()) for name in names)
    return Site(bytes_per_iteration=size, blocks_per_iteration=1.0, category="python", frames=frames)


def leak(*sites: Site, total: float = 100.0) -> Any:
    return replace(pydantic_run(), sites=sites, bytes_per_iteration=total)


def test_the_outermost_frame_is_on_top_and_each_as_wide_as_its_bytes() -> None:
    assert [
        [("all", 100)],
        [("app", 64), ("post_order", 34), (NOT_EXPLAINED, 2)],
        [("run_endpoint_function", 64), ("sign", 34)],
        [("post_order", 64)],
        [("keep", 64)],
        [("__init__", 64)],
    ] == rows(icicle(pydantic_run()))


def test_ways_that_begin_alike_share_their_cells() -> None:
    cells = icicle(leak(site(60, "A", "main"), site(40, "B", "main")))

    assert [[("all", 100)], [("main", 100)], [("A", 60), ("B", 40)]] == rows(cells)
    assert [0, 60] == [cell.left for cell in cells if cell.row == 2]


def test_library_frames_that_only_pass_the_call_on_are_one_cell() -> None:
    cells = icicle(leak(site(100, "A", "four", "three", "two", "one")))

    assert [[("all", 100)], [("one … four (4 frames)", 100)], [("A", 100)]] == rows(cells)
    folded = cells[1]
    assert "library" == folded.kind
    assert ["one.py:1 in one", "four.py:1 in four"] == folded.detail.split("\n")[
        :: len(folded.detail.split("\n")) - 1
    ]


def test_a_library_that_keeps_something_itself_is_not_folded_away() -> None:
    cells = icicle(leak(site(70, "A", "three", "two", "one"), site(30, "two", "one")))

    assert [("one", 100)] == rows(cells)[1]
    assert [("two", 100)] == rows(cells)[2]


@pytest.mark.parametrize("make", [clean_run, native_run])
def test_without_sites_there_is_none(make: Any) -> None:
    assert [] == icicle(make())


@given(
    some=st.lists(st.tuples(st.floats(1, 1e6), st.lists(st.sampled_from("ABcdef"), min_size=1, max_size=7)))
)
@settings(max_examples=80)
def test_every_cell_lies_within_the_one_above_it_and_beside_its_neighbours(some: Any) -> None:
    cells = icicle(leak(*(site(size, *names) for size, names in some), total=0.0))

    for row in range(1, max((cell.row for cell in cells), default=0) + 1):
        here = sorted((cell for cell in cells if cell.row == row), key=lambda cell: cell.left)
        above = [cell for cell in cells if cell.row == row - 1]
        for cell in here:
            assert any(
                up.left - 0.01 <= cell.left and cell.left + cell.width <= up.left + up.width + 0.01
                for up in above
            )
        for left, right in pairwise(here):
            assert left.left + left.width <= right.left + 0.01


@given(run=runs)
@settings(max_examples=40)
def test_any_run_the_model_allows_can_be_drawn(run: Any) -> None:
    assert all(0 <= cell.width <= 100.001 for cell in icicle(run))
