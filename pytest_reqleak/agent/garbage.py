"""What the collector frees, looked at before it is gone: types, and one ring of references.

For a few requests the collector is told to keep what it finds (`gc.DEBUG_SAVEALL`);
afterwards everything is given back. Follows `identity`'s rules: only what the
collector itself traverses is read.
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.agent.identity import full_name, type_name
from pytest_reqleak.agent.steps import step_text
from pytest_reqleak.model.finding import Cycle, Link, TypeGrowth
from pytest_reqleak.model.origin import HARNESS_PACKAGES

_MOST_TYPES = 8
_MOST_STARTS = 40
_MOST_RING = 12
_LEAST = 0.05
"""Garbage of a type in fewer than one request of twenty is chance."""


class GarbageSample:
    """Keeps cyclic garbage for a while; use `start`, let the app work, collect, `stop`."""

    def __init__(self) -> None:
        self._flags: int | None = None
        self._before = 0

    def start(self) -> None:
        """Keep what is found from here on, in `gc.garbage`."""
        gc.collect()
        self._flags = gc.get_debug()
        self._before = len(gc.garbage)
        gc.set_debug(self._flags | gc.DEBUG_SAVEALL)

    def stop(self, iterations: int) -> tuple[Cycle, ...]:
        """Look at what was kept, and free it.

        Args:
            iterations: Done since `start`.

        Returns:
            One cycle, or none where there was no garbage to speak of.
        """
        if self._flags is None:
            return ()
        gc.collect()
        gc.set_debug(self._flags)
        self._flags = None
        kept = gc.garbage[self._before :]
        try:
            return cycles_in(kept, iterations)
        finally:
            if not gc.get_debug() & gc.DEBUG_SAVEALL:
                del gc.garbage[self._before :]
            kept.clear()
            gc.collect()


def cycles_in(garbage: Sequence[Any], iterations: int) -> tuple[Cycle, ...]:
    """Count objects that only the collector frees, and show one ring of them.

    Args:
        garbage: Objects that nothing else reaches.
        iterations: That have left them.
    """
    names: Counter[str] = Counter()
    for thing in garbage:
        name = type_name(thing)
        if name.partition(".")[0] not in HARNESS_PACKAGES:
            names[name] += 1
    iterations = max(1, iterations)
    types = tuple(
        TypeGrowth(type=name, per_iteration=count / iterations)
        for name, count in names.most_common(_MOST_TYPES)
        if count / iterations >= _LEAST
    )
    if not types:
        return ()
    path = _path_around(shortest_ring(garbage))
    return (Cycle(objects_per_iteration=sum(names.values()) / iterations, types=types, path=path),)


def shortest_ring(garbage: Sequence[Any]) -> list[Any]:
    """Objects each of which refers to the next, and the last to the first; empty where none is found.

    Rings through an instance of a class are preferred: a dict that holds itself
    through a frame says less. Only a few of the newest objects are tried.
    """
    members = set(map(id, garbage))
    best: list[Any] = []
    starts = sorted(garbage[-_MOST_STARTS * 4 :], key=_dullness)[:_MOST_STARTS]
    for start in starts:
        ring = _ring_from(start, members)
        if ring and (not best or (_dullness(ring[0]), len(ring)) < (_dullness(best[0]), len(best))):
            best = ring
    return best


def _dullness(thing: Any) -> int:
    """0 for an instance of somebody's class, 1 for a function or frame, 2 for what Python is made of."""
    module = full_name(type(thing)).rpartition(".")[0]
    if module:
        return 0
    return 1 if type(thing).__name__ in ("function", "frame", "method", "cell", "coroutine") else 2


def _ring_from(start: Any, members: set[int]) -> list[Any]:
    """The shortest way from an object back to itself, breadth first."""
    parents: dict[int, Any] = {}
    seen = {id(start)}
    level: deque[tuple[Any, int]] = deque([(start, 1)])
    while level:
        thing, depth = level.popleft()
        for child in gc.get_referents(thing):
            if child is start:
                ring = [thing]
                while ring[-1] is not start:
                    ring.append(parents[id(ring[-1])])
                return ring[::-1]
            if depth < _MOST_RING and id(child) in members and id(child) not in seen:
                seen.add(id(child))
                parents[id(child)] = thing
                level.append((child, depth + 1))
    return []


def _path_around(ring: list[Any]) -> tuple[Link, ...]:
    """The way around; of several objects to begin with the same one in every run, whichever was met first."""
    least = min(map(_dullness, ring), default=0)
    ways = [
        _links([*ring[place:], *ring[:place]])
        for place, thing in enumerate(ring)
        if _dullness(thing) == least
    ]
    return min(ways, key=lambda links: [link.step for link in links], default=())


def _links(ring: list[Any]) -> tuple[Link, ...]:
    """`Node`, then `.kids`, `[0]`, `.parent` and back at the `Node`."""
    if not ring:
        return ()
    links = [Link(step="", type=type_name(ring[0]))]
    around = [*ring, ring[0]]
    place = 0
    while place < len(ring):
        step, used = step_text(around[place:])
        place = min(place + used, len(ring))
        links.append(Link(step=step, type=type_name(around[place])))
    return tuple(links)
