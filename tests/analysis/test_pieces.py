from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.analysis.pieces import (
    after,
    falls,
    floor_path,
    floors,
    split_at_holes,
    split_at_jumps,
)


def test_a_series_without_holes_is_one_piece():
    assert 1 == len(split_at_holes(list(range(0, 500, 10)), [0] * 50))


def test_a_shorter_last_batch_is_no_hole():
    assert 1 == len(split_at_holes([0, 40, 80, 120, 125], [0] * 5))


def test_missing_iterations_make_a_hole():
    pieces = split_at_holes([0, 10, 20, 30, 100, 110, 120], [1, 2, 3, 4, 5, 6, 7])

    assert [([0, 10, 20, 30], [1, 2, 3, 4]), ([100, 110, 120], [5, 6, 7])] == pieces


def test_of_two_readings_at_one_iteration_the_later_counts():
    assert [([0, 10, 20], [1, 7, 3])] == split_at_holes([0, 10, 10, 20], [1, 2, 7, 3])


def test_nothing_read_makes_no_piece():
    assert [] == split_at_holes([], [])


def test_the_floor_is_the_lowest_reading_of_each_segment():
    assert ([0, 30], [3, 4]) == floors(([0, 10, 20, 30], [3, 9, 8, 4]), 2)


def test_a_hole_adds_neither_width_nor_height_to_the_path():
    pieces = [([0, 10, 20, 30], [0, 1, 2, 3]), ([500, 510, 520, 530], [900, 901, 902, 903])]

    x, y = floor_path(pieces, 8)

    assert (60.0, 6) == (x[-1], y[-1])


def test_a_jump_that_dwarfs_all_other_rises_is_cut_out():
    pieces = split_at_jumps([(range(0, 100, 10), [0, 1, 2, 3, 4, 5000, 5001, 5002, 5003, 5004])])

    assert [[0, 1, 2, 3, 4], [5000, 5001, 5002, 5003, 5004]] == [list(y) for _, y in pieces]


def test_of_few_samples_none_is_cut_out():
    assert 1 == len(split_at_jumps([(range(3), [0, 1, 5000])]))


@given(steps=st.integers(2, 20), height=st.integers(1, 10_000))
def test_regular_rises_are_never_cut(steps, height):
    values = [height * (k // 3) for k in range(3 * steps + 1)]

    assert 1 == len(split_at_jumps([(range(len(values)), values)]))


def test_falls_are_never_cut():
    assert 1 == len(split_at_jumps([(range(4), [5000, 5000, 0, 0])]))


def test_a_fall_across_a_hole_is_a_share_of_what_had_been_gained():
    pieces = [(range(4), [100, 110, 120, 130]), (range(100, 104), [115, 200, 300, 400])]

    assert [(100, 0.5)] == falls(pieces, 8, least=1)


def test_small_falls_are_left_to_the_roughness():
    assert [] == falls([(range(4), [0, 10, 8, 20])], 4, least=2)


def test_a_floor_that_falls_below_its_beginning_has_lost_all():
    assert (1, 1.0) == falls([(range(4), [50, 10, 20, 30])], 4, least=1)[0]


def test_only_what_was_read_later_is_kept():
    assert [([20, 30], [3, 4])] == after([([0, 10], [1, 2]), ([20, 30], [3, 4])], 15)
