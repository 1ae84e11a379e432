"""Time two halves in turn, and say how they compare.

A machine that others use too is now fast, now slow: figures of one half mean
nothing, but two halves that ran one after the other saw the same machine. So what
every benchmark here reports is the median of the ratios of such pairs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
_CHILD_SECONDS = 3600


def child(module: str, *arguments: object) -> Any:
    """Run `python -m benchmarks.MODULE --half …` in a process of its own; its last line, a JSON value."""
    command = [sys.executable, "-m", f"benchmarks.{module}", "--half", *map(str, arguments)]
    # As where the package is installed, bytecode is cached: compiling is no part of what is timed.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, timeout=_CHILD_SECONDS, check=False, env=env
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(times: int, *halves: Callable[[], float]) -> list[list[float]]:
    """Run the halves one after the other, so many times; a list of figures for each."""
    figures: list[list[float]] = [[] for _ in halves]
    for _ in range(times):
        for half, known in zip(halves, figures, strict=True):
            known.append(half())
    return figures


def middle_ratio(upper: Sequence[float], lower: Sequence[float]) -> float:
    """The median of the pairs' ratios."""
    return median(one / other for one, other in zip(upper, lower, strict=True))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *packages: str) -> None:
    """Print rows under a title that says when, and with which versions, they were measured."""
    versions = ", ".join(
        [f"Python {sys.version.split()[0]}", *(f"{name} {_version(name)}" for name in packages)]
    )
    print(f"\n{title} ({date.today().isoformat()}, {versions})")
    texts = [tuple(columns), *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(columns))]
    for row in texts:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  " + "  ".join(cells).rstrip())


def verdict_of(figure: float, most: float, *, form: str = "{:.2f}x") -> str:
    """A target, and whether a figure stays below it."""
    return f"<= {form.format(most)} {'ok' if figure <= most else 'MISSED'}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"
