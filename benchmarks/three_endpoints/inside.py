"""What runs in the environment: `python -m benchmarks.three_endpoints.inside NAME ENDPOINT`.

The last line printed is JSON with the verdict; psleak and pytest-memray speak for themselves.
"""

from __future__ import annotations

import gc
import http.client
import importlib
import json
import os
import socket
import subprocess
import sys
import time
import tracemalloc
import unittest
from typing import Any

from benchmarks.leakbench.inside.limits import BYTES_PER_REQUEST, RSS_BYTES_PER_REQUEST
from benchmarks.three_endpoints.calls import COUNT, WARMUP, httpx_calls, test_client_calls
from benchmarks.three_endpoints.contestants import ENDPOINTS

_RSS_READINGS = 30
_RSS_REQUESTS = 100
_BOOT_SECONDS = 30


def bare(endpoint: str) -> dict[str, Any]:
    """Only the requests, by httpx; what each costs is what the ratios are made from."""
    calls = httpx_calls(endpoint)
    start = time.perf_counter()
    calls.call_many(COUNT)
    return {"verdict": "none", "requests": calls.sent, "loop_seconds": time.perf_counter() - start}


def tracemalloc_loop(endpoint: str) -> dict[str, Any]:
    """A loop over the test client between two snapshots; ten bytes per request at one line are a leak."""
    calls = test_client_calls(endpoint)
    calls.call_many(WARMUP)
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.take_snapshot()
    calls.call_many(COUNT)
    gc.collect()
    own = [tracemalloc.Filter(False, tracemalloc.__file__)]
    growth = tracemalloc.take_snapshot().filter_traces(own).compare_to(before.filter_traces(own), "lineno")
    worst = growth[0]
    place = f"{os.path.basename(worst.traceback[0].filename)}:{worst.traceback[0].lineno}"
    leaks = worst.size_diff >= BYTES_PER_REQUEST * COUNT
    return {"verdict": "leak" if leaks else "clean", "requests": calls.sent, "place": place}


def granian_rss(endpoint: str) -> dict[str, Any]:
    """A Granian worker under load, its resident size plotted from outside: a line through the second half."""
    import psutil

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--no-log"]
    server = subprocess.Popen([*command, "benchmarks.three_endpoints.shop:app"])
    try:
        connection = _connected(port)
        workers = psutil.Process(server.pid).children(recursive=True)
        sent = 0
        points = []
        for _ in range(_RSS_READINGS):
            for _ in range(_RSS_REQUESTS):
                connection.request("GET", ENDPOINTS[endpoint].replace("{i}", str(sent)))
                connection.getresponse().read()
                sent += 1
            points.append((sent, max(worker.memory_info().rss for worker in workers)))
    finally:
        server.terminate()
        server.wait(_BOOT_SECONDS)
    half = points[_RSS_READINGS // 2 :]
    x_mean = sum(x for x, _ in half) / len(half)
    y_mean = sum(y for _, y in half) / len(half)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in half) / sum((x - x_mean) ** 2 for x, _ in half)
    leaks = slope >= RSS_BYTES_PER_REQUEST
    return {"verdict": "leak" if leaks else "clean", "requests": sent, "place": f"{slope:.0f} B/request"}


def _connected(port: int) -> http.client.HTTPConnection:
    deadline = time.monotonic() + _BOOT_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/clean")
            connection.getresponse().read()
            return connection
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def psleak_test(endpoint: str) -> int:
    """A psleak test of one endpoint, with the memory checkers alone.

    With all checkers it raises on httpx, whose headers cannot be compared with every object.
    """
    psleak: Any = importlib.import_module("psleak")

    class Endpoint(psleak.MemoryLeakTestCase):  # type: ignore[misc]  # it has no types
        checkers = psleak.Checkers.only("memory")

        def test_endpoint(self) -> None:
            calls = httpx_calls(endpoint)
            try:
                self.execute(calls.call)
            finally:
                calls.report()

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Endpoint)
    return 0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1


LOOPS = {"bare": bare, "tracemalloc": tracemalloc_loop, "granian": granian_rss}


def main() -> int:
    name, endpoint = sys.argv[1:3]
    if name == "psleak":
        return psleak_test(endpoint)
    print(json.dumps(LOOPS[name](endpoint)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
