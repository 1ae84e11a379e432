"""How often the verdict is wrong: the whole sequential procedure on seeded series.

    python -m benchmarks.power [--series N] [--first N] [--rows NAME,…] [--iterations N|auto] [--processes N]

Prints two tables: false alarms on families of clean series, and power on leaks
under each kind of noise. Warm-up is left out: every series starts 200 iterations in.
Each series has a seed of its own, so figures do not depend on how they are shared out:
a long run may be made in parts, each `--first` after the last of the part before.
"""

from __future__ import annotations

import argparse
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks.series import CLEAN, HARD, NOISES, RATES, Maker, Source, added, leak, random_leak
from pytest_reqleak.analysis.batches import SHORTER, batch_ends
from pytest_reqleak.analysis.looking import look_again
from pytest_reqleak.analysis.verdict import (
    MOST_STAGES,
    MOST_STAGES_AUTO,
    WATCHED_AUTO,
    Decision,
    Outcome,
    decide,
    screen,
)
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.plan import AUTO_ITERATIONS, DEFAULT_THRESHOLD_BYTES
from pytest_reqleak.model.sample import Samples

WARMED_UP = 200
BATCHES = 50
AUTO_SCALE = 2000
"""What the scale of a series is taken from where the run itself decides how long it is."""

Tally = tuple[Counter[str], float]


@dataclass
class Course:
    """One simulated run: samples are taken as `measuring` takes them."""

    source: Source
    batch: int
    done: int = WARMED_UP
    meter: Meter = Meter.LIVE_BLOCKS

    def run(self, iterations: int, phase: Phase, *, shorter: int = 1) -> Samples:
        count = max(1, iterations // max(1, self.batch // shorter))
        places = [self.done, *(self.done + end for end in batch_ends(iterations, count))]
        self.done = places[-1]
        return Samples(
            iterations=tuple(places),
            seconds=tuple(place * 1e-4 for place in places),
            phases=(phase,) * len(places),
            readings={self.meter: tuple(int(self.source(place)) for place in places)},
        )

    def measure(self, iterations: int | None, judge: Callable[[Samples], Decision]) -> Samples:
        if iterations is not None:
            return self.run(iterations, Phase.MEASURE)
        measured = self.run(look_again(None, 0, certain=AUTO_ITERATIONS), Phase.MEASURE)
        while True:
            length = measured.iterations[-1] - measured.iterations[0]
            more = look_again(judge(measured), length, certain=AUTO_ITERATIONS)
            if not more:
                return measured
            measured = joined(measured, self.run(more, Phase.MEASURE))

    def confirm(self, decision: Decision, hole: int) -> Samples:
        """A stage in two halves; between them `hole` iterations are traced and not kept."""
        iterations, shorter = decision.more_iterations, SHORTER if decision.shorter_batches else 1
        early = self.run(max(1, iterations // 2), Phase.CONFIRM, shorter=shorter)
        self.done += hole
        late = self.run(max(1, iterations - iterations // 2), Phase.CONFIRM, shorter=shorter)
        return joined(early, late)


def joined(early: Samples, late: Samples) -> Samples:
    return Samples(
        iterations=early.iterations + late.iterations,
        seconds=early.seconds + late.seconds,
        phases=early.phases + late.phases,
        readings={meter: column + late.readings[meter] for meter, column in early.readings.items()},
    )


def simulate(
    source: Source,
    *,
    iterations: int | None,
    batches: int = BATCHES,
    threshold: float = DEFAULT_THRESHOLD_BYTES,
    meter: Meter = Meter.LIVE_BLOCKS,
) -> tuple[Decision, int, int]:
    """Run the procedure to its end: the answer, the stages it took, the iterations.

    Args:
        source: The truth.
        iterations: Of the measurement; None: until the answer is certain.
        batches: Of the measurement.
        threshold: Bytes per iteration.
        meter: What the source stands for.
    """
    least = AUTO_ITERATIONS if iterations is None else iterations
    course = Course(source, max(1, least // min(batches, least)), meter=meter)
    source(WARMED_UP)
    watched = WATCHED_AUTO if iterations is None else (0, 0.0)

    def look(samples: Samples) -> Decision:
        return screen(samples, threshold=threshold, watched=watched)

    measured = course.measure(iterations, look)
    decision = look(measured)
    confirms: list[Samples] = []
    while decision.outcome is Outcome.GO_ON:
        # The first stage is traced and replayed in the middle, for a third of a measurement.
        hole = least // 3 if not confirms else 0
        confirms.append(course.confirm(decision, hole))
        decision = decide(
            measured,
            confirms,
            threshold=threshold,
            most_stages=MOST_STAGES_AUTO if iterations is None else MOST_STAGES,
        )
    return decision, len(confirms), course.done


def tally(
    maker: Maker, *, series: int, iterations: int | None, seed: str, numbers: range | None = None
) -> Tally:
    """Outcomes over many series, and the mean number of iterations as multiples of the measurement."""
    outcomes: Counter[str] = Counter()
    spent = 0
    scale = AUTO_SCALE if iterations is None else iterations
    chosen = range(series) if numbers is None else numbers
    for number in chosen:
        rng = random.Random(f"{seed} {number}")
        decision, stages, done = simulate(maker(rng, scale), iterations=iterations)
        outcomes[str(decision.outcome)] += 1
        outcomes[f"stage {stages}"] += 1
        spent += done - WARMED_UP
    return outcomes, spent / len(chosen) / scale


# -- shared out over processes ---------------------------------------------------------------

Task = tuple[str, float]
"""A family of clean series with rate 0, or a noise (or `at random`) with a leak's rate."""


def _maker(task: Task) -> tuple[Maker, str]:
    name, rate = task
    if not rate:
        return {**CLEAN, **HARD}[name], name
    if name == AT_RANDOM:
        return random_leak(rate), f"random {rate}"
    return added(leak(rate), NOISES[name]), f"{name} {rate}"


def _part(task: Task, numbers: range, iterations: int | None) -> Tally:
    maker, seed = _maker(task)
    return tally(maker, series=len(numbers), iterations=iterations, seed=seed, numbers=numbers)


AT_RANDOM = "at random"
_PART = 250


class Bench:
    """Tallies of many tasks, shared out over processes."""

    def __init__(
        self, *, series: int, first: int, rows: list[str], iterations: int | None, processes: int
    ) -> None:
        self.series, self.first, self.rows = series, first, rows
        self.iterations, self.processes = iterations, processes

    def tallies(self, tasks: Iterable[Task]) -> Iterable[tuple[Task, Tally]]:
        """One tally per task, in order."""
        end = self.first + self.series
        parts = [range(n, min(n + _PART, end)) for n in range(self.first, end, _PART)]
        with ProcessPoolExecutor(self.processes) as pool:
            under_way = [
                (task, [pool.submit(_part, task, part, self.iterations) for part in parts]) for task in tasks
            ]
            for task, futures in under_way:
                outcomes: Counter[str] = Counter()
                cost = 0.0
                for part, future in zip(parts, futures, strict=True):
                    counted, mean = future.result()
                    outcomes += counted
                    cost += mean * len(part) / self.series
                yield task, (outcomes, cost)

    def false_alarms(self) -> None:
        """Print the first table."""
        families, hard = self._chosen(CLEAN), self._chosen(HARD)
        if families:
            print(f"\nClean series, {self._length()}, {self._numbers()} of each family (%)")
            alarms = self._print_families(families)
            print(f"{'all':22} {'':7} {100 * alarms / self.series / len(families):7.3f}")
        if hard:
            print("\nSeries that end later than any run, and slow down until then")
            self._print_families(hard)

    def _print_families(self, families: Iterable[str]) -> int:
        """One row each; how many of them all were called a leak."""
        print(f"{'family':22} {'clean':>7} {'leak':>7} {'inconcl':>7} {'cost x':>7}  last stage 0/1/2/…")
        alarms = 0
        for (name, _), (outcomes, cost) in self.tallies((name, 0.0) for name in families):
            shares = [100 * outcomes[word] / self.series for word in ("clean", "leak", "inconclusive")]
            last = MOST_STAGES_AUTO if self.iterations is None else MOST_STAGES
            stages = "/".join(f"{100 * outcomes[f'stage {n}'] / self.series:.0f}" for n in range(last + 1))
            alarms += outcomes["leak"]
            print(
                f"{name:22} {shares[0]:7.2f} {shares[1]:7.2f} {shares[2]:7.2f} {cost:7.2f}  {stages}",
                flush=True,
            )
        return alarms

    def power(self) -> None:
        """Print the second table."""
        names = self._chosen([*NOISES, AT_RANDOM])
        if not names:
            return
        print(f"\nLeaks called `leak` (%), {self._length()}, {self._numbers()} of each; cost x in brackets")
        print(f"{'blocks per iteration':22} " + " ".join(f"{_rate(rate):>13}" for rate in RATES))
        found = self.tallies((name, rate) for name in names for rate in RATES)
        for place, ((name, _), (outcomes, cost)) in enumerate(found):
            first, last = place % len(RATES) == 0, place % len(RATES) == len(RATES) - 1
            cell = f"{100 * outcomes['leak'] / self.series:6.2f} ({cost:4.1f})"
            print((f"{name:22} " if first else " ") + f"{cell:>13}", end="\n" if last else "", flush=True)

    def _chosen(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if not self.rows or name in self.rows]

    def _numbers(self) -> str:
        return f"{self.series}" + (f" from number {self.first}" if self.first else "")

    def _length(self) -> str:
        return "iterations=auto" if self.iterations is None else f"{self.iterations} iterations"


def _rate(rate: float) -> str:
    return f"{rate:g}" if rate >= 1 else f"1/{1 / rate:.0f}"


def _iterations(text: str) -> int | None:
    return None if text == "auto" else int(text)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first series of each row")
    parser.add_argument("--rows", type=_names, default=[], help="names of the rows wanted, between commas")
    parser.add_argument("--iterations", type=_iterations, default=5000)
    parser.add_argument("--only", choices=("clean", "leaks"), default=None)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    known = {*CLEAN, *HARD, *NOISES, AT_RANDOM}
    if unknown := [name for name in options.rows if name not in known]:
        parser.error(f"no row named {unknown[0]!r}; rows are {', '.join(sorted(known))}")
    bench = Bench(
        series=options.series,
        first=options.first,
        rows=options.rows,
        iterations=options.iterations,
        processes=options.processes,
    )
    started = time.perf_counter()
    print(
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, Python {sys.version.split()[0]}, {platform.machine()}"
    )
    if options.only != "leaks":
        bench.false_alarms()
    if options.only != "clean":
        bench.power()
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
