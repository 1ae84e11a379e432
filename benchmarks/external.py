"""Requests per second against an external server: our driver against httpx, and eight at a time against one.

    python -m benchmarks.external [--server granian] [--rounds 20] [--requests 400]

The server runs in a process of its own and is left as it comes, one worker. The app that
waits sleeps for 2 ms in each request, as for a database: there eight connections do
eight requests in the time of one, and the client must not be what holds them up. Client and
server are kept on one core, as in `benchmarks.roundtrip`; `--any-core` leaves that to the system.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from statistics import median

from benchmarks.pairs import in_turn, middle_ratio, print_table
from benchmarks.served import HttpxClient, OwnClient, on_one_core, serving

_LEAST_CLIENT = 3.0
_LEAST_CONCURRENT = 1.5
_AT_A_TIME = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.external", description="Requests per second against an external server."
    )
    parser.add_argument("--server", default="granian", help="granian, uvicorn or bundled, or granian-uvloop")
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--requests", type=int, default=400, metavar="N", help="of a slice")
    parser.add_argument("--any-core", action="store_true", help="do not keep all on one core")
    chosen = parser.parse_args(arguments)
    where = on_one_core(anywhere=chosen.any_core)
    count = chosen.requests
    rows = [row for app in ("bare", "waiting") for row in _rows(chosen.server, app, chosen.rounds, count)]
    columns = ("client, app", "requests/s", "of httpx", "of 1 at a time", "target")
    print_table(
        f"{chosen.server}, {chosen.rounds} rounds of {count} requests, {where}",
        columns,
        rows,
        chosen.server.partition("-")[0],
        "httpx",
    )
    return 0


def _rows(server: str, app: str, rounds: int, count: int) -> list[tuple[str, ...]]:
    few = max(1, count // 4)
    with serving(server, f"benchmarks.endpoints:{app}") as url, contextlib.ExitStack() as stack:
        one, many, httpx = OwnClient(url), OwnClient(url, concurrency=_AT_A_TIME), HttpxClient(url)
        clients: tuple[OwnClient | HttpxClient, ...] = (one, many, httpx)
        for client in clients:
            stack.callback(client.close)
            client.send(_AT_A_TIME)
        seconds = in_turn(
            rounds,
            lambda: one.send(count) / count,
            lambda: many.send(count) / count,
            lambda: httpx.send(few) / few,
        )
    rows: list[tuple[str, ...]] = []
    for place, name in enumerate(("1 at a time", f"{_AT_A_TIME} at a time", "httpx")):
        against_httpx = middle_ratio(seconds[2], seconds[place])
        against_one = middle_ratio(seconds[0], seconds[place])
        target = ""
        if place == 0 and app == "bare":
            target = _target(against_httpx, _LEAST_CLIENT)
        if place == 1 and app == "waiting":
            target = _target(against_one, _LEAST_CONCURRENT)
        rate = 1 / median(seconds[place])
        rows.append(
            (f"{name}, {app}", f"{rate:,.0f}", f"{against_httpx:.1f}x", f"{against_one:.2f}x", target)
        )
    return rows


def _target(figure: float, least: float) -> str:
    return f">= {least:.1f}x {'ok' if figure >= least else 'MISSED'}"


if __name__ == "__main__":
    raise SystemExit(main())
