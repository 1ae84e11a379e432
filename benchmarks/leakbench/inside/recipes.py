"""Plain recipes, as people write them into a script: run by `python -m … NAME REQUESTS.json asgi 2000`.

The last line printed is JSON: whether it calls the app leaking, and why.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.leakbench.inside.bare import Bare, load
from benchmarks.leakbench.inside.limits import (
    BYTES_PER_REQUEST,
    RSS_BYTES_PER_REQUEST,
    RSS_READINGS,
    WARMUP,
)

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PLACES = 3

# The defaults of pytest-leakcheck, whose rule is small enough to be written again.
_LEAKCHECK_ITERATIONS, _LEAKCHECK_WARMUP, _LEAKCHECK_SAMPLES = 200, 20, 10
_LEAKCHECK_BYTES = 1024


def main() -> None:
    name, requests_file, interface, count = sys.argv[1:5]
    with load(requests_file, interface) as bare:
        said = RECIPES[name](bare, int(count))
        said["sent"] = bare.sent
        if "LEAKBENCH_SENT" in os.environ:
            Path(os.environ["LEAKBENCH_SENT"]).write_text(str(bare.sent), "utf-8")
        print(json.dumps(said), flush=True)
    # Threads and tasks that an app left behind would keep the interpreter from ending.
    os._exit(0)


def bare_loop(bare: Bare, count: int) -> dict[str, Any]:
    """Nothing but the requests."""
    start = time.perf_counter()
    bare.call_many(count)
    return {"leak": False, "bytes_per_request": None, "loop_seconds": time.perf_counter() - start}


def tracemalloc_diff(bare: Bare, count: int) -> dict[str, Any]:
    """Two snapshots and their difference by line: a line that keeps ten bytes per request leaks."""
    bare.call_many(WARMUP)
    tracemalloc.start()
    gc.collect()
    before = _snapshot()
    bare.call_many(count)
    gc.collect()
    growth = [line for line in _snapshot().compare_to(before, "lineno") if line.size_diff > 0]
    places = [
        {"file": line.traceback[0].filename, "line": line.traceback[0].lineno, "bytes": line.size_diff}
        for line in growth[:_PLACES]
    ]
    worst = growth[0].size_diff / count if growth else 0.0
    leaks = worst >= BYTES_PER_REQUEST
    note = f"{places[0]['file']}:{places[0]['line']} +{worst:.0f} B/request" if places else ""
    return {"leak": leaks, "bytes_per_request": worst, "places": places, "note": note}


def rss_slope(bare: Bare, count: int) -> dict[str, Any]:
    """A line through the resident sizes of the second half: a hundred bytes per request leak."""
    bare.call_many(WARMUP)
    points: list[tuple[float, float]] = []
    for _ in range(RSS_READINGS):
        bare.call_many(max(1, count // RSS_READINGS))
        gc.collect()
        points.append((bare.sent, _rss()))
    slope, fit = _line(points[RSS_READINGS // 2 :])
    leaks = slope >= RSS_BYTES_PER_REQUEST and fit >= 0.8
    return {"leak": leaks, "bytes_per_request": slope, "note": f"{slope:.0f} B/request, R2 {fit:.2f}"}


def leakcheck_rule(bare: Bare, count: int) -> dict[str, Any]:
    """The rule of pytest-leakcheck at its defaults, which do not depend on the number asked for."""
    bare.call_many(_LEAKCHECK_WARMUP)
    tracemalloc.start()
    points: list[tuple[float, float]] = []
    for _ in range(_LEAKCHECK_SAMPLES):
        bare.call_many(_LEAKCHECK_ITERATIONS // _LEAKCHECK_SAMPLES)
        for _ in range(3):
            gc.collect()
        points.append((bare.sent, tracemalloc.get_traced_memory()[0]))
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for index, earlier in enumerate(points)
        for later in points[index + 1 :]
    )
    slope = (slopes[len(slopes) // 2] + slopes[(len(slopes) - 1) // 2]) / 2
    return {"leak": slope >= _LEAKCHECK_BYTES, "bytes_per_request": slope, "note": f"{slope:.0f} B/request"}


def _snapshot() -> tracemalloc.Snapshot:
    return tracemalloc.take_snapshot().filter_traces(
        (
            tracemalloc.Filter(False, tracemalloc.__file__),
            tracemalloc.Filter(False, "*/leakbench/inside/*"),
            tracemalloc.Filter(False, "<unknown>"),
        )
    )


def _rss() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


def _line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope and R2 of least squares."""
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    xx = sum((x - x_mean) ** 2 for x, _ in points)
    xy = sum((x - x_mean) * (y - y_mean) for x, y in points)
    yy = sum((y - y_mean) ** 2 for _, y in points)
    return xy / xx, xy * xy / (xx * yy) if yy else 0.0


RECIPES: dict[str, Callable[[Bare, int], dict[str, Any]]] = {
    "bare": bare_loop,
    "tracemalloc": tracemalloc_diff,
    "rss": rss_slope,
    "leakcheck": leakcheck_rule,
}

if __name__ == "__main__":
    main()
