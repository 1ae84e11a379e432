"""Containers that may be the cause of growth: told from their copies, ordered by likelihood.

Knows how much each has grown and the way to it; not how either was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_reqleak.agent.heap import Chain
from pytest_reqleak.agent.identity import inherits
from pytest_reqleak.agent.sizes import BUFFERS
from pytest_reqleak.agent.texts import text_sizer
from pytest_reqleak.model.finding import Link

NEARLY = 0.1
"""A container that was there before and gets that share of the entries explains them; what is new
may be a copy of it."""

_SIBLINGS = 3


@dataclass(slots=True)
class Candidate:
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
    family: tuple[Candidate, ...] = ()
    """The shards that it speaks for, itself among them; empty: it is alone."""

    @property
    def buffer(self) -> bool:
        """Whether it grows by bytes and not by objects."""
        return any(inherits(self.thing, kind) for kind in BUFFERS) or text_sizer(type(self.thing)) is not None

    @property
    def chain_links(self) -> tuple[Any, ...]:
        """The objects on the way from a name to it; itself alone where none is known."""
        return self.chain.links if self.chain is not None else (self.thing,)


def largest(found: dict[int, Candidate], most: int) -> dict[int, Candidate]:
    """The `most` of them that have grown most."""
    best = sorted(found.items(), key=lambda item: -item[1].growth)[:most]
    return dict(best)


def fold(named: list[Candidate]) -> list[Candidate]:
    """Leave out what hangs below another that grows as fast, and merge many alike into one."""
    growing = {id(found.thing): found for found in named if not found.new}
    kept: dict[str, Candidate] = {}
    for found in named:
        above = [growing[id(link)] for link in found.chain_links[:-1] if id(link) in growing]
        if any(found.new or other.growth >= found.growth for other in above):
            continue
        twin = kept.get(found.text)
        if twin is None or twin.growth < found.growth:
            # The parts of one cache (its dict, its order) have one name; the largest speaks for all.
            kept[found.text] = found
    return _merge_siblings(_strong_first(list(kept.values())))


def _strong_first(found: list[Candidate]) -> list[Candidate]:
    """Leave out what is likely no cause, where there is something better.

    Weak containers keep nothing alive; and a new one may be a mere copy of
    another, or the true one, made anew (`HOOKS = [*HOOKS, hook]`).
    """
    strong = [one for one in found if not one.weak]
    known = [one for one in strong if not one.new]
    fastest = max((one.growth for one in strong), default=0)
    if max((one.growth for one in known), default=0) >= NEARLY * fastest > 0:
        return known
    return strong or found


def _merge_siblings(found: list[Candidate]) -> list[Candidate]:
    """Shards of one store (`STORE[0]`, `STORE[1]`, …) become one entry, `STORE[…]`."""
    families: dict[int, list[Candidate]] = {}
    for one in found:
        links = one.chain_links
        parent = links[-2] if len(links) > 1 else one.thing
        if any(inherits(parent, kind) for kind in (list, tuple, dict)) and one.text.endswith("]"):
            families.setdefault(id(parent), []).append(one)
    for family in families.values():
        if len(family) < _SIBLINGS:
            continue
        first = family[0]
        first.family = tuple(family)
        first.text = first.text[: first.text.rindex("[")] + "[…]"
        first.growth = sum(one.growth for one in family)
        first.size = sum(one.size for one in family)
        found = [one for one in found if one is first or not any(one is other for other in family)]
    return found


def rank(kept: list[Candidate]) -> Any:
    """Order by likelihood: alike in speed, the user's own module comes before a library's."""
    fastest = max((found.growth for found in kept if not found.buffer), default=0)

    def key(found: Candidate) -> tuple[Any, ...]:
        slow = found.growth < fastest / 3
        level = found.chain.level if found.chain is not None else 9
        return (found.buffer and fastest > 0, slow, found.new, level, -found.growth, len(found.text))

    return key
