"""What the lengths of containers say, where memory comes in steps or under noise."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from analysis_samples import samples_at

from pytest_reqleak.analysis.decision import Decision, Note, Outcome
from pytest_reqleak.analysis.lengths import (
    as_entries,
    as_leak,
    grows_for_ever,
    heap_rate,
    hides_growth,
    may_leak,
    none_endless,
    rises_in_steps,
)
from pytest_reqleak.model.finding import Growth, Holder
from pytest_reqleak.model.meter import Cause, Meter

PLACES = list(range(2000, 12001, 200))


def list_bytes(length: int) -> int:
    """What CPython's list takes that was appended to: it grows by an eighth at a time."""
    room = 0
    while room < length:
        room = (room + 1 + ((room + 1) >> 3) + 6) & ~3
    return 8 * room


def held(path: str = "app.SEEN", rate: float = 1.0, bound: int | None = None) -> Holder:
    return Holder(path=path, type="list", growth_per_iteration=rate, size=100, bound=bound)


def clean() -> Decision:
    growth = (Growth(meter=Meter.HEAP_BYTES, per_iteration=0.0, low=0.0, high=0.0, grows=False),)
    return Decision(outcome=Outcome.CLEAN, growth=growth, reason="nothing grew over 2,000 requests")


@pytest.mark.parametrize("warm", [0, 200, 1500])
@pytest.mark.parametrize("iterations", [500, 2000, 5000])
def test_a_list_that_gets_a_flag_with_each_request_leaves_steps_in_the_heap(warm, iterations):
    places = range(warm, warm + iterations + 1, iterations // 50)
    samples = samples_at(places, {Meter.HEAP_BYTES: [10**6 + list_bytes(n) for n in places]})

    assert rises_in_steps(samples)
    assert 6 <= heap_rate(samples) <= 13


def test_a_heap_that_is_level_after_the_warm_up_is_no_reason_to_look():
    settled = samples_at(PLACES, {Meter.HEAP_BYTES: [10**6 + min(n, 5000) for n in PLACES]})

    assert not rises_in_steps(settled)


@pytest.mark.parametrize("seed", range(20))
def test_a_heap_that_shakes_about_a_level_is_no_reason_to_look(seed):
    shaken = random.Random(seed)
    samples = samples_at(PLACES, {Meter.HEAP_BYTES: [10**6 + shaken.randrange(4096) for _ in PLACES]})

    assert not rises_in_steps(samples)


def test_where_no_heap_is_read_there_is_no_reason_to_look():
    samples = samples_at(PLACES, {Meter.LIVE_BLOCKS: PLACES})

    assert (0.0, False) == (heap_rate(samples), rises_in_steps(samples))


def test_only_a_container_without_a_bound_that_explains_the_heap_may_leak():
    wanted = held("app.SEEN")
    others = [held("app.RING", bound=20_000), held("app.RARE", rate=0.002), held("app.SLOW", rate=0.1)]

    assert [wanted] == may_leak([*others, wanted], heap_rate=8.5)


@pytest.mark.parametrize("each", [1, 8, 0.1, 0.02])
def test_a_length_that_rises_at_one_rate_from_the_first_request_on_grows_for_ever(each):
    assert grows_for_ever((PLACES, [int(each * n) for n in PLACES]), since_boot=12_000)


@pytest.mark.parametrize("cap", [3000, 8000, 11_000])
def test_a_list_that_reaches_its_cap_does_not_grow_for_ever(cap):
    assert not grows_for_ever((PLACES, [min(n, cap) for n in PLACES]), since_boot=12_000)


@pytest.mark.parametrize("period", [900, 2500, 7000, 9000])
def test_a_buffer_that_is_emptied_now_and_then_does_not_grow_for_ever(period):
    assert not grows_for_ever((PLACES, [n % period for n in PLACES]), since_boot=12_000)


def test_a_buffer_that_was_emptied_before_anybody_looked_does_not_grow_for_ever():
    assert not grows_for_ever((PLACES, [n - 1900 for n in PLACES]), since_boot=20_000)


@pytest.mark.parametrize("seed", range(20))
def test_a_set_that_fills_from_a_limited_supply_does_not_grow_for_ever(seed):
    drawn, seen, lengths = random.Random(seed), set(), []
    for n in range(1, 12_001):
        seen.add(drawn.randrange(8000))
        if n in PLACES:
            lengths.append(len(seen))

    assert not grows_for_ever((PLACES, lengths), since_boot=12_000)


def test_the_leak_is_told_by_the_container_its_rate_and_its_length():
    watched = samples_at(PLACES, {Meter.HEAP_BYTES: [list_bytes(n) for n in PLACES]})

    decision = as_leak(clean(), held(), (PLACES, PLACES), watched, unit="request")

    assert (Outcome.LEAK, (Cause.PYTHON,)) == (decision.outcome, decision.classification)
    assert decision.reason.startswith(
        "app.SEEN gets longer by 1.0 per request, steadily over 10,000 requests, to 12,000;"
    )
    (growth,) = decision.growth
    assert growth.grows
    assert growth.low <= 8.5 <= growth.high


def test_a_container_that_takes_no_more_memory_is_no_leak():
    level = samples_at(PLACES, {Meter.HEAP_BYTES: [10**6] * len(PLACES)})

    assert clean() == as_leak(clean(), held(), (PLACES, PLACES), level, unit="request")


def noisy(outcome=Outcome.CLEAN, hidden=2.0, high=2.0, grows=(), causes=()):
    growth = Growth(meter=Meter.LIVE_BLOCKS, per_iteration=0.0, low=-high, high=high, grows=False)
    return Decision(
        outcome=outcome, growth=(growth,), grows=grows, classification=causes, reason="", hidden=hidden
    )


def test_containers_are_asked_where_more_could_hide_than_one_in_twenty():
    assert hides_growth(noisy())
    assert not hides_growth(noisy(hidden=0.01))
    assert not hides_growth(noisy(hidden=0.0))


def test_containers_are_asked_where_growth_of_objects_is_not_certain():
    unsure = {"outcome": Outcome.INCONCLUSIVE, "hidden": 0.0}

    assert hides_growth(noisy(**unsure, grows=(Meter.LIVE_BLOCKS,)))
    assert not hides_growth(noisy(**unsure, high=0.01, grows=(Meter.LIVE_BLOCKS,)))
    assert not hides_growth(noisy(**unsure, grows=(Meter.DESCRIPTORS,)))
    assert not hides_growth(noisy(outcome=Outcome.LEAK, grows=(Meter.LIVE_BLOCKS,)))


def test_entries_that_come_for_ever_are_a_leak_of_what_they_consist_of():
    decision = as_entries(noisy(), held(), (PLACES, PLACES), 3.0, unit="request")

    assert (Outcome.LEAK, (Meter.LIVE_BLOCKS,)) == (decision.outcome, decision.grows)
    assert [3.0] == [growth.per_iteration for growth in decision.growth if growth.grows]
    assert decision.reason.startswith(
        "app.SEEN gets longer by 1.0 per request, steadily over 10,000 requests"
    )


@pytest.mark.parametrize(("objects", "each"), [(0.0, 1.0), (1.0, 0.01), (0.04, 1.0)])
def test_entries_that_take_no_memory_or_come_too_rarely_explain_no_doubt(objects, each):
    lengths = (PLACES, [int(each * n) for n in PLACES])

    assert noisy() == as_entries(noisy(), held(), lengths, objects, unit="request")


def test_a_clean_answer_says_that_no_container_was_found_to_grow():
    decision = replace(noisy(), notes=(Note(slug="noise", text="much noise"), Note(slug="cycles", text="c")))

    told = [note.text for note in none_endless(decision).notes]
    assert ["much noise; of the containers that grew most none gets longer all along", "c"] == told
