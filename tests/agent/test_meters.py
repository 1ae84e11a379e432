"""What the meters read, in processes of their own: reading must leave nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from itertools import pairwise

import pytest

from pytest_reqleak.model.meter import Meter


def readings(code: str) -> dict[str, list[int]]:
    """Run code that prints columns of readings as JSON, in a process of its own."""
    prelude = """
        import gc, json, os, sys, threading
        from pytest_reqleak.agent.agent import Agent
        from pytest_reqleak.model.meter import Meter, Phase

        def columns(agent):
            samples = agent.buffer.samples()
            print(json.dumps({str(m): list(column) for m, column in samples.readings.items()}))
        """
    script = textwrap.dedent(prelude) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "" == done.stderr
    return json.loads(done.stdout)


def test_sampling_leaves_nothing_behind():
    columns = readings(
        """
        with Agent() as agent:
            agent.buffer.reserve(60)
            agent.settle(); agent.freeze()
            for n in range(60):
                agent.settle()
                agent.sample(n, Phase.MEASURE)
            columns(agent)
        """
    )
    for meter in (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS, Meter.DESCRIPTORS, Meter.THREADS):
        settled = columns[meter][5:]
        assert {settled[0]} == set(settled), meter


def test_each_kept_object_is_one_block_and_one_tracked_object():
    columns = readings(
        """
        kept = []
        kept.extend([None] * 2000)
        class Thing:
            __slots__ = ("x", "__weakref__")
        with Agent() as agent:
            agent.buffer.reserve(20)
            agent.settle(); agent.freeze()
            for n in range(20):
                for k in range(100):
                    kept[n * 100 + k] = Thing()
                agent.settle()
                agent.sample(n, Phase.MEASURE)
            columns(agent)
        """
    )
    for meter in (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS):
        steps = [b - a for a, b in zip(columns[meter][5:], columns[meter][6:], strict=False)]
        assert [100] * len(steps) == steps, meter


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C heap is only read on Linux here")
def test_memory_from_the_c_allocator_shows_on_the_heap_alone():
    columns = readings(
        """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        with Agent() as agent:
            agent.buffer.reserve(20)
            agent.settle(); agent.freeze()
            for n in range(20):
                for _ in range(50):
                    libc.malloc(1000)
                agent.settle()
                agent.sample(n, Phase.MEASURE)
            columns(agent)
        """
    )
    heap = columns[Meter.HEAP_BYTES]
    per_call = (heap[-1] - heap[5]) / (14 * 50)
    assert 1000 <= per_call <= 1050
    assert columns[Meter.LIVE_BLOCKS][-1] == columns[Meter.LIVE_BLOCKS][5]


def test_descriptors_and_threads_are_counted():
    columns = readings(
        """
        kept, stop = [], threading.Event()
        with Agent() as agent:
            for n in range(5):
                agent.sample(n, Phase.MEASURE)
                kept.append(open(os.devnull))
                threading.Thread(target=stop.wait).start()
            columns(agent)
            stop.set()
            for file in kept:
                file.close()
        """
    )
    for meter in (Meter.DESCRIPTORS, Meter.THREADS):
        first = columns[meter][0]
        assert [first, first + 1, first + 2, first + 3, first + 4] == columns[meter]


def test_cyclic_garbage_is_counted_where_the_app_has_disabled_the_collector():
    columns = readings(
        """
        gc.collect(); gc.disable()
        with Agent() as agent:
            assert agent.collector_disabled
            agent.settle()
            agent.start_counting_garbage()
            for n in range(4):
                agent.sample(n, Phase.MEASURE)
                for _ in range(10):
                    loop = []
                    loop.append(loop)
                del loop
                agent.settle()
            columns(agent)
        """
    )
    assert [0, 10, 20, 30] == columns[Meter.CYCLIC_GARBAGE]


def test_what_the_harness_allocates_between_two_samples_can_be_left_out():
    columns = readings(
        """
        mine, phase = [], Phase.MEASURE
        with Agent() as agent:
            agent.buffer.reserve(20)
            agent.settle(); agent.freeze()
            for n in range(10):
                mine.append([[n] for _ in range(1000)])
                agent.settle()
                agent.disown()
                agent.sample(n, phase)
            columns(agent)
        """
    )
    for meter in (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS):
        settled = columns[meter][3:]
        assert {settled[0]} == set(settled), meter


@pytest.mark.parametrize(
    "harness",
    [
        "mine.append([(1, n, tuple((str(n), k) for k in range(9))) for n in range(1000)])",
        "agent.thaw()",
        "agent.thaw(); agent.freeze()",
    ],
    ids=["what a tracer hands out", "a thaw", "a thaw and a freeze"],
)
def test_the_count_of_objects_goes_on_over_what_the_harness_does(harness):
    columns = readings(
        f"""
        mine, theirs = [], []
        with Agent() as agent:
            agent.buffer.reserve(20)
            agent.settle(); agent.freeze()
            for n in range(6):
                theirs.append([])
                agent.settle(); agent.sample(n, Phase.MEASURE)
                {harness}
                agent.disown()
            columns(agent)
        """
    )
    objects = columns[Meter.GC_OBJECTS]

    assert 0 <= objects[0]
    assert [1] * 3 == [b - a for a, b in pairwise(objects[2:])], objects


def test_the_collector_is_left_as_it_was_found():
    readings(
        """
        with Agent() as agent:
            agent.settle(); agent.freeze()
            assert gc.get_freeze_count() > 0
            columns(agent)
        assert gc.get_freeze_count() == 0
        gc.freeze()
        with Agent() as agent:
            agent.thaw()
        assert gc.get_freeze_count() > 0
        """
    )


def test_a_meter_that_cannot_be_read_is_absent():
    columns = readings(
        """
        import psutil
        del psutil.heap_info
        with Agent() as agent:
            agent.sample(0, Phase.MEASURE)
            columns(agent)
        """
    )
    assert Meter.HEAP_BYTES not in columns
    assert Meter.TASKS not in columns
    assert Meter.LIVE_BLOCKS in columns


def test_a_large_buffer_that_is_emptied_again_and_again_does_not_seem_to_grow():
    columns = readings(
        """
        with Agent() as agent:
            agent.buffer.reserve(40)
            agent.settle(); agent.freeze()
            buffer = []
            for n in range(12):
                # More than the survivors that the agent freezes at once.
                buffer.extend([] for _ in range(25_000))
                agent.settle(); agent.sample(2 * n, Phase.MEASURE)
                buffer.clear()
                agent.settle(); agent.sample(2 * n + 1, Phase.MEASURE)
            columns(agent)
        """
    )
    full, empty = columns[Meter.GC_OBJECTS][::2], columns[Meter.GC_OBJECTS][1::2]

    # What died since the last freeze is only known at the next one.
    assert max(full) - min(full) <= 25_100
    assert max(empty) - min(empty) <= 25_100
