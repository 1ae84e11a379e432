"""The bytes per request agree with what tracemalloc itself counts over the same requests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

SCRIPT = """
import gc, json, statistics, sys, tracemalloc
from examples.shop.main import app
from pytest_reqleak import Request, measure
from pytest_reqleak.drivers.driver import make_driver
from pytest_reqleak.servers.booted import boot

request = Request("GET", "/orders/{i}")
run = measure(app, request, server="direct", iterations=400)

booted = boot(app, server="direct", timeout=10)
driver = make_driver(booted, [request], concurrency=1, request_seconds=10)
driver.run_batch(100_000, 300)
gc.collect()
tracemalloc.start()
windows, held = [], None
for number in range(6):
    # sqlite3 drops its dead cursors every 200; a table that is allocated anew is one odd window.
    driver.run_batch(200_000 + 1000 * number, 200)
    gc.collect()
    before, held = held, tracemalloc.get_traced_memory()[0]
    if before is not None:
        windows.append((held - before) / 200)
traced = statistics.median(windows)
tracemalloc.stop()
driver.close()
booted.close()
heap = next(growth.per_iteration for growth in run.growth if growth.meter == "heap_bytes")
print(json.dumps({
    "verdict": run.verdict, "bytes": run.bytes_per_iteration, "traced": traced, "heap": heap
}))
"""


def figures(leak: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, float | str]:
    monkeypatch.setenv("SHOP_LEAKS", leak)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert "" == done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("leak", ["models", "statements"])
def test_bytes_per_request_are_those_that_tracemalloc_counts(leak, monkeypatch):
    found = figures(leak, monkeypatch)

    assert "leak" == found["verdict"]
    assert found["bytes"] == pytest.approx(found["traced"], rel=0.1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C heap is only read on Linux here")
def test_memory_of_openssl_is_added_to_what_tracemalloc_counts(monkeypatch):
    found = figures("signatures", monkeypatch)

    assert "leak" == found["verdict"]
    assert found["bytes"] == pytest.approx(found["traced"] + found["heap"], rel=0.1)
