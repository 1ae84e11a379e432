"""What the search for holders costs on a large heap: seconds, and memory above the heap's own.

    python -m benchmarks.holders [--objects 2000000]

The promise: two million objects in at most 5 s (mark and search together) and with
at most a quarter more memory. Prints figures, and ends with 1 where one is exceeded.
"""

from __future__ import annotations

import argparse
import gc
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import psutil

MOST_SECONDS, MOST_SHARE = 5.0, 0.25
_PAUSE_SECONDS = 0.002


class Order:
    """What a heap of a web app is made of: instances with a dict, lists, tuples and texts."""

    def __init__(self, number: int) -> None:
        self.lines = [number, (number, str(number))]
        self.owner: Any = None


def fill(count: int) -> list[Order]:
    """A heap of about so many tracked objects, two to an order, linked crosswise."""
    orders = [Order(number) for number in range(count // 2)]
    for before, order in pairwise(orders):
        order.owner = before
    return orders


class Peak:
    """The highest resident memory while something runs, read on a thread of its own."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._ended = threading.Event()
        self.bytes = 0

    def of(self, work: Callable[[], Any]) -> tuple[Any, float]:
        """Run work; what it returned, and the seconds of the processor that it took."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        # Other processes of a busy machine are none of its business.
        started = time.thread_time()
        try:
            return work(), time.thread_time() - started
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE_SECONDS):
            self.bytes = max(self.bytes, self._process.memory_info().rss)


def main() -> int:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=2_000_000, metavar="N")
    parser.add_argument(
        "--share", type=float, default=MOST_SHARE, help="largest share of more memory that passes"
    )
    asked = parser.parse_args()
    from pytest_reqleak.agent.holders import HolderSearch

    empty = psutil.Process().memory_info().rss
    store: dict[str, Any] = {"orders": fill(asked.objects), "leak": []}
    sys.modules["__main__"].__dict__["STORE"] = store
    gc.collect()
    heap = psutil.Process().memory_info().rss - empty
    search = HolderSearch()
    marking, searching = Peak(), Peak()
    _, mark_seconds = marking.of(search.mark)
    store["leak"].extend([] for _ in range(1000))
    base = psutil.Process().memory_info().rss
    found, search_seconds = searching.of(lambda: search.grown(1000))
    more = max(marking.bytes, searching.bytes, base) - heap - empty
    seconds, share = mark_seconds + search_seconds, more / heap
    print(f"{len(gc.get_objects()):,} tracked objects, {heap / 2**20:.0f} MiB")
    print(f"mark {mark_seconds:.2f} s, search {search_seconds:.2f} s")
    print(f"{more / 2**20:.0f} MiB more ({share:.0%})")
    print(f"found {[holder.path for holder in found]}")
    right = bool(found) and found[0].path.endswith("STORE['leak']")
    return 0 if right and seconds <= MOST_SECONDS and share <= asked.share else 1


if __name__ == "__main__":
    sys.exit(main())
