"""Do what the examples of a pair do, and write down what that leaves behind.

python page_probe.py FOLDER ...
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import inspect
import json
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from pytest_reqleak.agent.collector import Collector
from pytest_reqleak.agent.holders import HolderSearch
from pytest_reqleak.agent.tracers import make_tracer
from pytest_reqleak.analysis.categories import category_of_holder
from pytest_reqleak.analysis.ranking import rank_sites

TRACED = 10
"""Requests of a traced window, at most: the categories need no more, and tracing is slow."""
LEAST = {"blocks": 0.5, "heap": 40, "descriptors": 0.5, "threads": 0.5, "tasks": 0.5}
"""From which on a meter grows, per request."""
STRAY = {"blocks": 20, "heap": 4096}
"""What a whole window may add without a reason."""


class Probe:
    """One example, and a loop to run it in."""

    def __init__(self, example: ModuleType) -> None:
        self.example = example
        self.window: int = getattr(example, "WINDOW", 100)
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.collector = Collector()

    def request(self, number: int) -> None:
        """Do once what the example does."""
        example = self.example
        if hasattr(example, "visit"):
            done = example.visit(number)
        else:
            given = example.arguments(number) if hasattr(example, "arguments") else {}
            done = example.view(**{name: given[name] for name in inspect.signature(example.view).parameters})
        if inspect.iscoroutine(done):
            self.loop.run_until_complete(done)

    def settle(self) -> None:
        """Let what is about to end do so."""
        for _ in range(3):
            self.loop.run_until_complete(asyncio.sleep(0))
        # The interpreter's own caches are emptied with the garbage.
        while self.collector.collect():
            pass

    def readings(self) -> dict[str, float]:
        """What every meter reads now."""
        self.settle()
        read: dict[str, float] = {"blocks": sys.getallocatedblocks(), "threads": threading.active_count()}
        if hasattr(psutil, "heap_info"):
            info = psutil.heap_info()
            read["heap"] = info.heap_used + info.mmap_used
        if os.path.isdir("/proc/self/fd"):
            read["descriptors"] = len(os.listdir("/proc/self/fd"))
        read["tasks"] = len(asyncio.all_tasks(self.loop))
        return read

    def left(self) -> dict[str, Any]:
        """What five windows leave behind; the first two fill what is filled once."""
        series = []
        for start in range(0, 5 * self.window, self.window):
            for number in range(start, start + self.window):
                self.request(number)
            series.append(self.readings())
        rises = {
            meter: [after[meter] - before[meter] for before, after in pairwise(series[1:])]
            for meter in series[0]
        }
        least = {meter: LEAST[meter] * self.window for meter in rises}
        return {
            "grows": [meter for meter, rise in rises.items() if min(rise) >= least[meter]],
            "moves": [
                meter
                for meter, rise in rises.items()
                # A rise that is taken back is no leak: SQLite's driver drops its dead cursors by the hundred.
                if min(rise) >= max(least[meter] / 5, STRAY.get(meter, 1))
            ],
            "rises": rises,
        }

    def kinds(self, expected: str) -> list[str]:
        """The categories of what stays, by where it was allocated, or else by what holds it."""
        traced = min(TRACED, self.window)
        search = HolderSearch()
        search.mark()
        tracer = make_tracer("tracemalloc")
        tracer.start(16)
        tracer.mark(0)
        for window in range(1, 4):
            for number in range(traced):
                self.request(10_000 + window * traced + number)
            self.settle()
            tracer.mark(window * traced)
        sites, _ = rank_sites(tracer.growth(), tracer.bytes_per_iteration())
        tracer.stop()
        found = {site.category for site in sites}
        if expected not in found:
            # The search goes through all of the heap.
            held = [category_of_holder(each.path, each.entry) for each in search.grown(3 * traced)]
            found |= {kind.name for kind in held if kind}
        return sorted(found)


def probe(folder: Path) -> None:
    """Measure the example in a folder, and write the result beside it."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    one = Probe(importlib.import_module("example"))
    found = one.left()
    expected = Path("kind.txt").read_text("utf-8")
    found["kinds"] = one.kinds(expected) if expected else []
    Path("left.json").write_text(json.dumps(found), "utf-8")


def fork(folder: Path) -> int:
    """Measure an example in a copy of this process; returns its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            probe(folder)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            # Threads that never end are waited for by no one.
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def import_early(folder: Path) -> None:
    """Import what an example imports, so that its copies need not."""
    for node in ast.parse((folder / "example.py").read_text("utf-8")).body:
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        for name in names:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def main() -> int:
    """Measure the examples in the folders that are named; 0 where all could be."""
    folders = [Path(name).resolve() for name in sys.argv[1:]]
    if len(folders) == 1:
        probe(folders[0])
        sys.stderr.flush()
        os._exit(0)
    if hasattr(os, "fork"):
        import_early(folders[0])
        return max(fork(folder) for folder in folders)
    return max(
        subprocess.run(
            [sys.executable, *sys.orig_argv[1 : -len(folders)], str(folder)], check=False
        ).returncode
        for folder in folders
    )


if __name__ == "__main__":
    raise SystemExit(main())
