"""How the users of the peers send their requests: httpx on the app, or the framework's test client."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks.three_endpoints.contestants import ENDPOINTS
from benchmarks.three_endpoints.shop import app

WARMUP = 600
"""A cold FastAPI and httpx need as many until their own caches are full."""
COUNT = 1000


class Calls:
    """Sends one request after another and counts them."""

    def __init__(self, send: Callable[[str], None], endpoint: str) -> None:
        self._send = send
        self._path = ENDPOINTS[endpoint]
        self._numbers = itertools.count()
        self.sent = 0

    def call(self) -> None:
        self._send(self._path.replace("{i}", str(next(self._numbers))))
        self.sent += 1

    def call_many(self, count: int) -> None:
        for _ in range(count):
            self.call()

    def report(self) -> None:
        """Tell the runner how many were sent."""
        Path(os.environ["LEAKBENCH_SENT"]).write_text(str(self.sent), "utf-8")


def httpx_calls(endpoint: str) -> Calls:
    """An async client on the app, in one event loop."""
    import httpx

    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop.example")

    def send(path: str) -> None:
        loop.run_until_complete(client.get(path)).raise_for_status()

    return Calls(send, endpoint)


def test_client_calls(endpoint: str) -> Calls:
    """Starlette's test client, kept open so that its thread is started once."""
    from fastapi.testclient import TestClient

    client = TestClient(app).__enter__()

    def send(path: str) -> None:
        client.get(path).raise_for_status()

    return Calls(send, endpoint)
