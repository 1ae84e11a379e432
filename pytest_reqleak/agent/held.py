"""The first of the holders that were found: what is read of them and done to them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_reqleak.agent.ageing import Ageing, ageing_of
from pytest_reqleak.agent.candidates import NEARLY, Candidate
from pytest_reqleak.agent.entries import size_per_entry
from pytest_reqleak.agent.gauges import Gauge, following_gauge, gauge_of, way_to
from pytest_reqleak.agent.identity import instance_dict

_MOST_WATCHED = 3
# The store and what it is a part of: there stands the moment of its last sweep.
_NEAR = 3


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
        self._ageing: Ageing | None = None
        self._followed: dict[str, Gauge] = {}

    def watch(self, path: str, found: Candidate) -> None:
        """Have a container's size read from here on, where not too many are."""
        if len(self.gauges) < _MOST_WATCHED:
            self.gauges[path] = gauge_of(found)
            self.entry_sizes[path] = size_per_entry(found.thing, found.growth)

    def may_age(self, first: Candidate, candidates: Sequence[Candidate]) -> None:
        """Look whether what the likeliest container holds carries moments.

        Or what grows with it does: a cache keeps its moments beside its values.
        """
        alike = [found for found in candidates if abs(found.growth - first.growth) <= NEARLY * first.growth]
        above = first.chain_links[-_NEAR - 1 : -1]
        near = [link if type(link) is dict else instance_dict(link) for link in above]
        if first.chain is not None:
            near.append(first.chain.names)
        ways = [way_to(found) for found in (first, *alike) if found.text]
        self._ageing = ageing_of([way for way in ways if way is not None], [names for names in near if names])
        again = way_to(first)
        self._followed = {} if again is None else {first.text: following_gauge(again)}

    def age(self, seconds: float) -> int:
        """Make the entries of the likeliest one older, where they carry moments; tells how many."""
        if self._ageing is None:
            return 0
        # The app may put another in the place of a store that it sweeps: nothing here may keep this one.
        self.gauges |= self._followed
        return self._ageing.age(seconds)

    def aged_left(self) -> int:
        """How many of those are there still."""
        return 0 if self._ageing is None else self._ageing.left()

    def rejuvenate(self) -> None:
        """Give them their moments back."""
        if self._ageing is not None:
            self._ageing.restore()
