"""Ask the collector which growth is garbage, where collecting was left to the app.

What only the collector can free grows like a leak until it comes: young
garbage within some requests, what has survived two collections only when a
quarter of the heap is as new, and what was frozen, or made with the collector
switched off, never. One collection of ours tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.verdict import Decision, Note, Outcome
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.units import format_average, format_bytes, format_count

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.sample import Samples

FREED = 0.3
"""Garbage that is a third of what had grown may be all that grew; less is the usual litter."""

_ALL = 0.9
"""Free lists, and what the newest request left, keep a collection from freeing every block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """What one collection freed of what had grown."""

    share: float
    """0 to 1."""
    meter: Meter
    """By which it was measured."""
    freed: int
    iterations: int
    """In which it had grown."""
    frozen: bool
    """Whether the app had frozen it."""
    collector_off: bool
    """Whether the app has switched its collector off."""

    @property
    def is_late(self) -> bool:
        """Whether the app's own collector would have freed it in the end."""
        return self.share >= FREED and not self.frozen and not self.collector_off


def ask_collector(agent: Agent, measured: Samples, iterations: int) -> Garbage:
    """Collect, and thaw if that frees little.

    Args:
        agent: One that has left collecting to the app.
        measured: From its first sample on memory has grown.
        iterations: Done until now.
    """
    live = measured.live_meter
    grown = max(1, (agent.buffer.last(live) or 0) - measured.readings.get(live, (0,))[0])
    collector_off = agent.collector_disabled
    freed = agent.free_garbage(live)
    frozen = False
    if freed < FREED * grown:
        thawed = agent.free_garbage(live, thawed=True)
        frozen = agent.app_freezes and thawed >= FREED * grown
        freed += thawed if frozen else 0
    return Garbage(
        share=max(0.0, min(1.0, freed / grown)),
        meter=live,
        freed=freed,
        iterations=iterations - measured.iterations[0],
        frozen=frozen,
        collector_off=collector_off,
    )


def as_cycles(decision: Decision, garbage: Garbage) -> Decision:
    """Say of a leak how much of it is garbage that nobody will ever collect."""
    if decision.outcome is not Outcome.LEAK or garbage.share < FREED:
        return decision
    why = "the app has frozen it (gc.freeze)" if garbage.frozen else "the app has switched the collector off"
    rest = () if garbage.share >= _ALL else tuple(c for c in decision.classification if c is not Cause.CYCLES)
    return replace(
        decision,
        classification=tuple(cause for cause in Cause if cause in (*rest, Cause.CYCLES)),
        reason=f"{decision.reason}; a collection frees {garbage.share:.0%} of what had grown, but {why}",
    )


def late_note(garbage: Garbage, unit: str) -> Note:
    """Tell of garbage that the app's collector had not come to yet."""
    write = format_bytes if garbage.meter.unit else format_average
    rate = write(garbage.freed / max(1, garbage.iterations))
    freed = (
        format_bytes(garbage.freed) if garbage.meter.unit else f"{format_count(garbage.freed)} live blocks"
    )
    return Note(
        slug="late-garbage",
        text=f"{freed}, {rate} per {unit}, were garbage that the app's own collector had not come to yet; "
        "it frees them late, so the answer is that of a measurement with collections of ours",
    )
