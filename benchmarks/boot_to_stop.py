"""Wall time of boot, 2,000 requests and stop on an external server: measured against not measured.

    python -m benchmarks.boot_to_stop [--server granian] [--rounds 5] [--target examples.shop.main:app]

Both sides start the same server by the same command, send the same requests with the same
driver and stop it in the same way, with all bytecode cached, as where packages are installed.
The measured side has the agent in the worker, 200 requests of warm-up and 1,800 in 50 batches;
the other serves the app itself.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.pairs import in_turn, middle_ratio
from pytest_reqleak import Request, measure
from pytest_reqleak.drivers.http import HttpDriver
from pytest_reqleak.servers.kinds import ADDRESS, Launch, kind_of, version_tuple
from pytest_reqleak.servers.process import GRACE_SECONDS, ServerProcess
from pytest_reqleak.servers.surroundings import free_port

_LIMIT = 1.5
_WARMUP, _MEASURED = 200, 1800
_SECONDS = 60.0


@dataclass
class Plain:
    """A server that nobody measures, with as much of a booted app's face as the driver needs."""

    url: str
    interface: str = "asgi"
    last_error: BaseException | None = None

    def pass_loop(self) -> None:
        """Nothing is awaited."""

    def gone(self, wait_seconds: float = 0.0) -> None:
        """Not looked for."""

    def output_tail(self) -> str:
        """Not kept."""
        return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both times and their ratio; exit code 1 where it is above the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boot_to_stop")
    parser.add_argument("--server", default="granian")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--target", default="examples.shop.main:app")
    parser.add_argument("--request", default="/orders/{i}")
    parser.add_argument("--limit", type=float, default=_LIMIT, help="largest ratio that passes")
    asked = parser.parse_args(arguments)
    # The servers' processes inherit both.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    request = Request("GET", asked.request)
    # A run that has to look twice sends more; the other side then sends as many.
    sent = [_WARMUP + _MEASURED]
    measured, plain = (
        # The first pair writes what is not cached yet.
        figures[1:]
        for figures in in_turn(
            asked.rounds + 1,
            lambda: _measured(asked.target, request, asked.server, sent),
            lambda: _plain(asked.target, request, asked.server, sent[-1]),
        )
    )
    ratio = middle_ratio(measured, plain)
    for name, seconds in (("measured", measured), ("plain", plain)):
        print(f"{name:10}" + "".join(f"{value:8.2f}" for value in seconds) + " s")
    print(f"{'requests':10}" + "".join(f"{count:8}" for count in sent[2:]))
    print(f"measured / plain, median of pairs: {ratio:.2f} (limit {asked.limit:g})")
    return 0 if ratio <= asked.limit else 1


def _measured(target: str, request: Request, server: str, sent: list[int]) -> float:
    started = time.perf_counter()
    run = measure(target, request, server=server, warmup=_WARMUP, iterations=_MEASURED, trace="never")
    seconds = time.perf_counter() - started
    assert str(run.verdict) == "clean", run.reason
    sent.append(run.total_iterations)
    return seconds


def _plain(target: str, request: Request, server: str, count: int) -> float:
    started = time.perf_counter()
    kind, port = kind_of(server), free_port()
    launch = Launch(
        target=target, interface="asgi", port=port, concurrency=1, version=version_tuple(kind.version())
    )
    with tempfile.TemporaryDirectory() as folder:
        process: Any = ServerProcess(
            [sys.executable, "-m", kind.module, *kind.arguments(launch)],
            environment=os.environ,
            folder=folder,
            grace_seconds=GRACE_SECONDS,
        )
        try:
            _await(port)
            driver = HttpDriver(
                Plain(f"http://{ADDRESS}:{port}"),  # type: ignore[arg-type]
                [request],
                concurrency=1,
                request_seconds=_SECONDS,
            )
            driver.run_batch(0, count)
            driver.close()
        finally:
            process.close()
    return time.perf_counter() - started


def _await(port: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((ADDRESS, port), timeout=_SECONDS) as sock:
                sock.sendall(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if sock.recv(100).startswith(b"HTTP/1."):
                    return
        except OSError:
            time.sleep(0.005)
    raise TimeoutError(f"nobody answers on port {port}")


if __name__ == "__main__":
    raise SystemExit(main())
