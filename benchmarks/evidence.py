"""What evidence costs a leaking run: seconds of the processor, and memory above the app's own.

    python -m benchmarks.evidence [--leak NAME] [--iterations 2000]

The promise: at most 3 s for a leak of the example shop, and under 150 MiB above what
the app has at that moment. Everything that a clean run does not do is counted: marks,
tracing, replay, the search for holders, the watch of lines, culprits. Prints a line for
each, and ends with 1 where the promise is broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import psutil

MOST_SECONDS, MOST_BYTES = 3.0, 150 * 2**20
_PAUSE_SECONDS = 0.005


class Clock:
    """Adds up the seconds of the outermost of some functions, and the highest memory while they run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.bytes = 0
        self._depth = 0
        self._start = 0
        self._process = psutil.Process()

    def count(self, owner: Any, name: str) -> None:
        """Count a function of a module or class from here on."""
        call: Callable[..., Any] = getattr(owner, name)

        def counted(*arguments: Any, **keywords: Any) -> Any:
            if self._depth:
                return call(*arguments, **keywords)
            self._depth, started = 1, time.process_time()
            self._start = self._process.memory_info().rss
            try:
                return call(*arguments, **keywords)
            finally:
                self.seconds[name] += time.process_time() - started
                self._depth = 0

        setattr(owner, name, counted)

    def watch(self) -> None:
        """Read the memory for ever, on a thread of its own."""
        while True:
            time.sleep(_PAUSE_SECONDS)
            if self._depth:
                self.bytes = max(self.bytes, self._process.memory_info().rss - self._start)


def main() -> int:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--app", default="examples.shop.main:app")
    parser.add_argument("--request", action="append", help="default: GET /orders/{i}")
    parser.add_argument("--leak", default="", metavar="NAME", help="a switch of the example apps")
    parser.add_argument("--iterations", type=int, default=2000)
    asked = parser.parse_args()
    if asked.leak:
        os.environ["SHOP_LEAKS"] = asked.leak

    from pytest_reqleak import evidence, measure
    from pytest_reqleak.agent.agent import Agent

    clock = Clock()
    for owner, names in (
        (evidence, ("trace", "stops_on_replay", "look_deeper", "find_culprits")),
        (Agent, ("prepare", "mark_objects", "grown_types", "grown_holders")),
    ):
        for name in names:
            clock.count(owner, name)
    threading.Thread(target=clock.watch, daemon=True).start()
    requests = asked.request or ["GET /orders/{i}"]
    run = measure(asked.app, requests, server="direct", iterations=asked.iterations)
    for name, seconds in sorted(clock.seconds.items(), key=lambda item: -item[1]):
        print(f"{name:20} {seconds:6.2f} s")
    total = sum(clock.seconds.values())
    print(f"{'in all':20} {total:6.2f} s, {clock.bytes / 2**20:.0f} MiB more")
    site = run.sites[0].frames[0] if run.sites else None
    where = f"{os.path.basename(site.file)}:{site.line}" if site else "nowhere"
    print(f"{run.verdict}, {run.bytes_per_iteration:.0f} B per request")
    print(f"explained {run.explained}, at {where}")
    return 0 if run.verdict == "leak" and total <= MOST_SECONDS and clock.bytes <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
