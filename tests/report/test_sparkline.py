from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.report.sparkline import ASCII, BLOCKS, resample, sparkline

numbers = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=60)


def test_a_line_from_low_to_high_climbs_all_steps() -> None:
    assert "▁▂▃▄▅▆▇█" == sparkline(range(8))


def test_a_stream_without_blocks_gets_seven_bit_characters() -> None:
    assert "_.:-=+*#" == sparkline(range(8), unicode=False)


def test_a_flat_series_lies_on_the_floor() -> None:
    assert "▁▁▁" == sparkline([7, 7, 7])


def test_no_values_are_an_empty_line() -> None:
    assert "" == sparkline([])


def test_noise_below_the_least_span_stays_near_the_floor() -> None:
    assert "▁▁▁▁" == sparkline([100, 101, 100, 102], least_span=100)


@given(values=numbers, least=st.integers(0, 10**9))
def test_a_line_has_one_known_character_per_value(values, least) -> None:
    line = sparkline(values, least_span=least)

    assert len(values) == len(line)
    assert set(line) <= set(BLOCKS)


@given(values=numbers, shift=st.integers(-(10**6), 10**6))
def test_a_line_does_not_depend_on_the_level(values, shift) -> None:
    assert sparkline(values) == sparkline([value + shift for value in values])


@given(values=numbers)
def test_both_alphabets_draw_the_same_line(values) -> None:
    assert sparkline(values) == sparkline(values, unicode=False).translate(str.maketrans(ASCII, BLOCKS))


@given(values=numbers)
def test_a_series_that_fits_stays_as_it_is(values) -> None:
    assert values == resample(range(0, 10 * len(values), 10), values, len(values))


@given(values=numbers, columns=st.integers(1, 80), data=st.data())
def test_a_resampled_series_stays_within_its_ends(values, columns, data) -> None:
    steps = data.draw(st.lists(st.integers(0, 1000), min_size=len(values), max_size=len(values)))
    iterations = [sum(steps[: n + 1]) for n in range(len(steps))]

    columns_drawn = resample(iterations, values, columns)

    assert 1 <= len(columns_drawn) <= min(columns, len(values))
    assert all(min(values) - 1e-3 <= value <= max(values) + 1e-3 for value in columns_drawn)


def test_a_stage_left_out_does_not_bend_a_straight_line() -> None:
    iterations = [*range(0, 100, 10), *range(500, 600, 10)]

    columns = resample(iterations, iterations, 12)

    steps = [after - before for before, after in pairwise(columns)]
    assert max(steps) < 2.5 * min(steps)


def test_columns_can_show_the_floor_of_a_saw_tooth() -> None:
    saw = [0, 5, 9, 0, 5, 9, 0, 5, 9]

    assert [0, 0, 0] == resample(range(9), saw, 3, pick=min)


def test_no_columns_are_no_values() -> None:
    assert [] == resample(range(3), [1, 2, 3], 0)
