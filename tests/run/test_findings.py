"""How the sources of one figure complete each other in the result."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis.floors import MEAN_BLOCK_BYTES
from pytest_reqleak.analysis.verdict import Decision, Outcome
from pytest_reqleak.evidence import Traced
from pytest_reqleak.findings import Findings, estimate_bytes
from pytest_reqleak.model.finding import Growth, Holder
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.raw import RawSite


def decision(outcome: Outcome = Outcome.LEAK, **rates: float) -> Decision:
    growth = tuple(
        Growth(meter=Meter(name), per_iteration=rate, low=rate, high=rate, grows=rate > 0)
        for name, rate in rates.items()
    )
    grows = tuple(entry.meter for entry in growth if entry.grows)
    return Decision(outcome=outcome, growth=growth, grows=grows, reason="")


def traced(size: float, blocks: float) -> Traced:
    site = RawSite(frames=(("app.py", 1, ""),), bytes_per_iteration=size, blocks_per_iteration=blocks)
    return Traced(sites=(site,), bytes_per_iteration=size, frames=16)


@pytest.mark.parametrize(
    ("blocks", "why"), [(5.0, "many small containers"), (0.005, "less than an entry in 500")]
)
def test_where_no_holder_was_found_it_says_what_that_may_mean(blocks, why):
    (doubt,) = Findings(traced=traced(300, 3))._doubts(decision(live_blocks=blocks))

    assert "no-holder" == doubt.slug
    assert why in doubt.text


def test_a_clean_run_leaves_nothing_behind():
    found = Findings(traced=traced(100, 1))

    assert 0.0 == found.bytes_per_iteration(decision(Outcome.CLEAN, live_blocks=1.0))


def test_the_tracer_gives_the_size_of_a_block_and_the_meter_their_number():
    found = Findings(traced=traced(600, 6))

    assert 200.0 == pytest.approx(found.bytes_per_iteration(decision(live_blocks=2.0)))


def test_growth_of_the_heap_that_no_python_object_explains_is_added():
    found = Findings(traced=traced(300, 3))

    assert 1000.0 == pytest.approx(found.bytes_per_iteration(decision(live_blocks=3.0, heap_bytes=700.0)))


def test_a_large_python_object_is_not_counted_again_in_the_heap():
    found = Findings(traced=traced(8000, 1))

    assert 8000.0 == pytest.approx(found.bytes_per_iteration(decision(live_blocks=1.0, heap_bytes=8016.0)))


def test_native_growth_alone_is_what_the_heap_says():
    found = Findings(traced=traced(0.5, 0.01))

    assert 512.0 == pytest.approx(found.bytes_per_iteration(decision(live_blocks=0.0, heap_bytes=512.0)))


def test_without_a_tracer_bytes_are_estimated_and_the_report_says_so():
    found = Findings()
    growing = decision(live_blocks=2.0, heap_bytes=10.0)

    assert 2 * MEAN_BLOCK_BYTES + 10 == pytest.approx(found.bytes_per_iteration(growing))
    assert estimate_bytes(growing) == found.bytes_per_iteration(growing)


def test_rss_counts_only_where_nothing_else_grows():
    assert 4096.0 == estimate_bytes(decision(rss_bytes=4096.0))
    assert 72.0 == estimate_bytes(decision(live_blocks=1.0, rss_bytes=4096.0))


def test_what_grew_on_replay_too_is_no_cache_keyed_by_the_input_and_has_the_rate_of_all_iterations():
    kept = Holder(path="app.KEPT", type="list", growth_per_iteration=1.5, size=1500)
    found = Findings(keyed_by_input=True, holders=(kept,))
    found.grows_over_all(2 / 3)

    assert (False, True) == (found.keyed_by_input, found.grows_on_replay)
    assert 1.0 == found.holders[0].growth_per_iteration
