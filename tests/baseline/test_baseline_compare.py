from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaky_runs import clean, growth, leak, site

from pytest_reqleak.baseline.compare import baselined
from pytest_reqleak.baseline.known import Baseline, Entry, key_of
from pytest_reqleak.model.meter import Meter, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.standing import Standing

KEY = "shop.main:app: GET /orders/{i}"
KEEP, SIGN = "shop/orders.py in keep", "shop/signing.py in sign"


def baseline(size: float = 500.0, **entry: Any) -> Baseline:
    return Baseline(file="b.json", known={KEY: Entry(bytes_per_iteration=size, **entry)})


def standing(run: Run, known: Baseline, **options: Any) -> Standing:
    found = baselined(run, known, **options).baseline
    assert found is not None
    return found.standing


def test_a_leak_without_an_entry_is_new_and_fails() -> None:
    run = baselined(leak(site(KEEP, 500)), Baseline(file="b.json"))

    assert run.baseline is not None
    assert (Standing.NEW, False) == (run.baseline.standing, run.is_accepted)
    assert "500 B/request, of which the baseline knows nothing" == run.baseline.text


def test_a_baseline_that_is_for_something_else_says_what_it_is_for() -> None:
    known = {
        "other:app: GET /": Entry(bytes_per_iteration=5.0),
        "third:app: PUT /x": Entry(bytes_per_iteration=5.0),
    }

    run = baselined(leak(site(KEEP, 500)), Baseline(file="b.json", known=known))

    assert run.baseline is not None
    assert Standing.NEW == run.baseline.standing
    assert run.baseline.text.endswith("nothing (it is for 2 other workloads, such as 'other:app: GET /')")


def test_a_leak_as_its_entry_says_is_known_and_passes() -> None:
    run = baselined(leak(site(KEEP, 500)), baseline(500))

    assert run.baseline is not None
    assert (Standing.KNOWN, True) == (run.baseline.standing, run.is_accepted)
    assert "500 B/request, as known (500 B/request, tolerance 20 %)" == run.baseline.text


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (395, Standing.BETTER),
        (402, Standing.KNOWN),
        (598, Standing.KNOWN),
        (605, Standing.WORSE),
        (5000, Standing.WORSE),
    ],
)
def test_the_tolerance_has_two_ends(size: float, expected: Standing) -> None:
    assert expected == standing(leak(total=size), baseline(500))


@pytest.mark.parametrize(
    ("tolerance", "expected"), [(0.0, Standing.WORSE), (0.5, Standing.KNOWN), (None, Standing.KNOWN)]
)
def test_an_entry_may_have_a_tolerance_of_its_own(tolerance: float | None, expected: Standing) -> None:
    assert expected == standing(leak(total=520), baseline(500, tolerance=tolerance))


@pytest.mark.parametrize(
    ("known", "size", "expected"),
    [(16, 25, Standing.KNOWN), (25, 16, Standing.KNOWN), (44, 94, Standing.KNOWN), (94, 44, Standing.KNOWN)],
)
def test_the_table_of_a_container_may_be_longer_or_shorter(
    known: float, size: float, expected: Standing
) -> None:
    run = leak(site(KEEP, size))

    assert expected == standing(run, baseline(known, blocks_per_iteration=1.0, sites={KEEP: known}))


@pytest.mark.parametrize(
    ("size", "blocks", "expected"),
    [
        (120, 1.0, Standing.WORSE),
        (94, 2.0, Standing.WORSE),
        (25, 0.5, Standing.BETTER),
        (94, 0.0, Standing.WORSE),
    ],
    ids=["more than a table takes", "more blocks", "fewer blocks", "blocks not known"],
)
def test_what_no_table_explains_is_judged_by_its_bytes(
    size: float, blocks: float, expected: Standing
) -> None:
    run = leak(total=size, blocks_per_iteration=blocks)

    assert expected == standing(run, baseline(44, blocks_per_iteration=1.0))


def test_a_table_hides_no_new_site() -> None:
    run = leak(site(SIGN, 45))

    assert Standing.NEW == standing(run, baseline(45, blocks_per_iteration=1.0, sites={KEEP: 45.0}))


def test_an_entry_without_blocks_is_compared_by_its_bytes() -> None:
    assert Standing.WORSE == standing(leak(total=94), baseline(44))


@given(size=st.floats(0.06, 1e9))
def test_what_is_written_down_is_known_at_any_size(size: float) -> None:
    assert Standing.KNOWN == standing(leak(total=size), baseline(size))


def test_next_to_nothing_is_not_decided_by_noise() -> None:
    assert Standing.KNOWN == standing(leak(total=0.4), baseline(0.1))


def test_a_new_site_does_not_hide_behind_one_that_was_mended() -> None:
    run = leak(site(KEEP, 100), site("shop/views.py in show", 400))

    found = baselined(run, baseline(500, sites={KEEP: 400.0, SIGN: 100.0}))

    assert found.baseline is not None
    assert (Standing.NEW, False) == (found.baseline.standing, found.is_accepted)
    assert found.baseline.text.startswith("new: 400 B/request at shop/views.py in show (")


def test_a_known_site_that_got_worse_fails_though_the_total_did_not() -> None:
    run = leak(site(KEEP, 100), site(SIGN, 400))

    found = baselined(run, baseline(500, sites={KEEP: 400.0, SIGN: 100.0}))

    assert found.baseline is not None
    assert Standing.WORSE == found.baseline.standing
    assert found.baseline.text.startswith(f"400 B/request at {SIGN}, where 100 B/request was known (")


def test_a_tracer_that_shares_out_a_little_differently_is_no_news() -> None:
    run = leak(site(KEEP, 370), site(SIGN, 100), site("shop/views.py in show", 30))

    assert Standing.KNOWN == standing(run, baseline(500, sites={KEEP: 400.0, SIGN: 100.0}))


def test_a_line_may_move_within_its_function() -> None:
    run = leak(site(KEEP, 500, line=900))

    assert Standing.KNOWN == standing(run, baseline(500, sites={KEEP: 500.0}))


@pytest.mark.parametrize(
    "elsewhere", ["/runner/work/shop/orders.py", "/home/ann/shop-service/shop/orders.py"]
)
def test_a_site_is_known_in_another_checkout(elsewhere: str) -> None:
    run = leak(site(f"{elsewhere} in keep", 500))

    assert Standing.KNOWN == standing(run, baseline(500, sites={KEEP: 500.0}))


def test_an_entry_without_sites_is_compared_by_its_total() -> None:
    assert Standing.KNOWN == standing(leak(site(KEEP, 500)), baseline(500))


def test_threads_that_are_new_fail_though_the_bytes_are_known() -> None:
    run = leak(total=500, growth=(growth(Meter.THREADS, 1.0), growth(Meter.DESCRIPTORS, 0.0, grows=False)))

    found = baselined(run, baseline(500))

    assert found.baseline is not None
    assert (Standing.NEW, False) == (found.baseline.standing, found.is_accepted)
    assert "new: threads +1.0" in found.baseline.text


@pytest.mark.parametrize(
    ("rate", "expected"), [(1.0, Standing.KNOWN), (2.0, Standing.WORSE), (0.4, Standing.BETTER)]
)
def test_threads_have_a_tolerance_too(rate: float, expected: Standing) -> None:
    run = leak(total=500, growth=(growth(Meter.THREADS, rate),))

    assert expected == standing(run, baseline(500, counts={"threads": 1.0}))


def test_a_workload_that_is_mended_asks_to_be_taken_out() -> None:
    found = baselined(clean(), baseline(500)).baseline

    assert found is not None
    assert (Standing.BETTER, "nothing grows any more, where 500 B/request was known") == (
        found.standing,
        found.text,
    )


def test_clean_and_inconclusive_runs_that_nobody_knows_are_left_alone() -> None:
    uncertain = replace(leak(total=9), verdict=Verdict.INCONCLUSIVE)

    assert None is baselined(clean(), Baseline(file="b.json")).baseline
    assert None is baselined(uncertain, baseline(9)).baseline


@pytest.mark.parametrize(
    ("size", "expected"),
    [(900, Standing.RECORDED), (100, Standing.RECORDED), (500, Standing.KNOWN)],
    ids=["worse", "better", "known"],
)
def test_in_an_update_everything_passes(size: float, expected: Standing) -> None:
    run = baselined(leak(total=size), baseline(500), update=True)

    assert run.baseline is not None
    assert (expected, True) == (run.baseline.standing, run.is_accepted)


def test_a_test_that_was_renamed_is_told_of_its_old_entry() -> None:
    old = Baseline(file="b.json", known={"tests/test_shop.py::test_order": Entry(bytes_per_iteration=5.0)})
    run = leak(total=5, target="tests/test_shop.py::test_orders", requests=())

    found = baselined(run, old).baseline

    assert found is not None
    assert found.text.endswith("(it knows 'tests/test_shop.py::test_order')")


def test_the_key_of_a_body_is_its_test_and_that_of_an_app_has_its_requests() -> None:
    assert "test_a.py::test_a" == key_of(leak(total=1, target="test_a.py::test_a", requests=()))
    assert KEY == key_of(leak(total=1))


def test_a_long_workload_has_a_short_key_of_its_own() -> None:
    many = tuple(f"GET /{n}" for n in range(100))
    keys = {key_of(leak(total=1, requests=many)), key_of(leak(total=1, requests=(*many[:-1], "GET /x")))}

    assert 2 == len(keys)
    assert all(len(key) < 80 and "GET /0, GET /1, GET /2 and 97 more (" in key for key in keys)
