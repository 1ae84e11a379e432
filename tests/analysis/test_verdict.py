from __future__ import annotations

import math
import random
import time
from dataclasses import replace

import pytest
from analysis_samples import samples_at

from pytest_reqleak.analysis.verdict import LEAST_STAGE_ITERATIONS, Outcome, decide, screen
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.sample import Samples

BLOCKS, HEAP, RSS = Meter.LIVE_BLOCKS, Meter.HEAP_BYTES, Meter.RSS_BYTES
HOLE = (3000, 3600)


def level(n):
    return 5000


def screened(make_samples, columns, *, threshold=0.05, **settings):
    return screen(make_samples(columns), threshold=threshold, **settings)


def decided(make_samples, columns, *, stages=1, threshold=0.05, **settings):
    """The measurement of 2,000 iterations, then stages of 2,000, 4,000, 8,000, the first with a hole."""
    measured = make_samples(columns, stop=2000)
    edges = [2000, 4600, 8600, 16600]
    confirms = [
        make_samples(columns, start=edges[k], stop=edges[k + 1], hole=HOLE if k == 0 else None)
        for k in range(stages)
    ]
    return decide(measured, confirms, threshold=threshold, **settings)


# -- after the measurement ------------------------------------------------------------------


def test_where_everything_is_flat_the_run_is_clean_at_once(make_samples):
    decision = screened(make_samples, dict.fromkeys(Meter, level))

    assert Outcome.CLEAN is decision.outcome
    assert "nothing grew over 2,000 requests" == decision.reason
    assert 0 == decision.more_iterations


@pytest.mark.parametrize("rate", [1 / 500, 1 / 250, 1 / 20, 6])
def test_what_rises_is_watched_for_as_long_again(make_samples, rate):
    decision = screened(make_samples, {BLOCKS: lambda n: n * rate})

    assert Outcome.GO_ON is decision.outcome
    assert (BLOCKS,) == decision.grows
    assert 2000 == decision.more_iterations


def test_one_rise_is_an_event_and_no_growth(make_samples):
    assert Outcome.CLEAN is screened(make_samples, {BLOCKS: lambda n: 13_000 * (n > 1500)}).outcome


def test_a_cache_that_is_full_since_long_is_clean_at_once(make_samples):
    assert Outcome.CLEAN is screened(make_samples, {BLOCKS: lambda n: min(n, 1100)}).outcome


def test_a_fading_growth_is_watched_on(make_samples):
    assert Outcome.GO_ON is screened(make_samples, {BLOCKS: lambda n: 900 * (1 - 0.999**n)}).outcome


def test_noise_that_could_hide_a_leak_is_watched_on_but_not_suspected(make_samples):
    rng = random.Random(1)

    decision = screened(make_samples, {BLOCKS: lambda n: rng.randint(-250, 250)})

    assert Outcome.GO_ON is decision.outcome
    assert () == decision.grows
    assert "could hide in their noise" in decision.reason


@pytest.mark.parametrize("meter", [Meter.DESCRIPTORS, Meter.THREADS, Meter.TASKS])
def test_every_exact_meter_is_watched(make_samples, meter):
    decision = screened(make_samples, {BLOCKS: level, meter: lambda n: n // 250})

    assert (meter,) == decision.grows


def test_objects_of_the_collector_are_watched_where_blocks_cannot_be_counted(make_samples):
    rising = {HEAP: level, Meter.GC_OBJECTS: lambda n: n // 250}

    assert (Meter.GC_OBJECTS,) == screened(make_samples, rising).grows


def test_objects_of_the_collector_cannot_grow_where_their_blocks_do_not(make_samples):
    rising = {BLOCKS: level, Meter.GC_OBJECTS: lambda n: 30 * n}

    assert Outcome.CLEAN is screened(make_samples, rising).outcome


def test_objects_of_the_collector_are_named_beside_their_blocks(make_samples):
    rising = {BLOCKS: lambda n: n, Meter.GC_OBJECTS: lambda n: n}

    assert (BLOCKS, Meter.GC_OBJECTS) == screened(make_samples, rising).grows


def test_resident_memory_is_suspected_only_where_nothing_else_is(make_samples):
    rising = {BLOCKS: lambda n: n, RSS: lambda n: 2000 * n}

    assert (BLOCKS,) == screened(make_samples, rising).grows
    assert (RSS,) == screened(make_samples, {**rising, BLOCKS: level}).grows


def test_a_growth_that_cannot_reach_the_threshold_is_clean_with_a_note(make_samples):
    decision = screened(make_samples, {BLOCKS: lambda n: n // 100}, threshold=64.0)

    assert Outcome.CLEAN is decision.outcome
    assert ["below-threshold"] == [note.slug for note in decision.notes]


def test_a_quick_app_is_watched_for_longer_than_it_was_asked_to(make_samples):
    quick = make_samples({BLOCKS: lambda n: n}, stop=500, batch=10)

    assert 1000 == screen(quick, threshold=0.05).more_iterations


# -- after confirmations --------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1 / 100, 1 / 20, 1, 6])
def test_a_steady_growth_is_a_leak(make_samples, rate):
    decision = decided(make_samples, {BLOCKS: lambda n: n * rate})

    assert Outcome.LEAK is decision.outcome
    assert (Cause.PYTHON,) == decision.classification
    assert pytest.approx(rate, rel=0.05) == decision.growth[0].per_iteration
    assert decision.growth[0].grows


def test_the_reason_is_a_sentence_with_numbers(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: 6 * n})

    assert "live blocks rise by 6.0 per request, steadily over 4,600 requests" == decision.reason


def test_the_reason_speaks_of_iterations_where_a_test_is_the_workload(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: 6 * n}, unit="iteration")

    assert "live blocks rise by 6.0 per iteration, steadily over 4,600 iterations" == decision.reason


def test_one_object_in_250_requests_is_found(make_samples):
    measured = make_samples({BLOCKS: lambda n: n // 250}, stop=5000, batch=100)
    confirm = make_samples(
        {BLOCKS: lambda n: n // 250}, start=5000, stop=11_600, batch=100, hole=(7500, 9000)
    )

    assert Outcome.GO_ON is screen(measured, threshold=0.05).outcome
    assert Outcome.LEAK is decide(measured, [confirm], threshold=0.05).outcome


def test_growth_that_stopped_is_clean(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: min(n, 2100)})

    assert Outcome.CLEAN is decision.outcome
    assert "live blocks rose at first, but no longer over the last 2,600 requests" == decision.reason


def test_a_cache_that_became_full_just_before_the_end_is_no_leak(make_samples):
    assert Outcome.LEAK is not decided(make_samples, {BLOCKS: lambda n: min(n, 4440)}).outcome


def test_fading_growth_is_watched_on_for_as_long_as_all_before(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: 6000 * (1 - 0.9998**n)})

    assert Outcome.GO_ON is decision.outcome
    assert 4600 == decision.more_iterations
    assert "ever more slowly" in decision.reason


def test_fading_growth_is_inconclusive_at_the_end_and_told_what_would_settle_it(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: 6000 * (1 - 0.9998**n)}, final=True)

    assert Outcome.INCONCLUSIVE is decision.outcome
    assert decision.reason.endswith("ever more slowly; iterations=9200 would settle it")


def test_there_is_an_end_to_going_on(make_samples):
    columns = {BLOCKS: lambda n: 60_000 * (1 - 0.99999**n) ** 0.7}
    measured = make_samples(columns)
    confirms = []
    decision = screen(measured, threshold=0.05)
    while decision.outcome is Outcome.GO_ON:
        done = (confirms or [measured])[-1].iterations[-1]
        confirms.append(make_samples(columns, start=done, stop=done + decision.more_iterations))
        decision = decide(measured, confirms, threshold=0.05)

    assert 4 >= len(confirms)


def test_what_expires_during_a_rest_is_no_leak(make_samples):
    # Sessions pile up while requests come, and are gone after the rest in the hole.
    decision = decided(make_samples, {BLOCKS: lambda n: 8 * (n if n <= 3000 else n - 3600)})

    assert Outcome.GO_ON is decision.outcome
    assert "fell back in between" in decision.reason


@pytest.mark.parametrize(("pace", "outcome"), [(5e-5, Outcome.GO_ON), (5e-4, Outcome.LEAK)])
def test_what_expired_in_a_rest_is_given_twice_as_long_to_expire_again(pace, outcome):
    # Something was lost in a rest of a second; a quick app makes 20,000 requests in that time.
    places = list(range(0, 20_001, 40))
    blocks = [n if n <= 3000 else n - 2000 for n in places]
    parts = [
        replace(
            samples_at(places[begin:end], {BLOCKS: blocks[begin:end]}),
            seconds=tuple(n * pace + (n > 3000) for n in places[begin:end]),
        )
        for begin, end in ((0, 51), (51, 101), (101, 201), (201, 501))
    ]

    assert outcome is decide(parts[0], parts[1:], threshold=0.05).outcome


def test_a_buffer_longer_than_the_measurement_is_no_leak(make_samples):
    for phase in range(0, 3000, 250):
        decision = decided(make_samples, {BLOCKS: lambda n, phase=phase: (n + phase) % 3000})

        assert Outcome.LEAK is not decision.outcome


def test_what_a_tracer_kept_in_the_hole_has_no_say(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: n + 50_000 * (n > 3300)})

    assert Outcome.LEAK is decision.outcome
    assert pytest.approx(1.0) == decision.growth[0].per_iteration


def test_a_leak_beside_a_step_is_found(make_samples):
    assert Outcome.LEAK is decided(make_samples, {BLOCKS: lambda n: n + 5000 * (n > 1500)}).outcome


def test_a_leak_under_a_saw_tooth_is_found(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: n // 4 + 5 * (n % 300)}, stages=3)

    assert Outcome.LEAK is decision.outcome


def test_noise_is_clean_and_says_what_it_could_hide(make_samples):
    rng = random.Random(4)
    columns = {BLOCKS: lambda n: rng.randint(-250, 250)}

    decision = decided(make_samples, columns, stages=2)

    assert Outcome.CLEAN is decision.outcome
    assert ["noise"] == [note.slug for note in decision.notes]


# -- bytes ----------------------------------------------------------------------------------


def test_bytes_from_a_tracer_overrule_the_estimate(make_samples):
    columns = {BLOCKS: lambda n: n}

    assert Outcome.LEAK is decided(make_samples, columns, threshold=200, bytes_per_iteration=233.0).outcome
    assert Outcome.CLEAN is decided(make_samples, columns, threshold=200).outcome


def test_certain_growth_below_the_threshold_is_told(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: n}, threshold=100)

    assert Outcome.CLEAN is decision.outcome
    (note,) = decision.notes
    assert ("below-threshold", True) == (note.slug, "below the threshold of 100 B" in note.text)


def test_a_tracer_that_saw_less_than_the_blocks_must_hold_is_not_believed(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: n // 100}, bytes_per_iteration=0.0)

    assert Outcome.LEAK is decision.outcome


def test_a_tracer_of_python_does_not_hide_native_growth(make_samples):
    columns = {BLOCKS: level, HEAP: lambda n: 300 * n}

    assert Outcome.LEAK is decided(make_samples, columns, bytes_per_iteration=0.0).outcome


def test_descriptors_leak_whatever_the_threshold(make_samples):
    decision = decided(make_samples, {BLOCKS: level, Meter.DESCRIPTORS: lambda n: n // 50}, threshold=10**6)

    assert (Outcome.LEAK, (Cause.RESOURCE,)) == (decision.outcome, decision.classification)


# -- what kind ------------------------------------------------------------------------------


def test_heap_without_blocks_is_native(make_samples):
    decision = decided(make_samples, {BLOCKS: level, HEAP: lambda n: 300 * n})

    assert (Cause.NATIVE,) == decision.classification
    assert "the C heap rises by 300 B per request" in decision.reason


def test_heap_with_blocks_is_python(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: n, HEAP: lambda n: 80_000 * n})

    assert (Cause.PYTHON,) == decision.classification


def test_heap_that_few_blocks_cannot_hold_is_both(make_samples):
    decision = decided(make_samples, {BLOCKS: lambda n: n // 100, HEAP: lambda n: 80_000 * n})

    assert (Cause.PYTHON, Cause.NATIVE) == decision.classification


def test_heap_that_wanders_by_a_few_bytes_per_request_is_clean(make_samples):
    columns = {BLOCKS: level, HEAP: lambda n: 3 * n + 1500 * math.sin(n)}

    assert Outcome.CLEAN is screened(make_samples, columns).outcome


def test_heap_that_rises_like_clockwork_is_looked_at_however_slowly(make_samples):
    assert Outcome.LEAK is decided(make_samples, {BLOCKS: level, HEAP: lambda n: 3 * n}).outcome


def test_heap_that_rises_in_few_steps_is_clean(make_samples):
    columns = {BLOCKS: level, HEAP: lambda n: 3 * 600 * (n // 600)}

    assert Outcome.CLEAN is screened(make_samples, columns).outcome


@pytest.mark.parametrize(("threads", "outcome"), [(3, Outcome.LEAK), (10, Outcome.CLEAN)])
def test_each_thread_has_bins_in_the_heap_that_may_be_filling(make_samples, threads, outcome):
    columns = {BLOCKS: level, HEAP: lambda n: 12 * n, Meter.THREADS: lambda n: threads}

    assert outcome is decided(make_samples, columns).outcome


def test_cyclic_garbage_is_advice_while_the_collector_runs(make_samples):
    decision = screened(make_samples, {BLOCKS: level, Meter.CYCLIC_GARBAGE: lambda n: 12 * n})

    assert Outcome.CLEAN is decision.outcome
    (note,) = decision.notes
    assert ("cycles", True) == (note.slug, note.text.startswith("12.0 objects per request"))


def test_cyclic_garbage_is_a_leak_where_the_collector_is_disabled(make_samples):
    columns = {BLOCKS: level, Meter.CYCLIC_GARBAGE: lambda n: 12 * n}

    assert Outcome.GO_ON is screened(make_samples, columns, collector_disabled=True).outcome
    decision = decided(make_samples, columns, collector_disabled=True)
    assert (Outcome.LEAK, (Cause.CYCLES,)) == (decision.outcome, decision.classification)


MAPPED = {BLOCKS: level, HEAP: level, RSS: lambda n: 4096 * (n // 2)}


def test_resident_memory_alone_needs_two_confirmations(make_samples):
    trimmed = [(2000, 4_096_000), (4600, 9_420_800)]

    assert Outcome.GO_ON is decided(make_samples, MAPPED, rss_after_trim=trimmed).outcome


def test_resident_memory_that_survives_the_trim_is_a_native_leak(make_samples):
    trimmed = [(2000, 4_096_000), (4600, 9_420_800), (8600, 17_612_800)]

    decision = decided(make_samples, MAPPED, stages=2, rss_after_trim=trimmed)

    assert (Outcome.LEAK, (Cause.NATIVE, Cause.MAPPED)) == (decision.outcome, decision.classification)


def test_resident_memory_in_holes_is_clean_with_a_note(make_samples):
    trimmed = [(2000, 4_096_000), (4600, 9_420_800), (8600, 17_612_800)]
    free = [(2000, 4_000_000), (4600, 9_200_000), (8600, 17_200_000)]

    decision = decided(make_samples, MAPPED, stages=2, rss_after_trim=trimmed, free_after_trim=free)

    assert Outcome.CLEAN is decision.outcome
    assert [("allocator", True)] == [
        (note.slug, note.text.endswith("the memory is fragmented")) for note in decision.notes
    ]


def test_a_hole_beside_memory_that_is_mapped_excuses_nothing(make_samples):
    trimmed = [(2000, 4_096_000), (4600, 9_420_800), (8600, 17_612_800)]
    free = [(2000, 9_000_000), (4600, 9_400_000), (8600, 9_000_000)]

    decision = decided(make_samples, MAPPED, stages=2, rss_after_trim=trimmed, free_after_trim=free)

    assert (Outcome.LEAK, (Cause.NATIVE, Cause.MAPPED)) == (decision.outcome, decision.classification)


def test_resident_memory_that_is_given_back_is_clean_with_a_note(make_samples):
    trimmed = [(2000, 900_000), (4600, 900_000), (8600, 904_096)]

    decision = decided(make_samples, MAPPED, stages=2, rss_after_trim=trimmed)

    assert Outcome.CLEAN is decision.outcome
    assert ["allocator"] == [note.slug for note in decision.notes]


def test_resident_memory_that_nobody_could_trim_is_inconclusive(make_samples):
    decision = decided(make_samples, MAPPED, stages=2)

    assert (Outcome.INCONCLUSIVE, (Cause.ALLOCATOR,)) == (decision.outcome, decision.classification)


def test_resident_memory_that_blocks_explain_does_not_decide(make_samples):
    columns = {BLOCKS: lambda n: n, RSS: lambda n: 1000 * n}

    assert Outcome.CLEAN is decided(make_samples, columns, stages=2, threshold=900).outcome


BESIDE = {BLOCKS: lambda n: n // 2, HEAP: level, RSS: lambda n: 4096 * (n // 2)}


def test_resident_memory_that_blocks_cannot_hold_grows_beside_them(make_samples):
    trimmed = [(2000, 4_096_000), (4600, 9_420_800)]

    decision = decided(make_samples, BESIDE, rss_after_trim=trimmed)

    assert (Outcome.LEAK, (BLOCKS, RSS)) == (decision.outcome, decision.grows)
    assert (Cause.PYTHON, Cause.MAPPED) == decision.classification


def test_resident_memory_that_is_given_back_does_not_grow_beside_blocks(make_samples):
    trimmed = [(2000, 900_000), (4600, 904_096)]

    assert (BLOCKS,) == decided(make_samples, BESIDE, rss_after_trim=trimmed).grows


def test_resident_memory_that_blocks_may_hold_does_not_grow_beside_them(make_samples):
    columns = {**BESIDE, RSS: lambda n: 1000 * (n // 2)}
    trimmed = [(2000, 1_000_000), (4600, 2_300_000)]

    assert (BLOCKS,) == decided(make_samples, columns, rss_after_trim=trimmed).grows


# -- little to go by ------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_few_samples_of_an_exact_meter_that_stays_level_are_clean(n):
    samples = samples_at(range(n), {BLOCKS: [5000] * n})

    assert Outcome.CLEAN is screen(samples, threshold=0.05).outcome


@pytest.mark.parametrize("n", [0, 1])
def test_with_less_than_two_samples_nothing_is_said(n):
    samples = samples_at(range(n), {BLOCKS: [5000] * n})

    assert Outcome.INCONCLUSIVE is screen(samples, threshold=0.05).outcome


def test_a_short_growth_is_watched_for_long_enough_to_tell():
    samples = samples_at(range(21), {BLOCKS: range(21)})
    slow = Samples(
        iterations=samples.iterations,
        seconds=tuple(10.0 * n for n in range(21)),
        phases=samples.phases,
        readings=samples.readings,
    )

    assert LEAST_STAGE_ITERATIONS == screen(slow, threshold=0.05).more_iterations


def test_a_stage_that_was_cut_short_proves_nothing():
    measured = samples_at(range(6), {BLOCKS: range(6)})
    confirm = samples_at([5, 6], {BLOCKS: [5, 6]})

    assert Outcome.GO_ON is decide(measured, [confirm], threshold=0.05).outcome
    assert Outcome.INCONCLUSIVE is decide(measured, [confirm], threshold=0.05, final=True).outcome


def test_a_meter_that_a_stage_lacks_is_left_out(make_samples):
    measured = make_samples({BLOCKS: level, HEAP: lambda n: 300 * n})
    confirm = make_samples({BLOCKS: level}, start=2000, stop=4000)

    assert (BLOCKS,) == tuple(g.meter for g in decide(measured, [confirm], threshold=0.05).growth)


def test_judging_is_quick(make_samples):
    rng = random.Random(5)
    columns = {meter: lambda n: 7 * n + rng.randint(-99, 99) for meter in Meter}
    measured = make_samples(columns)
    confirm = make_samples(columns, start=2000, stop=6000)

    best = min(_seconds(lambda: decide(measured, [confirm], threshold=0.05)) for _ in range(5))

    # 8 ms of this thread's own time, whatever else the machine does.
    assert best < 0.05


def _seconds(work):
    started = time.thread_time()
    work()
    return time.thread_time() - started


def test_what_has_settled_is_told_by_what_it_does_now():
    filling = samples_at(range(0, 2001, 40), {Meter.LIVE_BLOCKS: [1000 + 5 * n for n in range(0, 2001, 40)]})
    flat = samples_at(range(2000, 6001, 40), {Meter.LIVE_BLOCKS: [11_000] * 101})

    answer = decide(filling, [flat], threshold=0.05)

    (growth,) = answer.growth
    assert (Outcome.CLEAN, 0.0) == (answer.outcome, growth.per_iteration), answer.reason


def test_what_falls_along_a_line_may_hide_as_much_growth(make_samples):
    """A buffer of 101 is read every hundred requests: it seems to fall, for fifty batches and more."""
    samples = make_samples({BLOCKS: lambda n: n // 100 + 5 * (n % 101)}, stop=5000, batch=100)

    decision = screen(samples, threshold=0.05)

    assert Outcome.GO_ON is decision.outcome
