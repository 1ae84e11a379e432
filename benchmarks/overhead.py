"""What detection costs: clean runs on `direct` against a hand-written loop of the same calls.

    python -m benchmarks.overhead [--iterations 5000] [--pairs 5] [--endpoints fastapi,bare]

Each pair is four fresh processes, one after the other: a run of N iterations, as
many calls by hand (a task each, nothing else), a run of 5 N, and as many by hand.
All import the app before their clock starts.

As many calls: those of the warm-up, too. They are calls of the app like all others, and whoever asks
for 5,000 gets some hundreds more; what the same run is against a loop of 5,000 alone stands in the last
column (*without warm-up*), and is no target.

What grows with the iterations is the *marginal* cost. As differences of whole processes are noisy, a
fifth process sends slices of requests by the driver and by the loop in turn, on one event loop: the
marginal cost again (*in turn*). The *fixed* cost is what a run spends outside its batches: from the
call of `measure` to its return, less the time from the first request of each batch to the end of its last
one. The clock is the process' own CPU time: all work here is its own, and another process on
the machine does not run on it.

Found by profiling (cProfile and a clock around each part, CPython 3.11, FastAPI with
60,000 objects in the heap): of 139 ms that a clean run of 5,000 took beyond the calls,
45 ms were collections of the whole heap (one when the warm-up ended, one at the end), 25 ms
were `gc.get_freeze_count`, which walks through all that is frozen, 17 ms were samples
(a quarter of each a listing of /proc/self/fd and a parse of /proc/self/stat), 7 ms a
listing of the heap that only found out whether it can be listed. After that a clean run still
went through the whole heap once, when the warm-up ended (36 ms of 75), and counted what was frozen
(12 ms). Now no part of it does: what was dead before the run is freed by the first thaw of a
run that is not clean. 60 samples with their collections are 16 ms, boot and report 8. The driver
itself was no slower than the loop below (0.92x for the bare app, 1.00x for FastAPI), so it is as
it was.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.endpoints import load
from benchmarks.pairs import child, in_turn, middle_ratio, print_table, verdict_of

_FACTOR = 5
_SLICE = 250
_BOOT_SECONDS = 60.0
_FIXED_SECONDS = 0.030
_MOST_MARGINAL = {"fastapi": 1.03, "bare": 1.10, "shop": 1.03}
_MOST_TOTAL = 1.12


@dataclass(frozen=True)
class Half:
    """One process."""

    requests: int
    seconds: float
    besides_seconds: float = 0.0
    """Of a run: what it spent outside its batches. By hand: what a collection of the whole heap takes."""


@dataclass(frozen=True)
class Pair:
    """A short and a long run, each with its twin by hand."""

    measured: Half
    bare: Half
    long_measured: Half
    long_bare: Half

    @property
    def total(self) -> float:
        """How much longer the short run took than its twin."""
        return self.measured.seconds / self.bare.seconds

    @property
    def marginal(self) -> float:
        """How much more each further iteration took than by hand."""
        return _slope(self.measured, self.long_measured) / _slope(self.bare, self.long_bare)

    @property
    def fixed_seconds(self) -> float:
        """What the short run took beside its calls."""
        return self.measured.besides_seconds

    @property
    def most_fixed_seconds(self) -> float:
        """Two collections of the process' heap and 30 ms."""
        return 2 * self.bare.besides_seconds + _FIXED_SECONDS

    def total_of(self, iterations: int) -> float:
        """How much longer the short run took than a loop of what was asked for, without the warm-up."""
        return self.measured.seconds / (self.bare.seconds * iterations / self.bare.requests)


def _slope(short: Half, long: Half) -> float:
    return (long.seconds - short.seconds) / (long.requests - short.requests)


def measured(endpoint: str, iterations: int) -> Half:
    """Measure a clean app; the run must end as clean, or the figure would mean something else."""
    from pytest_reqleak import Request, measure
    from pytest_reqleak.drivers.direct import DirectAsgiDriver

    app, path = load(endpoint)
    requests = [Request("GET", path)]
    driver: Any = DirectAsgiDriver
    batch = driver._batch
    # An array: a new float for each batch would be a block that counts.
    within = array("d", [0.0])

    async def timed(*arguments: Any) -> None:
        begun = time.process_time()
        await batch(*arguments)
        within[0] += time.process_time() - begun

    driver._batch = timed
    start = time.process_time()
    run = measure(app, requests, iterations=iterations, server="direct")
    seconds = time.process_time() - start
    if run.verdict != "clean":
        raise SystemExit(f"the clean endpoint {endpoint} is called {run.verdict}: {run.reason}")
    return Half(run.total_iterations, seconds, seconds - within[0])


def bare(endpoint: str, requests: int) -> Half:
    """Make the same calls by hand, and time a collection of the whole heap afterwards."""
    app, path = load(endpoint)
    start = time.process_time()
    asyncio.run(_call_all(app, path, requests))
    seconds = time.process_time() - start
    gc.collect()
    start = time.process_time()
    gc.collect()
    return Half(requests, seconds, time.process_time() - start)


def slices(endpoint: str, requests: int) -> list[list[float]]:
    """Seconds of slices of requests, by the driver and by hand in turn."""
    from pytest_reqleak import Request
    from pytest_reqleak.drivers.driver import make_driver
    from pytest_reqleak.servers.booted import boot

    app, path = load(endpoint)
    sent = 0

    async def by_hand(first: int) -> None:
        for number in range(first, first + _SLICE):
            await asyncio.create_task(_call(app, path.replace("{i}", str(number)), {}))

    with boot(app, server="direct", timeout=_BOOT_SECONDS) as booted:
        driver = make_driver(booted, [Request("GET", path)], concurrency=1, request_seconds=_BOOT_SECONDS)

        def drive() -> float:
            start = time.process_time()
            driver.run_batch(sent, _SLICE)
            return time.process_time() - start

        def loop() -> float:
            nonlocal sent
            start = time.process_time()
            booted.host.run(by_hand(sent), timeout=_BOOT_SECONDS)
            sent += _SLICE
            return time.process_time() - start

        # Caches fill, and nothing that lives is gone through again.
        in_turn(3, drive, loop)
        gc.collect()
        gc.freeze()
        return in_turn(max(1, requests // _SLICE), drive, loop)


async def _call_all(app: Any, path: str, requests: int) -> None:
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
        await asyncio.create_task(_call(app, path.replace("{i}", str(number)), state))
    lifespan_messages.put_nowait({"type": "lifespan.shutdown"})
    await lifespan


async def _call(app: Any, path: str, state: dict[str, Any]) -> None:
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


def run_pair(endpoint: str, iterations: int) -> Pair:
    """Run all four halves."""
    halves = []
    for count in (iterations, _FACTOR * iterations):
        run = Half(*child("overhead", "measured", endpoint, count))
        halves += [run, Half(*child("overhead", "bare", endpoint, run.requests))]
    return Pair(*halves)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead", description="What detection costs."
    )
    parser.add_argument("--iterations", type=int, default=5000, metavar="N")
    parser.add_argument("--pairs", type=int, default=5, metavar="N")
    parser.add_argument("--endpoints", default="fastapi,bare", metavar="NAMES", help="fastapi, bare, shop")
    parser.add_argument("--half", nargs=3, metavar=("HALF", "ENDPOINT", "COUNT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        name, endpoint, count = chosen.half
        if name == "slices":
            print(json.dumps(slices(endpoint, int(count))))
            return 0
        half = measured(endpoint, int(count)) if name == "measured" else bare(endpoint, int(count))
        print(json.dumps([half.requests, half.seconds, half.besides_seconds]))
        return 0
    rows = []
    for endpoint in chosen.endpoints.split(","):
        pairs = [run_pair(endpoint, chosen.iterations) for _ in range(chosen.pairs)]
        by_turns = middle_ratio(*child("overhead", "slices", endpoint, 2 * chosen.iterations))
        marginal = median(pair.marginal for pair in pairs)
        total = median(pair.total for pair in pairs)
        fixed = 1e3 * median(pair.fixed_seconds for pair in pairs)
        most_fixed = 1e3 * median(pair.most_fixed_seconds for pair in pairs)
        each = 1e6 * median(_slope(pair.bare, pair.long_bare) for pair in pairs)
        rows.append(
            (
                endpoint,
                f"{each:.1f} us",
                f"{marginal:.2f}x",
                f"{by_turns:.2f}x",
                verdict_of(by_turns, _MOST_MARGINAL[endpoint]),
                f"{fixed:.0f} ms",
                verdict_of(fixed, most_fixed, form="{:.0f} ms"),
                f"{total:.2f}x",
                verdict_of(total, _MOST_TOTAL) if endpoint == "fastapi" else "",
                f"{median(pair.total_of(chosen.iterations) for pair in pairs):.2f}x",
            )
        )
    columns = (
        *("endpoint", "a call", "marginal", "in turn", "target"),
        *("fixed", "target", "total", "target", "without warm-up"),
    )
    counts = f"{chosen.iterations} and {_FACTOR * chosen.iterations} iterations, {chosen.pairs} pairs"
    title = f"detection on direct, {counts}"
    print_table(title, columns, rows, "fastapi", "pydantic")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
