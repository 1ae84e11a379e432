"""What the harness weighs: memory above the app's own, modules, and the import of the plugin.

    python -m benchmarks.footprint [--pairs 5]

Memory is the resident set of a process that ran a clean measurement of the bare app on
`direct`, against one that made as many calls by hand. The plugin's import is timed in a
process that has imported pytest, and is what every session pays that measures nothing: in
CPU time, the fastest of all, with its bytecode cached.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.pairs import child, print_table, verdict_of

_MOST_MIB = 30.0
_MOST_IMPORT_MS = 5.0
_ITERATIONS = 2000
_MIB = 1024 * 1024


def rss_after(half: str) -> list[float]:
    """The resident set in bytes, the number of modules, and how many of them are ours."""
    import psutil

    if half == "bare":
        from benchmarks.overhead import bare

        bare("bare", _ITERATIONS)
    else:
        from benchmarks.overhead import measured

        measured("bare", _ITERATIONS)
    own = sum(name.partition(".")[0] == "pytest_reqleak" for name in sys.modules)
    return [psutil.Process().memory_info().rss, len(sys.modules), own]


def plugin_import() -> list[float]:
    """CPU seconds, and modules that pytest itself had not imported."""
    import importlib

    import pytest

    assert pytest.__version__
    before = set(sys.modules)
    start = time.process_time()
    importlib.import_module("pytest_reqleak.plugin")
    return [time.process_time() - start, len(set(sys.modules) - before)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.footprint", description="What the harness weighs."
    )
    parser.add_argument("--pairs", type=int, default=5, metavar="N")
    parser.add_argument("--half", metavar="HALF", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.half:
        print(json.dumps(plugin_import() if chosen.half == "import" else rss_after(chosen.half)))
        return 0
    pairs = [(child("footprint", "measured"), child("footprint", "bare")) for _ in range(chosen.pairs)]
    # One more: the first may have to write the bytecode.
    imports = [child("footprint", "import") for _ in range(chosen.pairs + 1)]
    above = median(ours[0] - theirs[0] for ours, theirs in pairs) / _MIB
    modules = median(ours[1] - theirs[1] for ours, theirs in pairs)
    own = median(ours[2] for ours, _ in pairs)
    seconds = min(figures[0] for figures in imports)
    rows = [
        (
            "memory above the app",
            f"{above:.1f} MiB",
            verdict_of(above, _MOST_MIB, form="{:.0f} MiB"),
            f"{modules:.0f} more modules, {own:.0f} of them ours",
        ),
        (
            "import of the plugin",
            f"{1e3 * seconds:.1f} ms",
            verdict_of(1e3 * seconds, _MOST_IMPORT_MS, form="{:.0f} ms"),
            f"{imports[0][1]:.0f} more modules (the fastest of {chosen.pairs})",
        ),
    ]
    print_table(f"footprint, {chosen.pairs} pairs", ("what", "figure", "target", ""), rows, "pytest")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
