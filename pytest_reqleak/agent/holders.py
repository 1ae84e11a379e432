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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import compress
from typing import Any

from pytest_reqleak.agent.bounds import bound_of
from pytest_reqleak.agent.candidates import NEARLY, Candidate, fold, largest, rank
from pytest_reqleak.agent.deadlines import seconds_ahead
from pytest_reqleak.agent.entries import entry_name, entry_types, newest_keys, shares_entries
from pytest_reqleak.agent.heap import Chain, HeapSearch
from pytest_reqleak.agent.held import Held
from pytest_reqleak.agent.identity import Picker, Seer, home_of, inherits, module_dict, of_kind, type_name
from pytest_reqleak.agent.linked import LEAST_LINKS, linked_holder
from pytest_reqleak.agent.paths import Path
from pytest_reqleak.agent.registries import name_registries
from pytest_reqleak.agent.resources import ResourceCount, resource_gauges
from pytest_reqleak.agent.roots import (
    all_modules,
    harness_module,
    is_special,
    is_task,
    module_roots,
    running_roots,
)
from pytest_reqleak.agent.sizes import (
    SHORT_TUPLE,
    SizeTable,
    each_container,
    holds_weakly,
    sizer_of,
)
from pytest_reqleak.agent.survivors import survivor_holders
from pytest_reqleak.agent.texts import LongTexts
from pytest_reqleak.model.finding import Holder, TypeGrowth
from pytest_reqleak.model.origin import CodeMap

SLOWEST = 1 / 500
"""Entries per iteration below which growth is not worth a name."""
_LEAST = 2
_MOST_OLD = 400
_MOST_NEW = 100
_MOST_HOLDERS = 10
_MOST_LINKS = 30
# Slower than that share of the surviving objects, a container is no explanation.
_LEAST_SHARE = 0.1


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
        own: Objects of the harness; what they and their dicts refer to is nobody's leak.

    Attributes:
        untracked_types: After `grown`: what the entries of the first holder are made of,
            as far as the collector does not list it (`bytes +1.0`).
        entries_ahead: After `grown`: in how many seconds the newest entries of the likeliest container
            say that they end, by its path; empty: they do not say.
        gave_up: After `grown`: whether the time ran out before all were named.
        held: After `grown`: the first of the holders, to be asked again.
    """

    def __init__(
        self,
        *,
        code: CodeMap | None = None,
        roots: Mapping[str, object] | None = None,
        seconds: float = 3.0,
        own: Sequence[object] = (),
    ) -> None:
        self._code = code or CodeMap()
        self._roots = dict(roots or {})
        self._seconds = seconds
        self._own = own
        self._table: SizeTable | None = None
        self._texts: LongTexts | None = None
        self._resources = ResourceCount()
        self._n_atexit = 0
        # Modules, tasks, loops and contexts, as long as ways are looked for.
        self._special: list[Any] | None = None
        self.untracked_types: tuple[TypeGrowth, ...] = ()
        self.entries_ahead: dict[str, float] = {}
        self.gave_up = False
        self.held = Held({})

    def mark(self, *seers: Seer, texts: bool = False) -> None:
        """Note the size of every container; forgets an earlier mark.

        Args:
            seers: Are shown whatever the collector lists.
            texts: Whether to note long texts, bytes and numbers too, which may be replaced by longer ones.
        """
        self._table = None
        self._texts = LongTexts() if texts else None
        # First of all: what it fills (caches of psutil, of abstract classes) is no growth.
        self._resources.mark()
        # What is dead leaves its address to others, which would seem to have grown. Not a full
        # collection: those are counted, and one that is not the agent's passes for the app's.
        gc.collect(1)
        table, tasks = SizeTable(), Picker(is_task)
        with _quiet_collector():
            for things, sizes in each_container(tasks.see, *seers):
                table.put(things, sizes)
            things = []
            self._resources.mark_tasks(tasks.found)
            if self._texts is not None:
                self._texts.mark()
        self._n_atexit = atexit._ncallbacks()
        self._table = table

    def close(self) -> None:
        """Forget the mark and free its table."""
        self._table = self._texts = None
        self._roots.clear()
        self.held = Held({})

    def grown(self, iterations: int, types: Mapping[str, float] | None = None) -> tuple[Holder, ...]:
        """What has grown since `mark`, the likeliest cause first; frees the mark.

        Args:
            iterations: Done since `mark`.
            types: Objects per iteration of the types that grow, by name; where no container
                grows, what keeps the newest of them is asked for.

        Returns:
            At most 10: groups of tasks, threads and descriptors, then containers; those included that
            have become full meanwhile. Empty where nothing that Python can see grew.
        """
        if self._table is None:
            raise RuntimeError("grown() needs a mark() before it")
        iterations = max(1, iterations)
        least = max(_LEAST, int(iterations * SLOWEST))
        with _quiet_collector():
            special = Picker(is_special)
            candidates = self._candidates(least, special.see)
            self._special = special.found
            holders = self._resources.grown(iterations, least, special.found)
            self.held = Held(resource_gauges(holders))
            self._name(candidates)
            name_registries(candidates)
            # What keeps objects alive is asked for next: not this list.
            del special
            self._table = self._special = None
            kept = fold([found for found in candidates if found.text])
            kept.sort(key=rank(kept))
            ahead = seconds_ahead(kept[0].thing) if kept else 0.0
            self.entries_ahead = {kept[0].text: ahead} if ahead > 0 else {}
            if kept:
                self.held.may_age(kept, candidates)
            self.untracked_types = entry_types(kept[0].thing, kept[0].growth, iterations) if kept else ()
            for found in kept:
                holder = _holder(found, iterations, kept)
                holders.append(holder)
                # What is full does not grow any more, though it did since the mark.
                # The collector fills its own list in whatever line it happens to run.
                if not holder.is_full and found.thing is not gc.garbage:
                    self.held.watch(holder.path, found)
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
        holders.sort(key=lambda holder: holder.is_weak)
        return tuple(_without_twins(holders)[:_MOST_HOLDERS])

    def _candidates(self, least: int, see: Seer) -> list[Candidate]:
        table = self._table
        assert table is not None
        ours = table.parts() | _parts_of(self._own)
        old: dict[int, Candidate] = {}
        new: dict[int, Candidate] = {}
        long_enough = least.__le__
        for things, sizes in each_container(see):
            for thing, size in compress(zip(things, sizes, strict=True), map(long_enough, sizes)):
                if id(thing) in ours:
                    continue
                before = table.get(id(thing))
                if before is None:
                    if type(thing) is not dict or size >= 2 * least:
                        new[id(thing)] = Candidate(thing, size, size, new=True)
                elif size - before >= least and not inherits(thing, tuple):
                    old[id(thing)] = Candidate(thing, size, size - before, new=False)
            if len(new) > 50 * _MOST_NEW:
                new = largest(new, _MOST_NEW)
            if len(old) > 50 * _MOST_OLD:
                old = largest(old, _MOST_OLD)
        longer = [] if self._texts is None else self._texts.grown(least)
        texts = {id(thing): Candidate(thing, size, growth, new=True) for thing, size, growth in longer}
        return [
            found
            for some, most in ((old, _MOST_OLD), (new, _MOST_NEW), (texts, _MOST_NEW))
            for found in largest(some, most).values()
        ]

    def _name(self, candidates: Sequence[Candidate]) -> None:
        """Fill in chain, text and owner of those that a root reaches outside the harness."""
        things = [found.thing for found in candidates]
        fastest = max((found.growth for found in candidates), default=0)
        # What was there before and grows is near a name, as a rule. Where it explains all, nobody asks
        # what hangs where, of the new containers that may lie anywhere.
        old = [id(found.thing) for found in candidates if not found.new]
        if old:
            self._tell(candidates, self._find(things, enough=old))
            known = (found for found in candidates if found.text and not found.new and not found.weak)
            if self.gave_up or any(found.growth >= NEARLY * fastest > 0 for found in known):
                return
        if candidates:
            self._tell(candidates, self._find(things))

    def _tell(self, candidates: Sequence[Candidate], chains: Mapping[int, Chain]) -> None:
        """Fill in what the chains say."""
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

    def _hangs_on_new(self, found: Candidate) -> bool:
        """Whether the container that leads to this one was made since the mark.

        Then this one was, too, in the memory of another that was there before.
        """
        table, links = self._table, found.chain_links
        for place in range(len(links) - 2, -1, -1):
            link = links[place]
            if sizer_of(type(link)) is None or (type(link) is tuple and len(link) < SHORT_TUPLE):
                continue
            # The dict of an instance may be made late, by whoever asks for it first.
            if type(link) is dict and (place == 0 or sizer_of(type(links[place - 1])) is None):
                continue
            return table is not None and table.get(id(link)) is None
        return False

    def _find(self, things: Sequence[Any], *, enough: Sequence[int] = ()) -> dict[int, Chain]:
        """Chains from the roots outside the harness, by the id of what they lead to."""
        search = self._search()
        chains = search.find(things, enough=enough)
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
        tracked = self._special
        if tracked is None:
            tracked = of_kind(gc.get_objects(), is_special)
        modules = all_modules(tracked)
        named, harness = module_roots(self._code, modules)
        # Modules are roots themselves, and must not be asked (see `each_container`).
        barred: list[Any] = [*modules, *map(module_dict, modules), *(root.names for root in harness), self]
        extra = {name: thing for name, thing in self._roots.items() if not _is_harness(thing)}
        roots = [*named, *running_roots(tracked, extra)]
        return HeapSearch(roots, [*barred, self], self._seconds)


def _explain(holders: Sequence[Holder], types: Mapping[str, float]) -> bool:
    """Whether what grows, grows about as fast as objects survive: one entry may be many objects."""
    fastest = max((holder.growth_per_iteration for holder in holders), default=0.0)
    return fastest >= _LEAST_SHARE * min(1.0, max(types.values()))


def _parts_of(own: Sequence[object]) -> set[int]:
    """The ids of what some objects refer to, and of what the dicts among that refer to."""
    parts = gc.get_referents(*own)
    return {*map(id, parts), *map(id, gc.get_referents(*(part for part in parts if type(part) is dict)))}


def _is_harness(thing: object) -> bool:
    home = home_of(thing if home_of(thing) is not None else type(thing))
    return home is not None and harness_module(home[0])


def _holder(found: Candidate, iterations: int, kept: Sequence[Candidate]) -> Holder:
    return Holder(
        path=found.text,
        type=type_name(found.owner),
        growth_per_iteration=found.growth / iterations,
        size=found.size,
        bound=_bound(found, kept),
        entry=entry_name(found.thing),
        keys=newest_keys(found.thing),
        links=found.links,
    )


def _bound(found: Candidate, kept: Sequence[Candidate]) -> int | None:
    """Of a container, or of another that holds the same entries and has one: that of its index."""
    bound = bound_of(found.thing, found.chain_links[-2::-1])
    if bound is not None:
        return bound
    for other in kept:
        limit = None if other is found else bound_of(other.thing, other.chain_links[-2::-1])
        if limit is not None and found.size <= limit and shares_entries(found.thing, other.thing):
            return limit
    return None


def _without_twins(holders: list[Holder]) -> list[Holder]:
    return list({holder.path: holder for holder in reversed(holders)}.values())[::-1]
