from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.analysis.batches import batch_ends


@given(iterations=st.integers(1, 100_000), batches=st.integers(1, 400))
def test_batches_add_up_and_none_is_empty(iterations, batches):
    ends = batch_ends(iterations, batches)

    assert min(batches, iterations) == len(ends)
    assert iterations == ends[-1]
    assert all(a < b for a, b in pairwise([0, *ends]))


def test_batches_are_uneven_but_never_look_like_holes():
    lengths = [b - a for a, b in pairwise([0, *batch_ends(5000, 50)])]

    assert 5 < len(set(lengths))
    assert 50 <= min(lengths)
    assert max(lengths) <= 150


def test_a_buffer_that_is_emptied_in_step_with_the_batches_is_read_out_of_step():
    fills = [end % 99 for end in batch_ends(5000, 50)]

    assert min(fills[:10]) < 20
    assert 60 < max(fills[:10])


@given(st.integers(1, 3000), st.integers(1, 100), st.integers(1, 300))
def test_no_batch_is_shorter_than_it_may_be(iterations, batches, least):
    ends = batch_ends(iterations, batches, least=least)

    assert min(least, iterations) <= min(b - a for a, b in pairwise([0, *ends]))
    assert iterations == ends[-1]
