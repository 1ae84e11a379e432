"""What evidence costs: a leaking run beyond its passive part, and one traced request by its stacks' depth.

    python -m benchmarks.evidence_cost [--pairs 3] [--requests 100]

The first table runs the shop with all its leaks, as `SHOP_LEAKS=all reqleak check` does,
each time in a fresh process. The evidence is whatever the run takes beyond boot, warm-up,
measurement and confirmation: tracing, replay, holders, types, and looking at lines.
It is given in seconds of the wall, and in those of the processor that the
whole run took: on a machine that does other things too only the latter says much.

The second table sends a slice of requests with each kind of stack in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.pairs import child, in_turn, middle_ratio, print_table, verdict_of

_MOST_SECONDS = 3.0
_PASSIVE = ("boot", "warmup", "measure", "confirm")
_DEPTHS = (0, 1, 8, 16, 32)


def leaking_run() -> dict[str, Any]:
    """Run the shop with all its leaks."""
    os.environ["SHOP_LEAKS"] = "all"
    from examples.shop.main import app
    from pytest_reqleak import Request, measure

    wall, own = time.perf_counter(), time.process_time()
    run = measure(app, [Request("GET", "/orders/{i}")])
    wall, own = time.perf_counter() - wall, time.process_time() - own
    if run.verdict != "leak":
        raise SystemExit(f"the leaking shop is called {run.verdict}: {run.reason}")
    passive = sum(run.seconds.get(phase, 0.0) for phase in _PASSIVE)
    return {"wall": wall, "cpu": own, "evidence": wall - passive, "seconds": dict(run.seconds)}


def traced_requests(rounds: int, requests: int) -> list[list[float]]:
    """CPU seconds of a request, for each depth of stacks, round by round."""
    import tracemalloc

    from examples.shop.main import app
    from pytest_reqleak import Request
    from pytest_reqleak.drivers.driver import make_driver
    from pytest_reqleak.servers.booted import boot

    sent = 0
    with boot(app, server="direct", timeout=30) as booted:
        driver = make_driver(booted, [Request("GET", "/orders/{i}")], concurrency=1, request_seconds=30)

        def send(depth: int) -> float:
            nonlocal sent
            if depth:
                tracemalloc.start(depth)
            start = time.process_time()
            driver.run_batch(sent, requests)
            seconds = time.process_time() - start
            tracemalloc.stop()
            sent += requests
            return seconds / requests

        send(0)
        return in_turn(rounds, *(lambda depth=depth: send(depth) for depth in _DEPTHS))


def _print_runs(runs: Sequence[dict[str, Any]]) -> None:
    evidence = median(run["evidence"] for run in runs)
    rows = [
        ("evidence", f"{evidence:.1f} s", verdict_of(evidence, _MOST_SECONDS, form="{:.0f} s")),
        ("whole run", f"{median(run['wall'] for run in runs):.1f} s", ""),
        ("whole run, CPU", f"{median(run['cpu'] for run in runs):.1f} s", ""),
    ]
    phases = {phase for run in runs for phase in run["seconds"]}
    rows += [
        (f"- {phase}", f"{median(run['seconds'].get(phase, 0.0) for run in runs):.2f} s", "")
        for phase in sorted(phases)
    ]
    print_table(f"shop with all leaks, {len(runs)} runs", ("what", "seconds", "target"), rows, "fastapi")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evidence_cost", description="What evidence costs."
    )
    parser.add_argument("--pairs", type=int, default=3, metavar="N", help="0: only the second table")
    parser.add_argument("--requests", type=int, default=100, metavar="N", help="of a traced slice")
    parser.add_argument("--half", nargs="+", metavar="HALF", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        name, *counts = chosen.half
        print(json.dumps(leaking_run() if name == "run" else traced_requests(*map(int, counts))))
        return 0
    if chosen.pairs:
        _print_runs([child("evidence_cost", "run") for _ in range(chosen.pairs)])
    slices = child("evidence_cost", "traced", max(1, chosen.pairs), chosen.requests)
    rows = [
        (
            f"{depth} frames" if depth else "no tracer",
            f"{1e6 * median(figures):.0f} us",
            f"{middle_ratio(figures, slices[0]):.1f}x",
        )
        for depth, figures in zip(_DEPTHS, slices, strict=True)
    ]
    print_table("one request of the shop", ("tracemalloc", "CPU", "ratio"), rows, "fastapi", "sqlalchemy")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
