"""What counts as growth between the marks of a tracer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.agent.windows import Marks, steady_rate, steady_rates

LEAK = (("app.py", 10, ""),)
RING = (("app.py", 20, ""),)


def growth_of(*marks: tuple[int, dict]):
    table = Marks()
    for iterations, held in marks:
        table.add(iterations, held)
    return {site.frames: (site.bytes_per_iteration, site.blocks_per_iteration) for site in table.growth()}


def test_what_a_full_ring_buffer_holds_cancels_out():
    found = growth_of(
        (0, {}),
        (100, {LEAK: (5_000, 100), RING: (70_000, 50)}),
        (200, {LEAK: (10_000, 200), RING: (70_000, 50)}),
        (300, {LEAK: (15_000, 300), RING: (70_000, 50)}),
    )

    assert {LEAK: (50.0, 1.0)} == found


def test_two_marks_are_enough_for_a_rate():
    assert {LEAK: (50.0, 1.0)} == growth_of((0, {}), (100, {LEAK: (5_000, 100)}))


def test_a_single_mark_tells_nothing():
    assert {} == growth_of((100, {LEAK: (5_000, 100)}))


def test_iterations_may_begin_anywhere():
    assert {LEAK: (50.0, 1.0)} == growth_of((7_000, {}), (7_100, {LEAK: (5_000, 100)}))


def test_what_was_traced_before_the_first_mark_is_no_growth():
    held = {RING: (9_000, 9)}

    assert {} == growth_of((0, held), (100, held), (200, held))


def test_a_stack_that_vanishes_is_no_growth():
    assert {} == growth_of((0, {}), (10, {RING: (100, 1)}), (20, {RING: (900, 9)}), (30, {}))


def test_leak_of_one_request_in_several_windows_is_kept():
    assert 0.5 == steady_rate([0, 100, 200, 300], [0, 0, 100, 150])


def test_growth_that_falls_back_is_none():
    assert 0.0 == steady_rate([0, 100, 200], [0, 900, 100])


def test_saw_tooth_without_a_leak_is_no_growth():
    assert 0.0 == steady_rate([0, 10, 20, 30, 40, 50], [10, 60, 110, 20, 70, 10])


def test_leak_under_a_saw_tooth_has_the_rate_of_the_lower_envelope():
    teeth = [(i % 3) * 1000 + 10 * i for i in range(13)]

    assert 1.0 == pytest.approx(steady_rate([10 * i for i in range(13)], teeth), rel=0.3)


def test_old_list_that_moves_in_one_window_does_not_add_its_whole_size():
    sizes, blocks = [800, 1_600, 27_400, 28_200, 29_000], [100, 200, 301, 401, 501]

    rate, block_rate = steady_rates([0, 100, 200, 300, 400], sizes, blocks)

    assert (8.0, 1.0) == (rate, block_rate)


def marked(figures):
    marks = Marks()
    for place, held in enumerate(figures):
        marks.add(100 * place, {LEAK: held})
    return marks.growth()


def test_large_list_that_moves_once_does_not_add_its_entries_of_long_ago():
    moved = [(0, 0, 0, 0), (4_800, 100, 0, 0), (9_600, 200, 0, 0), (54_400, 301, 40_000, 1)]
    after = [(59_200 + 4_800 * n, 401 + 100 * n, 40_000, 1) for n in range(6)]

    (site,) = marked([*moved, *after])

    assert (48.0, 1.0, 0.0) == (
        site.bytes_per_iteration,
        site.blocks_per_iteration,
        site.large_bytes_per_iteration,
    )


def test_one_buffer_that_grows_by_reallocation_keeps_its_rate_after_it_has_moved():
    figures = [(0, 0, 0, 0)] + [(50_000 + 1_000 * n, 1, 50_000 + 1_000 * n, 1) for n in range(8)]

    (site,) = marked(figures)

    assert 10.0 == site.bytes_per_iteration


def test_line_that_leaves_large_blocks_now_and_then_keeps_all_of_them():
    figures = [(100_000 * (n // 3), n // 3, 100_000 * (n // 3), n // 3) for n in range(13)]

    (site,) = marked(figures)

    assert 300.0 == pytest.approx(site.bytes_per_iteration, rel=0.2)


@given(
    level=st.integers(0, 10**9),
    rate=st.integers(1, 10**5),
    window=st.integers(1, 1000),
    n_marks=st.integers(2, 12),
)
def test_steady_leak_has_its_exact_rate_at_any_level(level, rate, window, n_marks):
    xs = [window * n for n in range(n_marks)]

    assert rate == pytest.approx(steady_rate(xs, [level + rate * x for x in xs]))


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=20))
def test_rate_is_never_negative(values):
    assert steady_rate(list(range(0, 10 * len(values), 10)), values) >= 0.0


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=20))
def test_what_only_shrinks_never_grows(values):
    values.sort(reverse=True)

    assert 0.0 == steady_rate(list(range(len(values))), values)


def test_bytes_in_large_blocks_are_told_apart_where_the_tracer_knows_them():
    marks = Marks()
    for place in range(4):
        marks.add(10 * place, {LEAK: (3000 * place, 20 * place, 2000 * place)})

    (site,) = marks.growth()
    assert (300.0, 200.0) == (site.bytes_per_iteration, site.large_bytes_per_iteration)


def test_a_tracer_that_does_not_know_large_blocks_leaves_them_open():
    marks = Marks()
    for place in range(4):
        marks.add(10 * place, {LEAK: (3000 * place, 20 * place)})

    assert [None] == [site.large_bytes_per_iteration for site in marks.growth()]
