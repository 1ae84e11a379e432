"""Servers in processes of their own, and the two clients that are timed on them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.pairs import PROJECT

_BOOT_SECONDS = 30.0
_REQUEST_SECONDS = 30.0


def free_port() -> int:
    """A loopback port that nobody listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def command_of(server: str, app: str, port: int) -> list[str]:
    """How to start a server: `bundled`, `uvicorn` or `granian`, `-uvloop` behind it for that loop."""
    name, _, loop = server.partition("-")
    loop = loop or "asyncio"
    if name == "bundled":
        return [sys.executable, "-m", "benchmarks.served", app, str(port), loop]
    if name == "uvicorn":
        return [
            *(sys.executable, "-m", "uvicorn", app, "--port", str(port), "--loop", loop),
            *("--http", "httptools", "--log-level", "warning", "--no-access-log"),
        ]
    if name == "granian":
        return [
            *(sys.executable, "-m", "granian", app, "--port", str(port), "--loop", loop, "--workers", "1"),
            *("--interface", "asgi", "--http", "1", "--log-level", "warning"),
        ]
    raise SystemExit(f"no server {name!r}")


@contextlib.contextmanager
def serving(server: str, app: str) -> Iterator[str]:
    """A server's URL, while it runs."""
    port = free_port()
    process = subprocess.Popen(
        command_of(server, app, port), cwd=PROJECT, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with exit code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit(f"no server listens at port {port} after {_BOOT_SECONDS:g} s")


def on_one_core(*, anywhere: bool = False) -> str:
    """Keep this process, and the servers that it starts from here on, on one core; says so.

    A request and its answer are never worked on at the same time, so a second core only adds what it
    takes to wake it: on a virtual machine with idle cores as much again as the work, and less of it for a
    server that sends its head and its body apart, since the client is woken by the first of them.

    Args:
        anywhere: Leave it to the system after all.
    """
    if anywhere or not hasattr(os, "sched_setaffinity"):
        return "on any core"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return "on one core"


class OwnClient:
    """The driver, as a run uses it."""

    def __init__(self, url: str, path: str = "/", *, concurrency: int = 1) -> None:
        from pytest_reqleak import Request
        from pytest_reqleak.drivers.http import HttpDriver

        nothing = SimpleNamespace(barrier=lambda: True)
        booted = SimpleNamespace(
            url=url, host=nothing, last_error=None, interface="asgi", pass_loop=lambda: None
        )
        self._driver = HttpDriver(
            cast(Any, booted),
            [Request("GET", path)],
            concurrency=concurrency,
            request_seconds=_REQUEST_SECONDS,
        )
        self._sent = 0

    def send(self, count: int) -> float:
        """Seconds that so many requests take."""
        start = time.perf_counter()
        self._driver.run_batch(self._sent, count)
        self._sent += count
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()


class HttpxClient:
    """An httpx client on one kept connection."""

    def __init__(self, url: str, path: str = "/") -> None:
        import httpx

        self._client = httpx.Client(base_url=url, timeout=_REQUEST_SECONDS, trust_env=False)
        self._path = path

    def send(self, count: int) -> float:
        """Seconds that so many requests take, one after the other."""
        get, path = self._client.get, self._path
        start = time.perf_counter()
        for _ in range(count):
            if get(path).status_code != 200:
                raise SystemExit(f"GET {path} was not answered 200")
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def serve(app: str, port: int, loop: str) -> None:
    """Serve with the bundled server until this process is told to end."""
    import asyncio
    import importlib
    import threading

    from pytest_reqleak.servers.booted import boot

    if loop == "uvloop":
        uvloop = importlib.import_module("uvloop")
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    module, _, name = app.partition(":")
    with boot(getattr(importlib.import_module(module), name), timeout=_BOOT_SECONDS, port=port):
        threading.Event().wait()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
