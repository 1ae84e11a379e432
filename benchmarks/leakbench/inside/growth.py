"""Print what a case's app leaves behind in each quarter of a long run, by the plainest means there are.

    python -m benchmarks.leakbench.inside.growth REQUESTS.json asgi 8000

Used to verify the labels of the corpus: no part of the engine under test runs here.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import sys
import threading
from typing import Any

from benchmarks.leakbench.inside.bare import Bare, load

QUARTERS = 4


def main() -> None:
    requests_file, interface, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    collects = "--no-gc" not in sys.argv
    with load(requests_file, interface) as bare:
        bare.call_many(max(200, count // 10))
        per_quarter = count // QUARTERS
        readings = [_reading(bare, collects=collects)]
        for _ in range(QUARTERS):
            bare.call_many(per_quarter)
            readings.append(_reading(bare, collects=collects))
    print(
        json.dumps(
            [
                {meter: round((after[meter] - before[meter]) / per_quarter, 4) for meter in after}
                for before, after in itertools.pairwise(readings)
            ]
        )
    )


def _reading(bare: Bare, *, collects: bool) -> dict[str, float]:
    import psutil

    while collects and gc.collect():
        pass
    clear = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache", None)
    if clear is not None:
        clear()
    heap: Any = psutil.heap_info() if hasattr(psutil, "heap_info") else None
    loop = bare._loop
    return {
        "blocks": sys.getallocatedblocks(),
        "heap_bytes": heap.heap_used + heap.mmap_used if heap else 0,
        "rss_bytes": psutil.Process().memory_info().rss,
        "descriptors": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks(loop)) if loop else 0,
    }


if __name__ == "__main__":
    main()
