"""How often the verdict is wrong: the whole sequential procedure on seeded series.

    python -m benchmarks.power [--series N] [--iterations N]

Prints two tables: false alarms on families of clean series, and power on leaks
under each kind of noise. Warm-up is left out: every series starts 200 iterations in.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.series import CLEAN, NOISES, RATES, Maker, Source, added, leak, random_leak
from pytest_reqleak.analysis.batches import batch_ends
from pytest_reqleak.analysis.verdict import Decision, Outcome, decide, screen
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.plan import DEFAULT_THRESHOLD_BYTES
from pytest_reqleak.model.sample import Samples

WARMED_UP = 200
BATCHES = 50


@dataclass
class Course:
    """One simulated run: samples are taken as `measure` takes them."""

    source: Source
    batch: int
    done: int = WARMED_UP
    meter: Meter = Meter.LIVE_BLOCKS
    stages: list[Samples] = field(default_factory=list)

    def run(self, iterations: int, phase: Phase) -> Samples:
        count = max(1, iterations // self.batch)
        places = [self.done, *(self.done + end for end in batch_ends(iterations, count))]
        self.done = places[-1]
        return Samples(
            iterations=tuple(places),
            seconds=tuple(place * 1e-4 for place in places),
            phases=(phase,) * len(places),
            readings={self.meter: tuple(int(self.source(place)) for place in places)},
        )

    def confirm(self, iterations: int, hole: int) -> Samples:
        """A stage in two halves; between them `hole` iterations are traced and not kept."""
        early = self.run(max(1, iterations // 2), Phase.CONFIRM)
        self.done += hole
        late = self.run(max(1, iterations - iterations // 2), Phase.CONFIRM)
        return Samples(
            iterations=early.iterations + late.iterations,
            seconds=early.seconds + late.seconds,
            phases=early.phases + late.phases,
            readings={self.meter: early.readings[self.meter] + late.readings[self.meter]},
        )


def simulate(
    source: Source,
    *,
    iterations: int,
    batches: int = BATCHES,
    threshold: float = DEFAULT_THRESHOLD_BYTES,
    meter: Meter = Meter.LIVE_BLOCKS,
) -> tuple[Decision, int, int]:
    """Run the procedure to its end: the answer, the stages it took, the iterations."""
    course = Course(source, max(1, iterations // min(batches, iterations)), meter=meter)
    source(WARMED_UP)
    measured = course.run(iterations, Phase.MEASURE)
    decision = screen(measured, threshold=threshold)
    confirms: list[Samples] = []
    while decision.outcome is Outcome.GO_ON:
        # The first stage is traced and replayed in the middle, for a third of a measurement.
        hole = iterations // 3 if not confirms else 0
        confirms.append(course.confirm(decision.more_iterations, hole))
        decision = decide(measured, confirms, threshold=threshold)
    return decision, len(confirms), course.done


def tally(maker: Maker, *, series: int, iterations: int, seed: str) -> tuple[Counter[str], float]:
    """Outcomes over many series, and the mean number of iterations as multiples of the measurement."""
    outcomes: Counter[str] = Counter()
    spent = 0
    for number in range(series):
        rng = random.Random(f"{seed} {number}")
        decision, stages, done = simulate(maker(rng, iterations), iterations=iterations)
        outcomes[str(decision.outcome)] += 1
        outcomes[f"stage {stages}"] += 1
        spent += done - WARMED_UP
    return outcomes, spent / series / iterations


def false_alarms(families: Iterable[str], *, series: int, iterations: int) -> None:
    print(f"\nClean series, {iterations} iterations, {series} of each family (%)")
    print(f"{'family':22} {'clean':>7} {'leak':>7} {'inconcl':>7} {'cost x':>7}  last stage 0/1/2/3/4")
    for name in families:
        outcomes, cost = tally(CLEAN[name], series=series, iterations=iterations, seed=name)
        _row(name, outcomes, cost, series)


def power(noises: Iterable[str], *, series: int, iterations: int) -> None:
    print(f"\nLeaks called `leak` (%), {iterations} iterations, {series} of each; cost x in brackets")
    print(f"{'blocks per iteration':22} " + " ".join(f"{_rate(rate):>12}" for rate in RATES))
    for name in noises:
        cells = []
        for rate in RATES:
            maker = added(leak(rate), NOISES[name])
            outcomes, cost = tally(maker, series=series, iterations=iterations, seed=f"{name} {rate}")
            cells.append(f"{100 * outcomes['leak'] / series:5.1f} ({cost:4.1f})")
        print(f"{name:22} " + " ".join(f"{cell:>12}" for cell in cells))
    cells = []
    for rate in RATES:
        outcomes, cost = tally(random_leak(rate), series=series, iterations=iterations, seed=f"random {rate}")
        cells.append(f"{100 * outcomes['leak'] / series:5.1f} ({cost:4.1f})")
    print(f"{'at random':22} " + " ".join(f"{cell:>12}" for cell in cells))


def _row(name: str, outcomes: Counter[str], cost: float, series: int) -> None:
    shares = [100 * outcomes[word] / series for word in ("clean", "leak", "inconclusive")]
    stages = "/".join(f"{100 * outcomes[f'stage {n}'] / series:.0f}" for n in range(5))
    print(f"{name:22} {shares[0]:7.2f} {shares[1]:7.2f} {shares[2]:7.2f} {cost:7.2f}  {stages}", flush=True)


def _rate(rate: float) -> str:
    return f"{rate:g}" if rate >= 1 else f"1/{1 / rate:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--iterations", type=int, default=5000)
    parser.add_argument("--only", choices=("clean", "leaks"), default=None)
    options = parser.parse_args()
    started = time.perf_counter()
    if options.only != "leaks":
        false_alarms(CLEAN, series=options.series, iterations=options.iterations)
    if options.only != "clean":
        power(NOISES, series=options.series, iterations=options.iterations)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
