"""Measure an empty app as a run does, and print how the live blocks moved from batch to batch.

Run in a process of its own: what reads memory never runs in the test's.
Arguments: server, interface, concurrency, client (`driver` or `httpx`).
"""

from __future__ import annotations

import array
import gc
import itertools
import json
import sys

from pytest_reqleak.drivers.client_transport import make_client
from pytest_reqleak.drivers.driver import make_driver
from pytest_reqleak.model.request import Request
from pytest_reqleak.servers.booted import boot

WARMUP_BATCHES = 20
BATCHES = 100
BATCH_ITERATIONS = 100
SECONDS = 30.0

# CPython's cache of method lookups holds the names that C code looks up by: `re.finditer`, which
# httpx calls for each URL, makes a new one each time. Up to 4096 entries fill by chance.
clear_type_cache = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache


async def empty_asgi(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def empty_wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def main(server: str, interface: str, concurrency: int, client: str) -> None:
    app = empty_asgi if interface == "asgi" else empty_wsgi
    booted = boot(app, server=server, concurrency=concurrency, timeout=SECONDS)
    if client == "driver":
        requests = [Request("GET", "/items/{i}"), Request("POST", "/items", json={"name": "n-{i}"})]
        driver = make_driver(booted, requests, concurrency=concurrency, request_seconds=SECONDS)
        run_batch = driver.run_batch
    else:
        session = make_client(booted, request_seconds=SECONDS)

        def run_batch(first: int, count: int) -> None:
            for _ in range(count):
                session.get("/items").raise_for_status()

    blocks = array.array("q", [0] * BATCHES)
    first = 1_000_000
    for batch in range(-WARMUP_BATCHES, BATCHES):
        run_batch(first, BATCH_ITERATIONS)
        first += BATCH_ITERATIONS
        # A response can be read before the server's thread has let go of its request.
        while booted.unfinished():
            pass
        booted.host.barrier()
        gc.collect()
        clear_type_cache()
        if batch >= 0:
            blocks[batch] = sys.getallocatedblocks()
    print(json.dumps([after - before for before, after in itertools.pairwise(blocks)]))
    booted.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
