"""What kind of memory grew, how much of it, and the figures that say so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_reqleak.analysis.classify import BLOCK_BYTES, Parts, cause_growth, kinds, parts_of, refine
from pytest_reqleak.model.finding import Holder
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.raw import RawSite

BLOCKS, HEAP, RSS, TASKS = Meter.LIVE_BLOCKS, Meter.HEAP_BYTES, Meter.RSS_BYTES, Meter.TASKS


def site(size: float, blocks: float) -> RawSite:
    return RawSite(frames=(("app.py", 1, ""),), bytes_per_iteration=size, blocks_per_iteration=blocks)


def parts(rates: dict[Meter, float], *sites: RawSite) -> Parts:
    traced = sum(entry.bytes_per_iteration for entry in sites) if sites else None
    grows = [meter for meter, rate in rates.items() if rate > 0]
    return parts_of(rates, grows, sites=sites, traced_bytes=traced)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({BLOCKS: 6.0}, (Cause.PYTHON,)),
        ({Meter.GC_OBJECTS: 1.0}, (Cause.PYTHON,)),
        ({HEAP: 500.0}, (Cause.NATIVE,)),
        ({BLOCKS: 1.0, HEAP: 80_000.0}, (Cause.PYTHON,)),
        ({BLOCKS: 1.0, HEAP: 400_000.0}, (Cause.PYTHON, Cause.NATIVE)),
        ({RSS: 4096.0}, (Cause.ALLOCATOR,)),
        ({Meter.CYCLIC_GARBAGE: 2.0}, (Cause.CYCLES,)),
        ({TASKS: 1.0, BLOCKS: 72.0}, (Cause.PYTHON, Cause.RESOURCE)),
        ({}, ()),
    ],
)
def test_meters_tell_the_kind(rates, expected):
    assert expected == kinds(rates)


def test_a_block_is_as_large_as_the_tracer_says_and_as_frequent_as_the_meter_says():
    assert Parts(python=200.0) == parts({BLOCKS: 2.0, HEAP: 0.0}, site(600, 6))


def test_heap_beyond_python_is_native():
    assert Parts(python=300.0, native=700.0) == parts({BLOCKS: 3.0, HEAP: 700.0}, site(300, 3))


def test_a_large_object_lies_in_the_heap_and_counts_once():
    assert Parts(python=8000.0) == parts({BLOCKS: 1.0, HEAP: 8016.0}, site(8000, 1))


def test_a_site_of_small_and_large_blocks_counts_its_large_ones_once():
    body = RawSite(
        frames=(("<unknown>", 0, ""),),
        bytes_per_iteration=2500.0,
        blocks_per_iteration=15.0,
        large_bytes_per_iteration=1057.0,
    )

    assert Parts(python=2500.0) == parts({BLOCKS: 15.0, HEAP: 1072.0}, body)


def test_large_blocks_hold_no_more_than_the_heap_has_gained():
    kept = replace(site(1318.0, 1.0), large_bytes_per_iteration=1250.0)

    assert Parts(python=1142.0) == parts({BLOCKS: 1.0, HEAP: 1074.0}, kept)


def test_a_block_in_a_thousand_requests_is_noise_beside_heap_that_grows():
    rates = {BLOCKS: 0.0006, HEAP: 512.0}

    found = parts_of(rates, [HEAP], sites=[site(200.0, 1.0)], traced_bytes=200.0)

    assert Parts(native=512.0) == found


def test_a_few_bytes_of_heap_that_objects_cannot_round_up_to_are_native():
    seen = [site(90.0, 1.1)]

    assert Parts(native=8.0) == parts_of({BLOCKS: 0.003, HEAP: 8.0}, [HEAP], sites=seen, traced_bytes=90.0)
    assert Parts(python=1.0, native=8.0) == parts({BLOCKS: 0.02, HEAP: 8.0}, site(50.0, 1.0))
    assert Parts(python=50.0) == parts({BLOCKS: 1.0, HEAP: 8.0}, site(50.0, 1.0))


def test_heap_without_any_object_is_native():
    assert Parts(native=520.0) == parts({BLOCKS: 0.0, HEAP: 520.0}, site(0.5, 0.01))


def test_under_the_c_allocator_python_is_the_part_of_the_heap_that_the_tracer_saw():
    assert Parts(python=1000.0, native=520.0) == parts({HEAP: 1520.0}, site(1000, 3))


def test_under_the_c_allocator_what_malloc_rounds_up_is_not_native():
    assert Parts(python=1000.0) == parts({HEAP: 1048.0}, site(1000, 3))


def test_without_a_tracer_blocks_have_a_usual_size_and_heap_beside_them_is_theirs():
    assert Parts(python=2 * BLOCK_BYTES + 10.0) == parts({BLOCKS: 2.0, HEAP: 10.0})


def test_resident_memory_alone_is_outside_of_both():
    assert Parts(outside=8192.0) == parts({BLOCKS: 0.0, HEAP: 0.0, RSS: 8192.0}, site(1.0, 0.01))


def test_resident_memory_is_not_counted_a_second_time():
    assert Parts(python=BLOCK_BYTES) == parts({BLOCKS: 1.0, RSS: 4096.0})


def test_resident_memory_beside_traced_objects_is_outside_but_for_what_they_hold():
    assert Parts(python=100.0, outside=8092.0) == parts({BLOCKS: 1.0, RSS: 8192.0}, site(100.0, 1.0))


def test_the_tracer_adds_native_memory_that_the_meters_took_for_python():
    assert (Cause.PYTHON, Cause.NATIVE) == refine((Cause.PYTHON,), Parts(python=300, native=500))


def test_the_tracer_removes_native_memory_that_was_python_after_all():
    assert (Cause.PYTHON,) == refine((Cause.NATIVE,), Parts(python=1000))


def test_mapped_memory_stays_native():
    kept = (Cause.PYTHON, Cause.NATIVE, Cause.MAPPED)

    assert kept == refine((Cause.NATIVE, Cause.MAPPED), Parts(python=1, outside=8192))


def told(classification: tuple[Cause, ...], rates: dict[Meter, float], found: Parts, **extra: object):
    grows = [meter for meter, rate in rates.items() if rate > 0]
    return [
        (entry.cause, entry.bytes_per_iteration, entry.text)
        for entry in cause_growth(classification, rates, grows, found, **extra)
    ]


def test_what_makes_it_grow_is_told_before_where_it_lies():
    causes = told((Cause.PYTHON, Cause.RESOURCE), {BLOCKS: 72.0, TASKS: 1.0}, Parts(python=8747))

    assert [
        (Cause.RESOURCE, 0.0, "1.0 asyncio task per request never finishes"),
        (Cause.PYTHON, 8747, "72.0 live blocks per request, which hold 8.5 KiB"),
    ] == causes


def test_resources_are_counted_each():
    rates = {TASKS: 2.0, Meter.DESCRIPTORS: 1.0, Meter.THREADS: 0.25}

    assert [
        "2.0 asyncio tasks per iteration never finish and 0.25 threads per iteration go on running "
        "and 1.0 file descriptor per iteration stays open"
    ] == [text for _, _, text in told((Cause.RESOURCE,), rates, Parts(), unit="iteration")]


def test_native_memory_beside_python_says_how_much_of_the_heap_it_is():
    rates = {BLOCKS: 3.0, HEAP: 900.0}
    causes = told((Cause.PYTHON, Cause.NATIVE), rates, Parts(python=300, native=700))

    assert (
        Cause.NATIVE,
        700,
        "the C heap rises by 900 B per request, 700 B of it for no Python object",
    ) == causes[1]


def test_mapped_memory_is_one_entry_with_the_resident_figure():
    rates = {BLOCKS: 0.0, HEAP: 0.0, RSS: 8192.0}
    ((cause, size, text),) = told((Cause.NATIVE, Cause.MAPPED), rates, Parts(outside=8192))

    assert (Cause.MAPPED, 8192) == (cause, size)
    assert text.startswith("RSS rises by 8 KiB per request even where free memory was given back")


def test_a_bounded_container_says_how_full_it_is():
    holder = Holder(path="app.CACHE", type="dict", growth_per_iteration=1.0, size=300, bound=512)
    causes = told((Cause.BOUNDED,), {BLOCKS: 3.0}, Parts(python=200), holders=[holder])

    assert [(Cause.BOUNDED, 0.0, "app.CACHE holds 300 of 512 at most")] == causes


def test_cycles_and_the_allocator_say_their_figures():
    rates = {Meter.CYCLIC_GARBAGE: 12.0, RSS: 4096.0}
    causes = told((Cause.CYCLES, Cause.ALLOCATOR), rates, Parts())

    assert ["12.0 objects per request", "RSS rises by 4 KiB per request"] == [
        text.split(" are in")[0].split(", while")[0] for _, _, text in causes
    ]
    assert [0.0, 4096.0] == [size for _, size, _ in causes]


def test_mapped_memory_where_the_heap_cannot_be_read_says_so():
    ((_, _, text),) = told((Cause.NATIVE, Cause.MAPPED), {BLOCKS: 0.0, RSS: 8192.0}, Parts(outside=8192))

    assert text.endswith("live blocks do not rise with it; what the C heap has in use cannot be read")
