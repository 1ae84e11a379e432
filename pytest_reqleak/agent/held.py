"""The first of the holders that were found: what is read of them and done to them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_reqleak.agent.ageing import Ageing, ageing_of
from pytest_reqleak.agent.candidates import NEARLY, Candidate
from pytest_reqleak.agent.entries import size_per_entry
from pytest_reqleak.agent.gauges import Gauge, following_gauge, gauge_of, way_to
from pytest_reqleak.agent.identity import instance_dict

_MOST_WATCHED = 3
# The store and what it is a part of: there stands the moment of its last sweep.
_NEAR = 3
# Shards of one store; an index, an order and a heap beside its values.
_MOST_AGED = 100


class Held:
    """What can be asked of the first holders.

    Args:
        gauges: Those that are known already, of tasks, threads and descriptors.

    Attributes:
        gauges: Each reads the size of a holder, by its path.
        entry_sizes: Objects and bytes of one entry of a container, by its path.
    """

    def __init__(self, gauges: Mapping[str, Gauge]) -> None:
        self.gauges = dict(gauges)
        self.entry_sizes: dict[str, tuple[float, float]] = {}
        # Of all that grew and carries moments; which of them tell of a holder, by its path.
        self._ageing: list[Ageing] = []
        self._telling: dict[str, list[Ageing]] = {}
        self._followed: dict[str, Gauge] = {}

    def watch(self, path: str, found: Candidate) -> None:
        """Have a container's size read from here on, where not too many are."""
        if len(self.gauges) < _MOST_WATCHED:
            self.gauges[path] = gauge_of(found)
            self.entry_sizes[path] = size_per_entry(found.thing, found.growth)

    def may_age(self, kept: Sequence[Candidate], candidates: Sequence[Candidate]) -> None:
        """Look which of the containers that grew hold entries that carry moments.

        Args:
            kept: The holders, the likeliest first.
            candidates: All containers that grew: a cache keeps its moments beside its values.
        """
        known: dict[int, Ageing] = {}
        for found in [one for one in candidates if one.text][:_MOST_AGED]:
            way = way_to(found)
            ageing = None if way is None else ageing_of(way, _namespaces(found))
            if ageing is not None:
                known[id(found)] = ageing
        self._ageing = list(known.values())
        for found in kept[:_MOST_WATCHED]:
            family = found.family or (found,)
            each = found.growth / len(family)
            alike = [one for one in candidates if abs(one.growth - each) <= NEARLY * each]
            own = [known[id(one)] for one in family if id(one) in known]
            telling = own or [known[id(one)] for one in alike if id(one) in known]
            if telling:
                self._telling[found.text] = telling
            again = None if found.family else way_to(found)
            if again is not None:
                self._followed[found.text] = following_gauge(again)

    def age(self, path: str, seconds: float) -> int:
        """Make the entries of all that grew older, and tell how many are those of one holder."""
        if path not in self._telling:
            return 0
        # The app may put another in the place of a store that it sweeps: nothing here may keep this one.
        self.gauges |= {path: gauge for path, gauge in self._followed.items() if path in self.gauges}
        aged = {id(ageing): ageing.age(seconds) for ageing in self._ageing}
        return sum(aged[id(ageing)] for ageing in self._telling[path])

    def aged_left(self, path: str) -> int:
        """How many of those are there still."""
        return sum(ageing.left() for ageing in self._telling.get(path, ()))

    def rejuvenate(self) -> None:
        """Give them their moments back."""
        for ageing in self._ageing:
            ageing.restore()


def _namespaces(found: Candidate) -> list[dict[Any, Any]]:
    """The names beside a container, and beside what it is a part of."""
    above = found.chain_links[-_NEAR - 1 : -1]
    near = [link if type(link) is dict else instance_dict(link) for link in above]
    if found.chain is not None:
        near.append(found.chain.names)
    return [names for names in near if names]
