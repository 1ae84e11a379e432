"""What a round trip costs: the bundled server against Uvicorn, and our driver against httpx.

    python -m benchmarks.roundtrip [--rounds 40] [--requests 300]

A one-line ASGI app behind each server, each in a process of its own; a round sends a
slice of requests to every server with every client, in turn, and the figures are
medians of the ratios within the rounds. uvloop rows appear where it is installed. Client and
servers are kept on one core, so that work is compared; `--any-core` leaves that to the system, which
on idle cores adds 30 to 60 us of waking to each round trip, less of it to Uvicorn's: it sends twice.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
from collections.abc import Sequence
from statistics import median

from benchmarks.pairs import in_turn, middle_ratio, print_table, verdict_of
from benchmarks.served import HttpxClient, OwnClient, on_one_core, serving

APP = "benchmarks.endpoints:bare"
_MOST_SERVER = 0.9
_MOST_CLIENT = 0.3


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.roundtrip", description="What a round trip costs."
    )
    parser.add_argument("--rounds", type=int, default=40, metavar="N")
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="of a slice")
    parser.add_argument("--any-core", action="store_true", help="do not keep all on one core")
    chosen = parser.parse_args(arguments)
    where = on_one_core(anywhere=chosen.any_core)
    loops = ["", "-uvloop"] if importlib.util.find_spec("uvloop") else [""]
    servers = [name + loop for loop in loops for name in ("bundled", "uvicorn")]
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(serving(name, APP)) for name in servers}
        own = {name: OwnClient(url) for name, url in urls.items()}
        httpx = {name: HttpxClient(url) for name, url in urls.items()}
        clients: list[OwnClient | HttpxClient] = [*own.values(), *httpx.values()]
        for client in clients:
            stack.callback(client.close)
            client.send(chosen.requests)
        few = max(1, chosen.requests // 4)
        halves = [functools.partial(_each, client, chosen.requests) for client in own.values()]
        halves += [functools.partial(_each, client, few) for client in httpx.values()]
        seconds = in_turn(chosen.rounds, *halves)
    by_own = dict(zip(servers, seconds, strict=False))
    by_httpx = dict(zip(servers, seconds[len(servers) :], strict=True))
    rows = []
    for name in servers:
        against = middle_ratio(by_own[name], by_own[name.replace("bundled", "uvicorn")])
        driver = middle_ratio(by_own[name], by_httpx[name])
        rows.append(
            (
                name,
                f"{1e6 * median(by_own[name]):.0f} us",
                f"{against:.2f}x" if name.startswith("bundled") else "",
                verdict_of(against, _MOST_SERVER) if name.startswith("bundled") else "",
                f"{1e6 * median(by_httpx[name]):.0f} us",
                f"{driver:.2f}x",
                verdict_of(driver, _MOST_CLIENT),
            )
        )
    columns = ("server", "our driver", "of uvicorn", "target", "httpx", "driver of httpx", "target")
    title = (
        f"round trip of a one-line ASGI app, {chosen.rounds} rounds of {chosen.requests} requests, {where}"
    )
    print_table(title, columns, rows, "uvicorn", "httptools", "httpx", "uvloop")
    return 0


def _each(client: OwnClient | HttpxClient, count: int) -> float:
    return client.send(count) / count


if __name__ == "__main__":
    raise SystemExit(main())
