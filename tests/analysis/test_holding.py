"""Which holders explain a growth, and which of them only fill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.analysis.holding import (
    as_expiring,
    endless_holder,
    explaining_holders,
    filling_holder,
    gets_entry_each,
    iterations_to_fill,
    led_by,
    still_filling,
)
from pytest_reqleak.analysis.verdict import Decision, Outcome
from pytest_reqleak.model.finding import Holder, Link, TypeGrowth
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.sample import Series


def holder(rate: float, *, size: int = 100, bound: int | None = None, path: str = "app.KEPT") -> Holder:
    return Holder(path=path, type="list", growth_per_iteration=rate, size=size, bound=bound)


def rising(every: int, *, batches: int = 50, batch: int = 40) -> Series:
    """A series that rises in one batch of `every`."""
    values = [1000 + 100 * (n // every) for n in range(batches + 1)]
    return Series(
        meter=Meter.LIVE_BLOCKS,
        iterations=tuple(range(0, batch * (batches + 1), batch)),
        values=tuple(values),
    )


def test_a_holder_with_an_entry_per_request_explains_growth_in_every_batch():
    assert (holder(1.0),) == explaining_holders([holder(1.0)], rising(every=1))


def test_a_cache_that_got_two_entries_in_a_thousand_requests_explains_no_growth_in_every_batch():
    assert () == explaining_holders([holder(0.002)], rising(every=1))


def test_a_slow_holder_explains_a_slow_growth():
    assert (holder(0.005),) == explaining_holders([holder(0.005)], rising(every=5))


def test_without_a_series_every_holder_stays():
    assert (holder(0.001),) == explaining_holders([holder(0.001)], None)


def test_a_bounded_container_that_is_not_full_is_filling():
    cache = holder(1.0, size=2113, bound=4096, path="functools.lru_cache of shop.price")

    assert cache == filling_holder([cache])
    assert 1984 == iterations_to_fill(cache)


def test_an_unbounded_container_or_one_beyond_its_bound_is_not_filling():
    assert filling_holder([holder(1.0), holder(1.0, size=513, bound=512)]) is None


def test_a_container_that_grew_until_it_was_full_is_measured_full():
    full = holder(1.0, size=512, bound=512)

    assert full == filling_holder([holder(1.0), full])
    assert 1 == iterations_to_fill(full)


def test_a_bounded_container_that_grows_much_slower_than_another_is_not_the_cause():
    assert filling_holder([holder(1.0), holder(0.1, size=5, bound=128)]) is None


def test_of_several_filling_containers_the_last_to_be_full_counts():
    soon, late = holder(1.0, size=90, bound=100), holder(1.0, size=90, bound=1000)

    assert late == filling_holder([soon, late])


@given(
    size=st.integers(0, 10**6),
    room=st.integers(1, 10**6),
    rate=st.floats(1e-3, 1e3),
)
def test_a_container_is_full_after_the_iterations_it_needs_and_not_before(size, room, rate):
    needed = iterations_to_fill(holder(rate, size=size, bound=size + room))

    assert needed * rate >= room * 0.999
    assert (needed - 1) * rate <= room * 1.001


def test_a_slow_holder_below_a_buffer_that_is_flushed_explains_what_stays():
    """Memory rises in every batch but falls back: only what no later reading goes below was held."""
    values = [1000 + 100 * (n // 10) + 500 * (n % 10) for n in range(51)]
    series = Series(meter=Meter.LIVE_BLOCKS, iterations=tuple(range(0, 510, 10)), values=tuple(values))

    assert (holder(0.05),) == explaining_holders([holder(0.05)], series)


def test_type_that_the_first_holder_keeps_leads():
    types = [TypeGrowth(type=name, per_iteration=1.0) for name in ("shop.Page", "shop.Order", "dict")]
    first = Holder(path="shop.ORDERS", type="list", growth_per_iteration=1.0, size=9, entry="shop.Order")

    assert ["shop.Order", "shop.Page", "dict"] == [growth.type for growth in led_by([first], types)]
    assert tuple(types) == led_by([], types)


def test_type_of_tasks_leads_by_the_name_that_people_know():
    types = [TypeGrowth(type=name, per_iteration=1.0) for name in ("asyncio.Event", "_asyncio.Task")]
    tasks = Holder(path="tasks running a", type="asyncio.Task", growth_per_iteration=1.0, size=9)

    assert "_asyncio.Task" == led_by([tasks], types)[0].type


CACHE = holder(1.0, size=900, bound=50_000, path="shop.CACHE")


def test_a_list_beside_a_cache_that_fills_has_no_end():
    audit = holder(1.0, path="shop.AUDIT")

    assert audit == endless_holder([CACHE, audit], CACHE)


def test_what_is_slow_or_has_a_bound_or_is_native_is_not_endless():
    others = [holder(0.1, path="shop.RARE"), holder(1.0, bound=60_000, size=3, path="shop.OTHER")]
    native = Holder(path="native", type="list", growth_per_iteration=1.0, size=9, ends_in="list")

    assert endless_holder([CACHE, *others, native], CACHE) is None


def test_parts_of_one_object_are_not_told_from_each_other():
    links = (Link(step="shop.STORE", type="shop.Store"), Link(step=".rows", type="dict"))
    rows, order = (
        Holder(path=f"shop.STORE.{name}", type="dict", growth_per_iteration=1.0, size=9, bound=b, links=links)
        for name, b in (("rows", 5000), ("order", None))
    )

    assert endless_holder([rows, order], rows) is None


def test_no_more_iterations_are_advised_than_anybody_would_wait_for():
    decision = Decision(outcome=Outcome.LEAK, classification=(), reason="", grows=(), growth=())

    assert "iterations=49101 " in still_filling(decision, CACHE).reason
    huge = holder(1.0, bound=10**9, path="shop.CACHE")
    assert "iterations" not in still_filling(decision, huge).reason
    assert Outcome.INCONCLUSIVE is still_filling(decision, huge).outcome


def test_a_store_that_was_seen_to_take_out_what_is_over_is_no_leak():
    decision = Decision(outcome=Outcome.LEAK, classification=(), reason="", grows=(), growth=())
    store, other = holder(1.0, path="shop.CODES"), holder(1.0, path="shop.AUDIT")

    assert Outcome.INCONCLUSIVE is as_expiring(decision, [store], "shop.CODES").outcome
    assert decision is as_expiring(decision, [store], "")
    assert decision is as_expiring(decision, [other], "shop.CODES")
    assert decision is as_expiring(decision, [store, other], "shop.CODES")


@pytest.mark.parametrize(
    ("type_name", "entries", "each"),
    [
        ("list", 1500, True),
        ("collections.deque", 1490, True),
        # One entry for each input that was new: a list may be a cache as well.
        ("list", 1000, False),
        ("dict", 1500, False),
    ],
)
def test_a_list_with_an_entry_for_replayed_inputs_too_is_not_keyed_by_them(type_name, entries, each):
    kept = Holder(path="app.KEPT", type=type_name, growth_per_iteration=entries / 1000, size=5000)

    assert each == gets_entry_each(kept, fresh=1000, done=1500)
