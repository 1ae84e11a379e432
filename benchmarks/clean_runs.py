"""Many runs of clean apps in a row: how often is one called a leak?

    python -m benchmarks.clean_runs [--runs 500] [--iterations 500] [--seed 1]

Each run takes one of the corpus' clean cases at random, on `direct` or `bundled`,
with one request under way or with eight (one where requests belong together: out of
order they are another app). What was drawn follows from the seed, so
a false alarm can be run again: its line says how.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.leakbench.case import CORPUS, Case, read_cases
from benchmarks.leakbench.environments import (
    Environments,
    Here,
    NoEnvironment,
    default_python_folders,
)
from benchmarks.leakbench.result import Result, Settings
from benchmarks.leakbench.runner import run_tool

SERVERS = ("direct", "bundled")
CONCURRENCIES = (1, 8)


@dataclass(frozen=True)
class Drawn:
    """What one run is."""

    number: int
    case: Case
    server: str
    concurrency: int

    def __str__(self) -> str:
        return f"{self.case.name} --server {self.server} --concurrency {self.concurrency}"


def draw(cases: Sequence[Case], *, runs: int, seed: int) -> Iterator[Drawn]:
    """Draw the runs; the same ones for the same cases and seed."""
    rng = random.Random(seed)
    for number in range(1, runs + 1):
        case, server, concurrency = rng.choice(cases), rng.choice(SERVERS), rng.choice(CONCURRENCIES)
        yield Drawn(number, case, server, 1 if case.kind == "sequence" else concurrency)


def run_all(drawn: Iterator[Drawn], environments: Environments | Here, *, iterations: int) -> Counter[str]:
    """Run them one after the other; prints every run that is not called clean."""
    verdicts: Counter[str] = Counter()
    for run in drawn:
        try:
            environment = environments.get(run.case)
        except NoEnvironment as error:
            print(f"{run.number:4}  no environment  {run}: {error}", flush=True)
            verdicts["not run"] += 1
            continue
        settings = Settings(iterations=iterations, server=run.server, concurrency=run.concurrency)
        result: Result = run_tool("reqleak", run.case, environment, settings)
        verdicts[result.verdict] += 1
        if result.verdict != "clean":
            print(f"{run.number:4}  {result.verdict:12}  {run}: {result.note}", flush=True)
    return verdicts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them, and exit with 1 if a clean app was called a leak."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clean_runs", description="Many runs of clean apps in a row."
    )
    parser.add_argument("--runs", type=int, default=500, metavar="N")
    parser.add_argument("--iterations", type=int, default=500, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--corpus", type=Path, default=CORPUS, metavar="DIR")
    parser.add_argument("--select", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "reqleak-leakbench")
    parser.add_argument("--here", action="store_true", help="run all in this Python, without environments")
    chosen = parser.parse_args(arguments)
    cases = [case for case in read_cases(chosen.corpus, tuple(chosen.select)) if case.expected == "clean"]
    if not cases:
        parser.error(f"{chosen.corpus}: no clean case matches")
    environments = (
        Here() if chosen.here else Environments(chosen.cache, python_folders=default_python_folders())
    )
    started = time.perf_counter()
    drawn = draw(cases, runs=chosen.runs, seed=chosen.seed)
    verdicts = run_all(drawn, environments, iterations=chosen.iterations)
    minutes = (time.perf_counter() - started) / 60
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    print(f"\n{chosen.runs} runs of {len(cases)} clean cases, {chosen.iterations} iterations: {counts}")
    print(f"{minutes:.0f} min, Python {sys.version.split()[0]}, seed {chosen.seed}")
    return 1 if verdicts["leak"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
