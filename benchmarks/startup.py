"""What the plugin costs a session that measures nothing: `pytest --co -q` on an empty suite.

Runs it with the plugin and without, in turn, so that what else the machine does
falls on both alike, and prints the difference of the medians, of the wall clock and
of the processor's time. On a busy machine only the latter means anything.

Usage: python -m benchmarks.startup [--pairs 20] [--most MILLISECONDS]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import entry_points

WITH, WITHOUT = (), ("-p", "no:reqleak")
SESSION_SECONDS = 60


def session_seconds(arguments: Sequence[str], folder: str) -> tuple[float, float]:
    """How long one session takes, from the start of its process to the end, and how long it computes."""
    # What other plugins import takes ten times as long as ours, and never exactly as long.
    others = [entry.name for entry in entry_points(group="pytest11") if entry.name != "reqleak"]
    without = [part for name in others for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider", *without, *arguments]
    # Plugins are found by looking through all that is installed; both sides pay for that.
    unset = ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    started, computed = time.perf_counter(), _children_seconds()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=SESSION_SECONDS, check=False
    )
    seconds = time.perf_counter() - started, _children_seconds() - computed
    # 5: no tests were collected.
    if done.returncode != 5:
        raise SystemExit(done.stdout.decode() + done.stderr.decode())
    return seconds


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the medians and what the plugin costs; 1 when that is more than allowed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=20, help="sessions with the plugin, and as many without")
    parser.add_argument(
        "--most", type=float, metavar="MILLISECONDS", help="exit with 1 when it computes for longer"
    )
    asked = parser.parse_args(arguments)
    found: dict[tuple[str, ...], list[tuple[float, float]]] = {WITH: [], WITHOUT: []}
    with tempfile.TemporaryDirectory() as folder:
        for side in found:
            # The first one of each compiles and reads the disk.
            session_seconds(side, folder)
        for _ in range(asked.pairs):
            for side, seconds in found.items():
                seconds.append(session_seconds(side, folder))
    for place, name in enumerate(("wall clock", "processor")):
        with_ms, without_ms = (
            1000 * statistics.median(pair[place] for pair in times) for times in found.values()
        )
        cost = with_ms - without_ms
        print(f"{name}: with {with_ms:.0f} ms, without {without_ms:.0f} ms: the plugin costs {cost:.1f} ms")
    return int(asked.most is not None and cost > asked.most)


if __name__ == "__main__":
    sys.exit(main())
