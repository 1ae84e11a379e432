"""Which types of objects survive each iteration.

Counts what the collector lists: after `gc.freeze` that is only what was made
since, so a count costs microseconds; unfrozen it is the whole heap and still right.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable

from pytest_reqleak.agent.identity import full_name
from pytest_reqleak.model.finding import TypeGrowth
from pytest_reqleak.model.origin import HARNESS_PACKAGES

SLOWEST = 1 / 500
_MOST = 20
_NOISE = 0.02
"""Types slower than this share of the fastest are chance, such as what an import made."""


class TypeCounter:
    """Counts objects by type; holds no reference to objects or types between its calls."""

    def __init__(self) -> None:
        self._before: Counter[int] = Counter()
        # The first use of a Counter fills caches of the standard library, which would be counted.
        _count([]).most_common(1)

    def mark(self) -> None:
        """Count now; forgets an earlier mark."""
        self._before = _count(gc.get_objects())

    def grown(self, iterations: int) -> tuple[TypeGrowth, ...]:
        """Types of which more objects live than at the mark, the fastest first.

        Args:
            iterations: Done since `mark`.

        Returns:
            At most 20, in objects per iteration; types of the same name are added up.
        """
        # No closure in this function: its own cells would be counted.
        tracked = gc.get_objects()
        growth = _growth(self._before, _count(tracked), tracked)
        self._before = Counter()
        return _rates(growth, max(1, iterations))


def _growth(before: Counter[int], now: Counter[int], tracked: list[object]) -> Counter[str]:
    rising = {key for key, count in now.items() if count > before[key]}
    kinds = {id(kind): kind for kind in map(type, tracked) if id(kind) in rising}
    growth: Counter[str] = Counter()
    for key, kind in kinds.items():
        growth[full_name(kind)] += now[key] - before[key]
    return growth


def _rates(growth: Counter[str], iterations: int) -> tuple[TypeGrowth, ...]:
    least = max(1, iterations * SLOWEST, max(growth.values(), default=0) * _NOISE)
    return tuple(
        TypeGrowth(type=name, per_iteration=count / iterations)
        for name, count in growth.most_common(_MOST)
        if count >= least and name.partition(".")[0] not in HARNESS_PACKAGES
    )


def merge_types(*parts: Iterable[TypeGrowth]) -> tuple[TypeGrowth, ...]:
    """One list of several; of two entries of one name the first counts."""
    merged: dict[str, TypeGrowth] = {}
    for part in parts:
        for growth in part:
            merged.setdefault(growth.type, growth)
    return tuple(sorted(merged.values(), key=lambda growth: -growth.per_iteration))


def _count(tracked: list[object]) -> Counter[int]:
    return Counter(map(id, map(type, tracked)))
