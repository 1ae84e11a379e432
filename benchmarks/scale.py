"""How the cost of a verdict grows: with iterations, heap, requests in the workload, and containers.

    python -m benchmarks.scale [--tables iterations,heap,requests,containers] [--largest 1.0]

Each line is a fresh process; what is given is the CPU time of a whole run, its requests
included, and how that grows from line to line against the size. Nothing may grow faster than
its size: an exponent of 1 is linear, 0 constant.

`iterations` and `requests` measure a clean one-line app, `iterations` with a sample asked for
at every hundred (above a thousand samples they are thinned, and a run of `--largest 10` holds no
more memory than one a hundredth as long), `heap` the same app in a process that holds so
many objects, `containers` an app that leaks into one of so many dicts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.endpoints import bare
from benchmarks.pairs import child, print_table
from benchmarks.sampling import fill

_SIZES = {
    "iterations": (1_000, 10_000, 100_000, 1_000_000),
    "heap": (10_000, 100_000, 1_000_000, 5_000_000),
    "requests": (1, 10, 100, 500),
    "containers": (1_000, 10_000, 100_000, 1_000_000),
}
_ITERATIONS = 2000
_BATCHES = 50
_BATCH_ITERATIONS = 100
# Ten million requests take longer than a run may by default.
_MOST_SECONDS = 3600
# A doubling of the noise between two lines ten times apart is an exponent of 0.3.
_MOST_EXPONENT = 1.15


def one(table: str, size: int) -> dict[str, Any]:
    """One run: its CPU seconds, and what it held in the end."""
    import psutil

    from pytest_reqleak import Request, measure

    kept: list[Any] = []
    leak: list[Any] = []
    app: Any = bare
    requests = [Request("GET", "/")]
    iterations, batches = _ITERATIONS, _BATCHES
    if table == "iterations":
        iterations, batches = size, min(size, max(_BATCHES, size // _BATCH_ITERATIONS))
    elif table == "heap":
        kept = fill(size)
    elif table == "requests":
        requests = [Request("GET", f"/{number}/{{i}}") for number in range(size)]
    else:
        kept = [{"number": number} for number in range(size)]
        leak = kept

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                leak[len(leak) // 2][object()] = bytearray(100)
            await bare(scope, receive, send)

    resident = psutil.Process().memory_info().rss
    start = time.process_time()
    run = measure(
        app, requests, iterations=iterations, batches=batches, server="direct", timeout=_MOST_SECONDS
    )
    seconds = time.process_time() - start
    expected = "leak" if table == "containers" else "clean"
    if run.verdict != expected:
        raise SystemExit(f"{table} {size}: {run.verdict} where {expected} was expected: {run.reason}")
    assert len(kept) >= len(leak)
    return {
        "seconds": seconds,
        "per_iteration": seconds / run.total_iterations,
        "samples": len(run.samples),
        "grown_bytes": psutil.Process().memory_info().rss - resident,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description="How the cost of a verdict grows."
    )
    parser.add_argument("--tables", default=",".join(_SIZES), metavar="NAMES")
    parser.add_argument("--largest", type=float, default=1.0, metavar="SHARE", help="of the full sizes")
    parser.add_argument("--half", nargs=2, metavar=("TABLE", "SIZE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        print(json.dumps(one(chosen.half[0], int(chosen.half[1]))))
        return 0
    for table in chosen.tables.split(","):
        sizes = sorted({max(1, int(size * chosen.largest)) for size in _SIZES[table]})
        lines = [(size, child("scale", table, size)) for size in sizes]
        rows = [_row(lines[0], None)]
        rows += [_row(line, before) for before, line in itertools.pairwise(lines)]
        columns = (table, "run, CPU", "per iteration", "samples", "memory gained", "exponent", "")
        print_table(f"cost of a verdict by {table}", columns, rows)
    return 0


def _row(line: tuple[int, dict[str, Any]], before: tuple[int, dict[str, Any]] | None) -> tuple[str, ...]:
    size, figures = line
    exponent = ""
    judged = ""
    if before is not None:
        value = math.log(figures["seconds"] / before[1]["seconds"]) / math.log(size / before[0])
        exponent, judged = f"{value:.2f}", "ok" if value <= _MOST_EXPONENT else "WORSE THAN LINEAR"
    return (
        f"{size:,}",
        f"{figures['seconds']:.2f} s",
        f"{1e6 * figures['per_iteration']:.1f} us",
        str(figures["samples"]),
        f"{figures['grown_bytes'] / 2**20:.1f} MiB",
        exponent,
        judged,
    )


if __name__ == "__main__":
    raise SystemExit(main())
