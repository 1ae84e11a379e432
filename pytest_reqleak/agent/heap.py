"""Find how named roots reach given objects: the shortest chain, in one pass over the heap.

Breadth first, from all roots at once, over what the collector can see
(`tp_traverse`), so no code of the app runs. Parents are not recorded, which
would cost 100 bytes an object: each level is a plain list, one byte for each
16 bytes of heap says what was visited, and a second sweep, from the deepest
level up, finds the parents of the few objects that are asked for.

Two million objects: 0.6 s for the search and 0.3 s for the sweep (CPython
3.11 and 3.13, one core), 13 % more memory while it runs.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import compress, filterfalse
from typing import Any

from pytest_reqleak.agent.roots import FOREIGN, Root

_CHUNK = 256
_SLOT_BITS = 4 if sys.maxsize > 2**32 else 3
_PAGE_BITS = 16
_SLOTS = 1 << (_PAGE_BITS - _SLOT_BITS)
_PAGE_MASK = (1 << _PAGE_BITS) - 1
_CLOCK_EVERY = 64
_MOST_SOURCES = 20
# To put a longer way into words takes too long.
_MOST_LINKS = 1000


@dataclass(frozen=True, slots=True)
class Chain:
    """How a root leads to an object."""

    root: str
    """Text of the path to the first object."""
    level: int
    """Of that root: whether the user's modules, a library's or something else leads there."""
    links: tuple[Any, ...]
    """Each refers to the next; the last is what was asked for."""
    names: dict[str, Any] | None = None
    """Where the first of them has its name: the globals of a module; None for other roots."""


class HeapSearch:
    """One search; build it, call `find` once, drop it.

    Args:
        roots: Where to begin.
        barred: Objects that no path may lead through: modules (all are roots
            themselves), the harness's own objects.
        seconds: The search gives up after so long; what it has found stays found.
    """

    def __init__(self, roots: Sequence[Root], barred: Sequence[Any], seconds: float) -> None:
        self._roots = sorted(roots, key=lambda root: root.level)
        self._visited: dict[int, bytearray] = {}
        self._levels: list[list[Any]] = []
        # Levels at which roots come in.
        self._n_late = 0
        self._deadline = time.monotonic() + seconds
        self.gave_up = False
        for thing in barred:
            self._mark(id(thing))

    def find(self, wanted: Sequence[Any], *, enough: Collection[int] = ()) -> dict[int, Chain]:
        """Chains by the id of what they lead to; what no root reaches is absent.

        Args:
            wanted: What to lead to.
            enough: Ids of some of them. Once these are found, the search goes no deeper, and
                of the others those are there that were met on the way; empty: all are looked for.
        """
        missing = {id(thing): thing for thing in wanted}
        # The names of a module are where ways begin; they grow by `setattr` and `globals()[…]`.
        modules = {id(root.names): root for root in self._roots if root.names is not None}
        named = {
            key: Chain(root=f"{modules[key].module}.__dict__", level=modules[key].level, links=(thing,))
            for key, thing in missing.items()
            if key in modules
        }
        missing = {key: thing for key, thing in missing.items() if key not in named}
        depth = self._search(dict(missing), set(enough) - named.keys() if enough else None)
        return {**named, **self._chains(missing, depth)}

    def deepest(self, least: int) -> Chain | None:
        """The chain to what is farthest from all roots; None where that is nearer than `least` links.

        Of a list whose nodes refer to each other, it goes through all nodes, or half of them
        where both ends have a name.
        """
        nobody: list[Any] = []
        self._search({id(nobody): nobody})
        place = max((place for place, level in enumerate(self._levels) if level), default=0)
        if place < least:
            return None
        farthest = self._levels[place][0]
        return self._chains({id(farthest): farthest}, {id(farthest): place}, most=place + 1).get(id(farthest))

    def _mark(self, address: int) -> bool:
        """Mark as visited; False where it was before."""
        page = self._visited.get(address >> _PAGE_BITS)
        if page is None:
            page = self._visited[address >> _PAGE_BITS] = bytearray(_SLOTS)
        slot = (address & _PAGE_MASK) >> _SLOT_BITS
        if page[slot]:
            return False
        page[slot] = 1
        return True

    def _search(self, missing: dict[int, Any], enough: set[int] | None = None) -> dict[int, int]:
        """Fill the levels; returns at which level each wanted object was found."""
        depth: dict[int, int] = {}
        late = self._entries_by_level()
        self._n_late = len(late)
        level: list[Any] = []
        # An untracked object (a dict of numbers, a bytearray) cannot lead anywhere.
        unlisted = {key for key, thing in missing.items() if not gc.is_tracked(thing)}
        tracked = gc.is_tracked
        visited = self._visited
        while missing and (level or len(self._levels) < len(late)):
            if enough is not None and enough <= depth.keys():
                break
            here = len(self._levels)
            for thing in late[here] if here < len(late) else ():
                address = id(thing)
                if self._mark(address):
                    if tracked(thing) or (unlisted and type(thing) is dict):
                        level.append(thing)
                    if missing.pop(address, None) is not None:
                        depth[address] = here
                        unlisted.discard(address)
            self._levels.append(level)
            deeper: list[Any] = []
            push = deeper.append
            for start in range(0, len(level), _CHUNK):
                found = gc.get_referents(*level[start : start + _CHUNK])
                if unlisted and not unlisted.isdisjoint(map(id, found)):
                    for address in unlisted.intersection(map(id, found)):
                        depth[address] = here + 1
                        del missing[address]
                    unlisted.difference_update(depth)
                if unlisted:
                    # An unlisted dict leads to what is as little listed, and to nothing else.
                    for bridge in _bridges(found, unlisted):
                        if self._mark(id(bridge)):
                            push(bridge)
                for thing in compress(found, map(tracked, found)):
                    address = id(thing)
                    # The body of `_mark`, written out: this runs once per reference of the heap.
                    page = visited.get(address >> _PAGE_BITS)
                    if page is None:
                        page = visited[address >> _PAGE_BITS] = bytearray(_SLOTS)
                    slot = (address & _PAGE_MASK) >> _SLOT_BITS
                    if page[slot]:
                        continue
                    page[slot] = 1
                    push(thing)
                    if address in missing:
                        depth[address] = here + 1
                        del missing[address]
                if start % (_CHUNK * _CLOCK_EVERY) == 0 and time.monotonic() > self._deadline:
                    self.gave_up = True
                    return depth
            level = deeper
        self._levels.append(level)
        return depth

    def _entries_by_level(self) -> list[list[Any]]:
        deepest = max((root.level for root in self._roots), default=0) + FOREIGN
        late: list[list[Any]] = [[] for _ in range(deepest + 1)]
        for root in self._roots:
            for _, thing, foreign in root.entries():
                late[root.level + (FOREIGN if foreign else 0)].append(thing)
        return late

    def _chains(
        self, wanted: dict[int, Any], depth: dict[int, int], *, most: int = _MOST_LINKS
    ) -> dict[int, Chain]:
        starts: dict[int, _Claim] = {}
        parents = self._parents({key: wanted[key] for key in depth}, depth, starts)
        chains = {}
        for key in depth:
            links = [wanted[key]]
            while id(links[-1]) in parents and len(links) <= most:
                links.append(parents[id(links[-1])])
            links.reverse()
            root = starts.get(id(links[0]))
            if root is not None:
                chains[key] = Chain(
                    root=root.text, level=root.root.level, links=tuple(links), names=root.root.names
                )
        return chains

    def _parents(
        self, found: dict[int, Any], depth: dict[int, int], starts: dict[int, _Claim]
    ) -> dict[int, Any]:
        """Who refers to each object on the way down to the found ones; fills in where the ways start."""
        open_at: dict[int, dict[int, Any]] = {}
        for key, thing in found.items():
            open_at.setdefault(depth[key], {})[key] = thing
        parents: dict[int, Any] = {}
        for here in range(min(max(depth.values(), default=0), len(self._levels)) - 1, -2, -1):
            orphans = open_at.get(here + 1)
            if not orphans:
                continue
            # What a root names is on one of the first levels: deeper down nobody is asked.
            named = self._starts(orphans.keys(), here + 1) if here + 1 < self._n_late else {}
            starts.update(named)
            for key in named:
                del orphans[key]
            if here < 0:
                break
            level = self._levels[here]
            for start in range(0, len(level), _CHUNK):
                chunk = level[start : start + _CHUNK]
                # No set of the ids: one list of a million entries would make it 100 MB.
                if not any(map(orphans.__contains__, map(id, gc.get_referents(*chunk)))):
                    continue
                for thing in chunk:
                    for key in set(filter(orphans.__contains__, map(id, gc.get_referents(thing)))):
                        parents[key] = thing
                        del orphans[key]
                        open_at.setdefault(here, {})[id(thing)] = thing
                if not orphans:
                    break
        return parents

    def _starts(self, keys: Collection[int], depth: int) -> dict[int, _Claim]:
        """The names of those that a root names itself.

        Libraries do not import from the app: where both name an object, the
        library made it. So the roots are asked from the standard library
        upwards. Those that are no modules come last, and only where the object
        was not met on a shorter way before.
        """
        claims: dict[int, list[_Claim]] = {}
        for root in sorted(self._roots, key=lambda root: (root.names is None, -root.level)):
            if root.names is None and root.level > depth:
                continue
            for text, name, thing, foreign in root.named(keys):
                claims.setdefault(id(thing), []).append(_Claim(root, text, name, foreign))
        return {key: _best(places) for key, places in claims.items()}


def _bridges(found: Sequence[Any], wanted: Collection[int]) -> list[Any]:
    """The unlisted dicts among some objects that refer to one of those that are asked for."""
    dicts = compress(found, map(id(dict).__eq__, map(id, map(type, found))))
    loose = list(filterfalse(gc.is_tracked, dicts))
    if not any(map(wanted.__contains__, map(id, gc.get_referents(*loose)))):
        return []
    return [one for one in loose if any(map(wanted.__contains__, map(id, gc.get_referents(one))))]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A name that a root has for an object."""

    root: Root
    text: str
    name: str
    foreign: bool


def _best(claims: list[_Claim]) -> _Claim:
    """The name of the module that made the object, as far as its source tells, else the first."""
    first = min(claims, key=lambda claim: claim.foreign)
    if len(claims) > 1:
        makers = (claim for claim in claims[:_MOST_SOURCES] if claim.name and claim.root.defines(claim.name))
        first = next(makers, first)
    return first
