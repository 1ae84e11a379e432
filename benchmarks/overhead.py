"""What measuring costs: a clean run against the same direct calls with no measuring at all.

    python -m benchmarks.overhead [--iterations 5000] [--pairs 5]

A pair is two fresh processes, one after the other: the first measures the clean
shop's `GET /orders/{i}` on `direct`, the second makes as many direct calls in a
hand-written loop, a task each. Both import the app before their clock starts;
both clocks cover the lifespan, the first slow requests and all the rest. What
is reported is the median pair, because both halves of a pair see the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
TARGET_RATIO = 1.20
_CHILD_SECONDS = 600


@dataclass(frozen=True)
class Pair:
    """One measured run and its bare twin."""

    requests: int
    measured_seconds: float
    bare_seconds: float

    @property
    def ratio(self) -> float:
        """How much longer the measured half took."""
        return self.measured_seconds / self.bare_seconds


def measured(iterations: int) -> dict[str, Any]:
    """Measure the clean shop; the run must end as clean, or the figure would mean something else."""
    from examples.shop.main import app
    from pytest_reqleak import Request, measure

    requests = [Request("GET", "/orders/{i}")]
    start = time.perf_counter()
    run = measure(app, requests, iterations=iterations, server="direct")
    seconds = time.perf_counter() - start
    if run.verdict != "clean":
        raise SystemExit(f"the clean shop is called {run.verdict}: {run.reason}")
    return {"requests": run.total_iterations, "seconds": seconds}


def bare(requests: int) -> dict[str, Any]:
    """Make the same calls by hand."""
    from examples.shop.main import app

    start = time.perf_counter()
    asyncio.run(_call_all(app, requests))
    return {"requests": requests, "seconds": time.perf_counter() - start}


async def _call_all(app: Any, requests: int) -> None:
    lifespan_messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    started = asyncio.Event()
    state: dict[str, Any] = {}

    async def lifespan_send(message: dict[str, Any]) -> None:
        started.set()

    lifespan_scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    lifespan = asyncio.create_task(app(lifespan_scope, lifespan_messages.get, lifespan_send))
    lifespan_messages.put_nowait({"type": "lifespan.startup"})
    await started.wait()
    for number in range(requests):
        await asyncio.create_task(_call(app, number, state))
    lifespan_messages.put_nowait({"type": "lifespan.shutdown"})
    await lifespan


async def _call(app: Any, number: int, state: dict[str, Any]) -> None:
    path = f"/orders/{number}"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": state.copy(),
    }
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    await app(scope, receive, send)
    if status != 200:
        raise SystemExit(f"GET {path} answered {status}")


def run_pair(iterations: int) -> Pair:
    """Measure once, then make as many bare calls, each in a process of its own."""
    first = _child("measured", iterations)
    second = _child("bare", first["requests"])
    return Pair(first["requests"], first["seconds"], second["seconds"])


def _child(half: str, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.overhead", "--half", half, str(count)]
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, timeout=_CHILD_SECONDS, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def table(pairs: Sequence[Pair]) -> str:
    """The pairs, and their median."""
    lines = [f"{'pair':>6}  {'requests':>8}  {'measured s':>10}  {'bare s':>8}  {'ratio':>6}"]
    lines += [
        f"{number:>6}  {pair.requests:>8}  {pair.measured_seconds:>10.3f}  {pair.bare_seconds:>8.3f}"
        f"  {pair.ratio:>5.2f}x"
        for number, pair in enumerate(pairs, 1)
    ]
    middle = median(pair.ratio for pair in pairs)
    measured_us = median(pair.measured_seconds / pair.requests for pair in pairs) * 1e6
    bare_us = median(pair.bare_seconds / pair.requests for pair in pairs) * 1e6
    lines.append(
        f"median  {middle:.2f}x (target: at most {TARGET_RATIO:.2f}x);"
        f" {measured_us:.0f} us a request against {bare_us:.0f} us"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead", description="What measuring costs."
    )
    parser.add_argument("--iterations", type=int, default=5000, metavar="N")
    parser.add_argument("--pairs", type=int, default=5, metavar="N")
    parser.add_argument("--half", nargs=2, metavar=("HALF", "COUNT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        half, count = chosen.half
        print(json.dumps(measured(int(count)) if half == "measured" else bare(int(count))))
        return 0
    version = sys.version.split()[0]
    print(f"clean shop, GET /orders/{{i}}, direct, {chosen.iterations} iterations, Python {version}")
    print(table([run_pair(chosen.iterations) for _ in range(chosen.pairs)]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
