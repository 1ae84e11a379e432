"""Seeded series of known truth: what live blocks do in clean apps and under leaks.

A source says how many blocks live after n iterations. It is asked with rising n
and may keep state, so it costs as much as the iterations that are looked at.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate

Source = Callable[[int], float]
Maker = Callable[[random.Random, int], Source]
"""Takes randomness and the measurement's length in iterations, which sets the scale."""


def flat(rng: random.Random, length: int) -> Source:
    level = rng.randrange(10_000, 1_000_000)
    return lambda n: level


def added(*makers: Maker) -> Maker:
    """The sum of several sources."""

    def make(rng: random.Random, length: int) -> Source:
        parts = [maker(rng, length) for maker in makers]
        return lambda n: sum(part(n) for part in parts)

    return make


# -- noise: moves, keeps nothing ------------------------------------------------------------


def jitter(width: int) -> Maker:
    """Each reading is off by up to `width`, whatever the one before."""

    def make(rng: random.Random, length: int) -> Source:
        return lambda n: rng.randint(-width, width)

    return make


def gaussian(deviation: float) -> Maker:
    def make(rng: random.Random, length: int) -> Source:
        return lambda n: round(rng.gauss(0, deviation))

    return make


def spikes(height: float) -> Maker:
    """Quiet, but one reading in five is too high."""

    def make(rng: random.Random, length: int) -> Source:
        return lambda n: round(rng.expovariate(1 / height)) if rng.random() < 0.2 else 0

    return make


def lazy(deviation: float, memory: float) -> Maker:
    """Wanders about a level and comes back to it: autoregressive noise."""

    def make(rng: random.Random, length: int) -> Source:
        state = [0.0]

        def read(n: int) -> float:
            state[0] = memory * state[0] + rng.gauss(0, deviation)
            return round(state[0])

        return read

    return make


def random_walk(deviation: float) -> Maker:
    def make(rng: random.Random, length: int) -> Source:
        level, last = [0.0], [0]

        def read(n: int) -> float:
            batches = (n - last[0]) / (length / 50)
            last[0] = n
            level[0] += rng.gauss(0, deviation * math.sqrt(max(0.0, batches)))
            return round(level[0])

        return read

    return make


def timers() -> Maker:
    """An event loop's cancelled timers: they pile up and are swept out when they are half of all."""

    def make(rng: random.Random, length: int) -> Source:
        last, pile = [0], [0.0]
        most = rng.randint(200, 500)

        def read(n: int) -> float:
            pile[0] += (n - last[0]) * rng.uniform(0.8, 1.2)
            last[0] = n
            pile[0] %= most
            return round(pile[0])

        return read

    return make


def saw_tooth(shortest: float = 0.004, longest: float = 1.0) -> Maker:
    """A buffer that is emptied when it is full; its period as a share of the measurement."""

    def make(rng: random.Random, length: int) -> Source:
        period = max(2, round(length * math.exp(rng.uniform(math.log(shortest), math.log(longest)))))
        phase, blocks = rng.randrange(period), rng.choice([1, 1, 2, 5, 10])
        return lambda n: (n + phase) % period * blocks

    return make


def sessions(rng: random.Random, length: int) -> Source:
    """A store whose entries expire, swept when it has doubled since the last sweep."""
    lifetime = round(length * math.exp(rng.uniform(math.log(0.05), 0)))
    blocks = rng.choice([1, 5])
    size, limit, last = [0], [lifetime // 2], [0]

    def read(n: int) -> float:
        for _ in range(n - last[0]):
            size[0] += 1
            if size[0] >= limit[0]:
                size[0] = min(size[0], lifetime)
                limit[0] = 2 * size[0]
        last[0] = n
        return size[0] * blocks

    return read


# -- growth that ends -----------------------------------------------------------------------


def steps(rng: random.Random, length: int) -> Source:
    """A few things that happen once: an index is rebuilt larger, a module imported late."""
    places = sorted(rng.uniform(0, 1.5 * length) for _ in range(rng.randint(1, 5)))
    heights = [round(math.exp(rng.uniform(0, 10))) for _ in places]
    return lambda n: sum(height for place, height in zip(places, heights, strict=True) if n >= place)


def plateau(latest: float = 1.2) -> Maker:
    """A bounded cache that every iteration fills by one, then turns over."""

    def make(rng: random.Random, length: int) -> Source:
        full, blocks = rng.uniform(0.02, latest) * length, rng.choice([1, 2, 6])
        return lambda n: round(min(n, full)) * blocks

    return make


def coupons(keys: float | None = None, share: float = 1.0) -> Maker:
    """A cache keyed by one of K inputs drawn at random: fills ever more slowly."""

    def make(rng: random.Random, length: int) -> Source:
        k = keys or math.exp(rng.uniform(math.log(0.02), math.log(3)))
        most, blocks = max(2, round(k * length * share)), rng.choice([1, 2, 6])
        met: set[int] = set()
        last = [0]

        def read(n: int) -> float:
            draws = n - last[0] if share == 1.0 else sum(rng.random() < share for _ in range(n - last[0]))
            met.update([int(rng.random() * most) for _ in range(draws)])
            last[0] = n
            return len(met) * blocks

        return read

    return make


def zipf(rng: random.Random, length: int) -> Source:
    """As `coupons`, but some inputs are much commoner than others."""
    most = round(length * math.exp(rng.uniform(math.log(0.02), math.log(1))))
    weights = list(accumulate(1 / (k + 1) for k in range(most)))
    met: set[int] = set()
    last = [0]

    def read(n: int) -> float:
        met.update(rng.choices(range(most), cum_weights=weights, k=n - last[0]))
        last[0] = n
        return len(met)

    return read


def _met(draw: Callable[[], int], *, blocks: int) -> Source:
    """A cache by what each iteration draws, so many blocks for each value that was met."""
    met: set[int] = set()
    last = [0]

    def read(n: int) -> float:
        met.update(draw() for _ in range(n - last[0]))
        last[0] = n
        return blocks * len(met)

    return read


def few_users(rng: random.Random, length: int) -> Source:
    """A cache by user, of whom a few send most of the requests and thousands hardly any (Pareto)."""
    shape, most = rng.uniform(0.8, 2), round(length * rng.uniform(0.2, 2))
    return _met(lambda: int(10 * rng.paretovariate(shape)) % most, blocks=3)


def records(rng: random.Random, length: int) -> Source:
    """A pool as large as the largest request so far: rises ever more rarely."""
    best, last = [0], [0]
    scale, most = rng.randint(5, 50), rng.randint(1000, 5000)

    def read(n: int) -> float:
        if n > last[0]:
            # The largest of k draws, drawn at once.
            chance = rng.random() ** (1 / (n - last[0]))
            best[0] = max(best[0], min(most, int(scale * (1 - chance) ** (-1 / 1.1))))
            last[0] = n
        return best[0]

    return read


# -- growth that slows down for ever --------------------------------------------------------


def histogram(rng: random.Random, length: int) -> Source:
    """Counts by the logarithm of a duration, or of a size."""
    fine, deviation, blocks = rng.choice([4, 8, 16]), rng.uniform(0.3, 1.5), rng.choice([1, 2, 4])
    return _met(lambda: int(rng.gauss(8, deviation) * fine), blocks=blocks)


def sizes(rng: random.Random, length: int) -> Source:
    """Counts by the size of an answer."""
    deviation, blocks = rng.uniform(20, 100), rng.choice([1, 2, 3])
    return _met(lambda: int(rng.gauss(800, deviation)), blocks=blocks)


def counts(rng: random.Random, length: int) -> Source:
    """Counts of names of which few are common; a count that passes 256 is an object of its own."""
    most = rng.randint(20, 400)
    met: Counter[int] = Counter()
    last, passed = [0], [0]

    def read(n: int) -> float:
        for _ in range(n - last[0]):
            name = int(rng.paretovariate(1.2)) % most
            met[name] += 1
            passed[0] += met[name] == 257
        last[0] = n
        return 3 * len(met) + passed[0]

    return read


# -- growth that does not end ---------------------------------------------------------------


def leak(per_iteration: float) -> Maker:
    """One object every so many iterations, or several in each, like clockwork."""

    def make(rng: random.Random, length: int) -> Source:
        phase = rng.random()
        return lambda n: math.floor(n * per_iteration + phase)

    return make


def random_leak(per_iteration: float) -> Maker:
    """As often as `leak`, but at random."""

    def make(rng: random.Random, length: int) -> Source:
        def events() -> Iterator[float]:
            place = 0.0
            while True:
                place += rng.expovariate(per_iteration)
                yield place

        coming = events()
        state = [0, next(coming)]

        def read(n: int) -> float:
            while state[1] <= n:
                state[0] += 1
                state[1] = next(coming)
            return state[0]

        return read

    return make


CLEAN: dict[str, Maker] = {
    "flat": flat,
    "jitter ±1": jitter(1),
    "jitter ±3": jitter(3),
    "jitter ±20": jitter(20),
    "jitter ±250": jitter(250),
    "gaussian 50": gaussian(50),
    "spikes": spikes(300),
    "lazy noise 0.5": lazy(20, 0.5),
    "lazy noise 0.9": lazy(20, 0.9),
    "timers": timers(),
    "saw-tooth": saw_tooth(),
    "saw-tooth + jitter": added(saw_tooth(), jitter(3)),
    "two saw-teeth": added(saw_tooth(), saw_tooth()),
    "sessions": sessions,
    "steps": steps,
    "steps + jitter": added(steps, jitter(3)),
    "plateau": plateau(),
    "plateau + jitter": added(plateau(), jitter(3)),
    "plateau + timers": added(plateau(), timers()),
    "coupons": coupons(),
    "coupons + jitter": added(coupons(), jitter(3)),
    "rare coupons": coupons(share=0.1),
    "zipf": zipf,
    "records": records,
    "histogram": histogram,
    "sizes": sizes,
    "counts": counts,
    "random walk 1": random_walk(1),
    "random walk 10": random_walk(10),
    "random walk 300": random_walk(300),
}

HARD: dict[str, Maker] = {"few users": few_users}
"""Clean in the end, but not in the time of a run: growth that slows down for ever."""

NOISES: dict[str, Maker] = {
    "none": flat,
    "jitter ±1": jitter(1),
    "jitter ±3": jitter(3),
    "jitter ±20": jitter(20),
    "spikes": spikes(300),
    "timers": timers(),
    "saw-tooth": saw_tooth(longest=0.1),
    "long saw-tooth": saw_tooth(0.1, 0.5),
    "steps": steps,
    "plateau": plateau(0.5),
    "coupons": coupons(0.1),
}

RATES = (1 / 500, 1 / 250, 1 / 200, 1 / 100, 1 / 20, 0.2, 1.0, 10.0)
