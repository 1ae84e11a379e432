"""What evidence costs: a leaking run beyond its passive part, and one traced request by its stacks' depth.

    python -m benchmarks.evidence_cost [--pairs 3] [--requests 100]
    python -m benchmarks.evidence_cost --leak models --leak signatures --leak statements

The promise: at most 3 s for a leak of the example shop, and under 150 MiB above what the app has
at that moment. With `--leak` each leak is run by itself, and everything that a clean run does not
do is counted: marks, tracing, replay, the search for holders, the watch of lines, culprits; in
seconds of the processor, with the highest memory meanwhile. Ends with 1 where the promise is broken.

Without, the first table runs the shop with all its leaks, as `SHOP_LEAKS=all reqleak check` does,
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
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import psutil

from benchmarks.pairs import child, in_turn, middle_ratio, print_table, verdict_of

_MOST_SECONDS, _MOST_BYTES = 3.0, 150 * 2**20
_PAUSE_SECONDS = 0.005
_PASSIVE = ("boot", "warmup", "measure", "confirm")
_DEPTHS = (0, 1, 8, 16, 32)


class Clock:
    """Adds up the seconds of the outermost of some functions, and the highest memory while they run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.bytes = 0
        self._depth = self._start = 0
        self._process = psutil.Process()

    def count(self, owner: Any, name: str) -> None:
        """Count a function of a module or class from here on."""
        call: Callable[..., Any] = getattr(owner, name)

        def counted(*arguments: Any, **keywords: Any) -> Any:
            if self._depth:
                return call(*arguments, **keywords)
            self._depth, started = 1, time.process_time()
            self._start = self._process.memory_info().rss
            try:
                return call(*arguments, **keywords)
            finally:
                self.seconds[name] += time.process_time() - started
                self._depth = 0

        setattr(owner, name, counted)

    def watch(self) -> None:
        """Read the memory for ever, on a thread of its own."""
        while True:
            time.sleep(_PAUSE_SECONDS)
            if self._depth:
                self.bytes = max(self.bytes, self._process.memory_info().rss - self._start)


def one_leak(leak: str, iterations: int) -> dict[str, Any]:
    """Run the shop with one of its leaks, and count what the evidence takes."""
    os.environ["SHOP_LEAKS"] = leak
    from pytest_reqleak import evidence, measure
    from pytest_reqleak.agent.agent import Agent

    clock = Clock()
    agents = ("prepare", "mark_objects", "note_types", "grown_types", "grown_holders")
    inquiries = ("trace", "stops_on_replay", "fresh_rates", "look_deeper", "find_culprits")
    for owner, names in ((evidence, inquiries), (Agent, agents)):
        for name in names:
            clock.count(owner, name)
    threading.Thread(target=clock.watch, daemon=True).start()
    run = measure("examples.shop.main:app", ["GET /orders/{i}"], server="direct", iterations=iterations)
    if run.verdict != "leak":
        raise SystemExit(f"the shop with the leak {leak} is called {run.verdict}: {run.reason}")
    return {"seconds": dict(clock.seconds), "bytes": clock.bytes, "explained": run.explained}


def _print_leaks(leaks: Sequence[str], iterations: int) -> bool:
    """One row for each leak; whether all keep the promise."""
    good, rows = True, []
    for leak in leaks:
        found = child("evidence_cost", "leak", leak, iterations)
        total, more = sum(found["seconds"].values()), found["bytes"]
        good = good and total <= _MOST_SECONDS and more <= _MOST_BYTES
        parts = sorted(found["seconds"].items(), key=lambda item: -item[1])
        dearest = ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts[:4])
        rows.append((leak, f"{total:.2f} s", f"{more / 2**20:.0f} MiB", dearest))
    print_table("leaks of the shop", ("leak", "CPU", "more memory", "of that, in s"), rows, "fastapi")
    return good


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
    parser.add_argument("--leak", action="append", default=[], metavar="NAME", help="repeatable")
    parser.add_argument("--iterations", type=int, default=2000, metavar="N", help="with --leak")
    parser.add_argument("--half", nargs="+", metavar="HALF", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        name, *counts = chosen.half
        if name == "leak":
            print(json.dumps(one_leak(counts[0], int(counts[1]))))
            return 0
        print(json.dumps(leaking_run() if name == "run" else traced_requests(*map(int, counts))))
        return 0
    if chosen.leak:
        return 0 if _print_leaks(chosen.leak, chosen.iterations) else 1
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
