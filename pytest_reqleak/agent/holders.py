"""Name the containers that grow, and the path a person would write to each.

`mark` notes the size of every container; `grown` compares, asks `HeapSearch`
how the growing ones hang together and folds what is inside another. Nothing
may be frozen (`gc.freeze`) at either call: the collector does not list what is.

Two million objects: `mark` 1.6 s, `grown` 2.5 s (`seconds` limits the search in it), 18 % more
memory (`benchmarks/holders.py`); the table of sizes, at most 7 % of the heap, lives in between.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from typing import Any

from pytest_reqleak.agent.bounds import bound_of
from pytest_reqleak.agent.entries import entry_name, entry_types, newest_keys
from pytest_reqleak.agent.following import follower
from pytest_reqleak.agent.heap import Chain, HeapSearch
from pytest_reqleak.agent.identity import home_of, inherits, module_dict, of_kind, type_name
from pytest_reqleak.agent.linked import LEAST_LINKS, linked_holder
from pytest_reqleak.agent.paths import Path
from pytest_reqleak.agent.resources import ResourceCount, resource_gauges
from pytest_reqleak.agent.roots import all_modules, harness_module, is_special, module_roots, running_roots
from pytest_reqleak.agent.sizes import (
    BUFFERS,
    SHORT_TUPLE,
    Sizer,
    SizeTable,
    each_container,
    holds_weakly,
    sizer_of,
)
from pytest_reqleak.agent.survivors import survivor_holders
from pytest_reqleak.agent.texts import LongTexts, text_sizer
from pytest_reqleak.model.finding import Holder, Link, TypeGrowth
from pytest_reqleak.model.origin import CodeMap

SLOWEST = 1 / 500
"""Entries per iteration below which growth is not worth a name."""
_LEAST = 2
_MOST_OLD = 400
_MOST_NEW = 100
_MOST_HOLDERS = 10
_MOST_WATCHED = 3
_MOST_LINKS = 30
_SIBLINGS = 3
# Slower than that share of the surviving objects, a container is no explanation.
_LEAST_SHARE = 0.1


@dataclass(slots=True)
class _Grown:
    """A container that has become larger, or that is new and large."""

    thing: Any
    size: int
    growth: int
    new: bool
    chain: Chain | None = None
    text: str = ""
    owner: Any = None
    weak: bool = False
    links: tuple[Link, ...] = ()

    @property
    def buffer(self) -> bool:
        return any(inherits(self.thing, kind) for kind in BUFFERS) or text_sizer(type(self.thing)) is not None


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """Keep the collector off: our own long lists would set it off again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class HolderSearch:
    """What holds the memory that grows.

    Args:
        code: Tells the user's modules from others.
        roots: More names to begin paths with, such as `{"app": app}`; used where
            no module leads to an object in fewer steps.
        seconds: What naming the paths may take.

    Attributes:
        untracked_types: After `grown`: what the entries of the first holder are made of,
            as far as the collector does not list it (`bytes +1.0`).
        gave_up: After `grown`: whether the time ran out before all were named.
        gauges: After `grown`: reads the size of each of the first holders, by its path.
    """

    def __init__(
        self, *, code: CodeMap | None = None, roots: Mapping[str, object] | None = None, seconds: float = 3.0
    ) -> None:
        self._code = code or CodeMap()
        self._roots = dict(roots or {})
        self._seconds = seconds
        self._table: SizeTable | None = None
        self._texts: LongTexts | None = None
        self._resources = ResourceCount()
        self._n_atexit = 0
        self.untracked_types: tuple[TypeGrowth, ...] = ()
        self.gave_up = False
        self.gauges: dict[str, Callable[[], int]] = {}

    def mark(self, *, texts: bool = False) -> None:
        """Note the size of every container; forgets an earlier mark.

        Args:
            texts: Whether to note long texts, bytes and numbers too, which may be replaced by longer ones.
        """
        self._table = None
        self._texts = LongTexts() if texts else None
        # First of all: what it fills (caches of psutil, of abstract classes) is no growth.
        self._resources.mark()
        # What is dead leaves its address to others, which would seem to have grown. Not a full
        # collection: those are counted, and one that is not the agent's passes for the app's.
        gc.collect(1)
        table = SizeTable()
        with _quiet_collector():
            for things, sizes in each_container():
                table.put(things, sizes)
            things = []
            if self._texts is not None:
                self._texts.mark()
        self._n_atexit = atexit._ncallbacks()
        self._table = table

    def close(self) -> None:
        """Forget the mark and free its table."""
        self._table = self._texts = None
        self._roots.clear()
        self.gauges.clear()

    def grown(self, iterations: int, types: Mapping[str, float] | None = None) -> tuple[Holder, ...]:
        """What has grown since `mark`, the likeliest cause first; frees the mark.

        Args:
            iterations: Done since `mark`.
            types: Objects per iteration of the types that grow, by name; where no container
                grows, what keeps the newest of them is asked for.

        Returns:
            At most 10: groups of tasks, threads and descriptors, then containers. Empty
            where nothing that Python can see grew.
        """
        if self._table is None:
            raise RuntimeError("grown() needs a mark() before it")
        iterations = max(1, iterations)
        least = max(_LEAST, int(iterations * SLOWEST))
        with _quiet_collector():
            holders = self._resources.grown(iterations, least)
            self.gauges = resource_gauges(holders)
            candidates = self._candidates(least)
            self._name(candidates)
            self._table = None
            kept = _fold([found for found in candidates if found.text])
            kept.sort(key=_rank(kept))
            self.untracked_types = entry_types(kept[0].thing, kept[0].growth, iterations) if kept else ()
            # What is full does not grow any more, and is no cause of what does.
            for found in kept:
                holder = _holder(found, iterations)
                if holder.bound is not None and holder.size >= holder.bound:
                    continue
                holders.append(holder)
                if len(self.gauges) < _MOST_WATCHED:
                    self._watch(holder.path, found)
            n_atexit = atexit._ncallbacks() - self._n_atexit
            if types and n_atexit < least and not _explain(holders, types):
                linked = self._linked(types, iterations)
                holders = [linked, *holders] if linked else holders
                holders = holders or survivor_holders(types, self._find, iterations)
            for found in candidates:
                # What a frame of ours still holds would be found as its holder by the next search.
                found.thing = found.chain = found.owner = None
        if n_atexit >= least:
            holders.append(
                Holder(
                    path="atexit callbacks",
                    type="atexit",
                    growth_per_iteration=n_atexit / iterations,
                    size=atexit._ncallbacks(),
                )
            )
        return tuple(_without_twins(holders)[:_MOST_HOLDERS])

    def _candidates(self, least: int) -> list[_Grown]:
        table = self._table
        assert table is not None
        ours = table.parts()
        old: dict[int, _Grown] = {}
        new: dict[int, _Grown] = {}
        long_enough = least.__le__
        for things, sizes in each_container():
            for thing, size in compress(zip(things, sizes, strict=True), map(long_enough, sizes)):
                if id(thing) in ours:
                    continue
                before = table.get(id(thing))
                if before is None:
                    if type(thing) is not dict or size >= 2 * least:
                        new[id(thing)] = _Grown(thing, size, size, new=True)
                elif size - before >= least and not inherits(thing, tuple):
                    old[id(thing)] = _Grown(thing, size, size - before, new=False)
            if len(new) > 50 * _MOST_NEW:
                new = _largest(new, _MOST_NEW)
            if len(old) > 50 * _MOST_OLD:
                old = _largest(old, _MOST_OLD)
        longer = [] if self._texts is None else self._texts.grown(least)
        texts = {id(thing): _Grown(thing, size, growth, new=True) for thing, size, growth in longer}
        return [
            found
            for some, most in ((old, _MOST_OLD), (new, _MOST_NEW), (texts, _MOST_NEW))
            for found in _largest(some, most).values()
        ]

    def _name(self, candidates: Sequence[_Grown]) -> None:
        """Fill in chain, text and owner of those that a root reaches outside the harness."""
        if not candidates:
            return
        chains = self._find([found.thing for found in candidates])
        for found in candidates:
            chain = chains.get(id(found.thing))
            if chain is None:
                if self.gave_up and not found.new:
                    found.text = f"a {type_name(found.thing)} whose holder was not found in time"
                    found.owner = found.thing
                continue
            if any(_is_harness(link) for link in chain.links):
                continue
            path = Path(chain)
            found.chain, found.text, found.owner = chain, path.text, path.owner
            found.links = tuple(path.links[:_MOST_LINKS])
            found.weak = holds_weakly(found.thing)
            found.new = found.new or self._hangs_on_new(found)

    def _hangs_on_new(self, found: _Grown) -> bool:
        """Whether the container that leads to this one was made since the mark.

        Then this one was, too, in the memory of another that was there before.
        """
        table, links = self._table, _links(found)
        for place in range(len(links) - 2, -1, -1):
            link = links[place]
            if sizer_of(type(link)) is None or (type(link) is tuple and len(link) < SHORT_TUPLE):
                continue
            # The dict of an instance may be made late, by whoever asks for it first.
            if type(link) is dict and (place == 0 or sizer_of(type(links[place - 1])) is None):
                continue
            return table is not None and table.get(id(link)) is None
        return False

    def _find(self, things: Sequence[Any]) -> dict[int, Chain]:
        """Chains from the roots outside the harness, by the id of what they lead to."""
        search = self._search()
        chains = search.find(things)
        self.gave_up = search.gave_up
        return chains

    def _linked(self, types: Mapping[str, float], iterations: int) -> Holder | None:
        """A list of nodes that refer to each other, if one leads deeper than anything else."""
        chain = self._search().deepest(LEAST_LINKS)
        if chain is None or any(map(_is_harness, chain.links[:_MOST_LINKS])):
            return None
        return linked_holder(chain, types, iterations)

    def _search(self) -> HeapSearch:
        # Of the whole heap these few alone are kept: the search needs the room itself.
        tracked = of_kind(gc.get_objects(), is_special)
        modules = all_modules(tracked)
        named, harness = module_roots(self._code, modules)
        # Modules are roots themselves, and must not be asked (see `each_container`).
        barred: list[Any] = [*modules, *map(module_dict, modules), *(root.names for root in harness), self]
        extra = {name: thing for name, thing in self._roots.items() if not _is_harness(thing)}
        roots = [*named, *running_roots(tracked, extra)]
        return HeapSearch(roots, [*barred, self], self._seconds)

    def _watch(self, path: str, found: _Grown) -> None:
        names = found.chain.names if found.chain is not None else None
        again = follower(_links(found) if names is None else (names, *_links(found))) if found.new else None
        self.gauges[path] = _gauge(found.thing) if again is None else _following_gauge(again)


def _gauge(thing: Any) -> Callable[[], int]:
    sizer = _sizer(thing)
    return lambda: 0 if sizer is None else sizer(thing)


def _following_gauge(again: Callable[[], Any]) -> Callable[[], int]:
    """Reads whatever is at the end of a way; keeps nothing of what was there before."""

    def read() -> int:
        now = again()
        # What is made anew is of another kind at times, or gone.
        sizer = _sizer(now)
        return 0 if sizer is None else sizer(now)

    return read


def _sizer(thing: Any) -> Sizer | None:
    return sizer_of(type(thing)) or text_sizer(type(thing))


def _explain(holders: Sequence[Holder], types: Mapping[str, float]) -> bool:
    """Whether what grows, grows about as fast as objects survive: one entry may be many objects."""
    fastest = max((holder.growth_per_iteration for holder in holders), default=0.0)
    return fastest >= _LEAST_SHARE * min(1.0, max(types.values()))


def _largest(found: dict[int, _Grown], most: int) -> dict[int, _Grown]:
    best = sorted(found.items(), key=lambda item: -item[1].growth)[:most]
    return dict(best)


def _is_harness(thing: object) -> bool:
    home = home_of(thing if home_of(thing) is not None else type(thing))
    return home is not None and harness_module(home[0])


def _fold(named: list[_Grown]) -> list[_Grown]:
    """Leave out what hangs below another that grows as fast, and merge many alike into one."""
    growing = {id(found.thing): found for found in named if not found.new}
    kept: dict[str, _Grown] = {}
    for found in named:
        above = [growing[id(link)] for link in _links(found)[:-1] if id(link) in growing]
        if any(found.new or other.growth >= found.growth for other in above):
            continue
        twin = kept.get(found.text)
        if twin is None or twin.growth < found.growth:
            # The parts of one cache (its dict, its order) have one name; the largest speaks for all.
            kept[found.text] = found
    return _merge_siblings(_strong_first(list(kept.values())))


def _links(found: _Grown) -> tuple[Any, ...]:
    return found.chain.links if found.chain is not None else (found.thing,)


def _strong_first(found: list[_Grown]) -> list[_Grown]:
    """Leave out what is likely no cause, where there is something better.

    Weak containers keep nothing alive; and a new one may be a mere copy of
    another, or the true one, made anew (`HOOKS = [*HOOKS, hook]`).
    """
    strong = [one for one in found if not one.weak]
    known = [one for one in strong if not one.new]
    fastest = max((one.growth for one in strong), default=0)
    if max((one.growth for one in known), default=0) >= fastest / 10 > 0:
        return known
    return strong or found


def _merge_siblings(found: list[_Grown]) -> list[_Grown]:
    """Shards of one store (`STORE[0]`, `STORE[1]`, …) become one entry, `STORE[…]`."""
    families: dict[int, list[_Grown]] = {}
    for one in found:
        links = _links(one)
        parent = links[-2] if len(links) > 1 else one.thing
        if any(type(parent) is kind for kind in (list, tuple, dict)) and one.text.endswith("]"):
            families.setdefault(id(parent), []).append(one)
    for family in families.values():
        if len(family) < _SIBLINGS:
            continue
        first = family[0]
        first.text = first.text[: first.text.rindex("[")] + "[…]"
        first.growth = sum(one.growth for one in family)
        first.size = sum(one.size for one in family)
        found = [one for one in found if one is first or not any(one is other for other in family)]
    return found


def _rank(kept: list[_Grown]) -> Any:
    """Order by likelihood: alike in speed, the user's own module comes before a library's."""
    fastest = max((found.growth for found in kept if not found.buffer), default=0)

    def key(found: _Grown) -> tuple[Any, ...]:
        slow = found.growth < fastest / 3
        level = found.chain.level if found.chain is not None else 9
        return (found.buffer and fastest > 0, slow, found.new, level, -found.growth, len(found.text))

    return key


def _holder(found: _Grown, iterations: int) -> Holder:
    return Holder(
        path=found.text,
        type=type_name(found.owner),
        growth_per_iteration=found.growth / iterations,
        size=found.size,
        bound=bound_of(found.thing, _links(found)[-2::-1]),
        entry=entry_name(found.thing),
        keys=newest_keys(found.thing),
        links=found.links,
    )


def _without_twins(holders: list[Holder]) -> list[Holder]:
    return list({holder.path: holder for holder in reversed(holders)}.values())[::-1]
