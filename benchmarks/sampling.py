"""What one sample costs, by the size of the heap that was frozen before.

    python -m benchmarks.sampling [--objects 10000,100000,1000000] [--samples 300]

One process per size: it fills its heap with lists, dicts and tuples, warms up, freezes,
and times settling and sampling between batches of a FastAPI endpoint, collections included.
The batches have 100 requests, as in a run of 5,000: the share of the run is what settling and
sampling take of each batch with its sample. All in CPU time, but for the longest pause, which is
of the wall clock and on a busy machine says how busy it is.

Found by timing each part (CPython 3.11, hot caches): `sys.getallocatedblocks` 26 us, a pass
through the event loop 30 us, `num_threads` by psutil 22 us, listing /proc/self/fd 16 us, the C
heap 4 us, a collection of a frozen heap under 1 us, all else less. In a run, where each is
cold, the two that open files took half of the sample; they are read by `fstat` now (1 us each).
What is left does not depend on the heap, but for `getallocatedblocks`, which looks at each
pool of 16 KiB. Beside a call of 50 us, 50 samples are above the wanted share. Fewer would be below it,
and find less: with 36, which would do, `benchmarks.power` finds 98.2 % of the leaks of a block in 200
under timers, with 50 it finds 99.3 %.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.endpoints import load
from benchmarks.pairs import child, print_table, verdict_of

_MOST_MS = 1.0
_MOST_SHARE = 2.0
_BATCH_REQUESTS = 100


def fill(count: int) -> list[Any]:
    """So many objects that the collector knows, and as many that it does not."""
    return [(number, [float(number)], {"number": number}) for number in range(count // 3)]


def measure_samples(objects: int, samples: int) -> list[float]:
    """Median seconds of settling, of sampling and of a batch, and the longest pause of the first two."""
    from pytest_reqleak import Request
    from pytest_reqleak.drivers.driver import make_driver
    from pytest_reqleak.model.meter import Phase
    from pytest_reqleak.servers.booted import boot

    kept = fill(objects)
    settling, sampling, batches = [], [], []
    longest = 0.0
    app, path = load("fastapi")
    with boot(app, server="direct", timeout=30) as booted, booted.make_agent() as agent:
        driver = make_driver(booted, [Request("GET", path)], concurrency=1, request_seconds=30)
        agent.buffer.reserve(samples)
        driver.run_batch(0, 5 * _BATCH_REQUESTS)
        agent.freeze()
        for number in range(samples):
            begun = time.process_time()
            driver.run_batch(number * _BATCH_REQUESTS, _BATCH_REQUESTS)
            sent, paused = time.process_time(), time.perf_counter()
            agent.settle()
            settled = time.process_time()
            agent.sample(number, Phase.MEASURE)
            batches.append(sent - begun)
            settling.append(settled - sent)
            sampling.append(time.process_time() - settled)
            longest = max(longest, time.perf_counter() - paused)
        driver.close()
    assert len(kept) == objects // 3
    return [median(settling), median(sampling), median(batches), longest]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sampling", description="What one sample costs."
    )
    parser.add_argument("--objects", default="10000,100000,1000000", metavar="SIZES")
    parser.add_argument("--samples", type=int, default=300, metavar="N")
    parser.add_argument("--half", nargs=2, metavar=("OBJECTS", "SAMPLES"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        print(json.dumps(measure_samples(*map(int, chosen.half))))
        return 0
    rows = []
    for objects in map(int, chosen.objects.split(",")):
        settle, sample, batch, longest = child("sampling", objects, chosen.samples)
        share = 100 * (settle + sample) / (settle + sample + batch)
        rows.append(
            (
                f"{objects:,}",
                f"{1e3 * settle:.2f} ms",
                f"{1e3 * sample:.2f} ms",
                verdict_of(1e3 * sample, _MOST_MS, form="{:.0f} ms"),
                f"{1e3 * longest:.1f} ms",
                f"{share:.1f} %",
                verdict_of(share, _MOST_SHARE, form="{:.0f} %"),
            )
        )
    columns = ("objects frozen", "settle", "sample", "target", "longest of both", "of a run", "target")
    print_table(f"one sample, median of {chosen.samples}", columns, rows, "fastapi", "psutil")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
