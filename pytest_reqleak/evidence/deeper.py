"""What is asked of a leak that is certain: which line adds, what C code allocates, what the cycles are.

Runs after the verdict, on fresh requests, and changes nothing of it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.evidence.pace import seconds_per_iteration
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.raw import HEAP, RawLine, RawSite

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.finding import Cycle, Holder
    from pytest_reqleak.stages import Stages

WATCH_SECONDS, NATIVE_SECONDS, GARBAGE_SECONDS = 0.5, 1.0, 0.2
"""What each inquiry may take, the reading of a capture not counted."""

# What is rare takes many requests, and those of pandas take 0.2 s each where every line is watched: nobody
# waits longer than this for a line.
_MOST_WATCH_SECONDS = 4.0

# The first requests fill the tables of a watch or a tracer.
_FIRST = 3
_LEAST, _MOST = 8, 300
_GOOD_EVENTS, _FEW_EVENTS = 12, 2
# memray with native stacks: 9 times the bare iteration, measured; rounded up.
_NATIVE_COST = 12.0
# tracemalloc with deep stacks.
_TRACE_COST = 40.0
_NATIVE_WINDOWS, _NATIVE_FRAMES = 5, 24
# A library that takes memory in pieces of 32 KiB takes one in a hundred requests.
_RARE = 1 / 100
# Sites of native code that add up to half of what the heap gains are enough.
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeper:
    """What was found."""

    native: tuple[RawSite, ...] = ()
    lines: tuple[RawLine, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    garbage: tuple[RawSite, ...] = ()
    """Where the garbage of the cycles was allocated, as if it stayed."""
    notes: tuple[tuple[str, str], ...] = ()
    """Slug and text of each doubt."""


def look_deeper(
    stages: Stages,
    agent: Agent,
    *,
    holders: Sequence[Holder],
    rate: float,
    native_bytes: float,
    mapped_bytes: float,
    cyclic: bool,
    uncollected: bool,
    iteration_seconds: float,
    tracer: str,
) -> Deeper:
    """Ask what tracemalloc cannot tell, each question only where there is something to ask.

    Args:
        stages: Sends fresh requests.
        agent: Lives in the process that is asked.
        holders: What was found to grow; the first of them are watched.
        rate: How often the leak happens per iteration, at most 1.
        native_bytes: What each iteration leaves in the C heap that is none of Python's; 0: nothing.
        mapped_bytes: What becomes resident outside of both; 0: nothing.
        cyclic: Whether garbage that only the collector frees is part of the leak.
        uncollected: Whether the app itself never frees it, while our collections did.
        iteration_seconds: What an iteration takes.
        tracer: The tracer that has run already.
    """
    notes: list[tuple[str, str]] = []
    native: tuple[RawSite, ...] = ()
    native_bytes += mapped_bytes
    if native_bytes > 0 and tracer != "memray" and sys.platform != "win32" and not stages.out_of_time:
        try:
            native = trace_native(stages, agent, rate, iteration_seconds)
        except ReqleakError as error:
            notes.append(("no-native-trace", f"what C code allocates was not traced: {error}"))
    seen = sum(site.bytes_per_iteration for site in native)
    unseen = native_bytes > 0 and seen < _ENOUGH * native_bytes
    lines: tuple[RawLine, ...] = ()
    if not stages.out_of_time:
        meter = Meter.RSS_BYTES if mapped_bytes > native_bytes / 2 else Meter.HEAP_BYTES
        rarer = min(rate, _RARE) if iteration_seconds < 2 * WATCH_SECONDS * _RARE else rate
        lines = watch(stages, agent, (rate, rarer), memory=meter if unseen else None)
    if unseen and not any(line.gauge == HEAP for line in lines):
        notes.append(
            (
                "native-unseen",
                "no tracer sees where C code allocates what stays, and no line of Python accounts for it: "
                "the library may allocate on a thread of its own, or with an allocator of its own",
            )
        )
    cycles: tuple[Cycle, ...] = ()
    garbage: tuple[RawSite, ...] = ()
    if cyclic and not stages.out_of_time:
        cycles, garbage = sample_garbage(stages, agent, iteration_seconds)
    return Deeper(
        native=native,
        lines=lines,
        cycles=cycles,
        garbage=garbage if uncollected else (),
        notes=tuple(notes),
    )


def trace_native(stages: Stages, agent: Agent, rate: float, iteration_seconds: float) -> tuple[RawSite, ...]:
    """Run memray with native stacks, and tell which allocations of C or Rust code stay.

    Raises:
        ReqleakError: memray cannot run here.
    """
    affordable = NATIVE_SECONDS / (_NATIVE_COST * max(iteration_seconds, 1e-5))
    count = max(4 * _NATIVE_WINDOWS, min(_MOST, _wanted(rate, 4 * _GOOD_EVENTS), int(affordable)))
    agent.start_tracing("memray", frames=_NATIVE_FRAMES, native=True)
    agent.mark_trace(stages.done)
    stages.run(
        Phase.TRACE,
        count,
        batches=_NATIVE_WINDOWS,
        after_batch=lambda: agent.mark_trace(stages.done),
    )
    sites, _ = agent.stop_tracing()
    return sites


def watch(
    stages: Stages, agent: Agent, rates: Sequence[float], *, memory: Meter | None
) -> tuple[RawLine, ...]:
    """Tell which lines add to the holders, and to a meter of memory; the user's own lines if any do.

    Args:
        stages: Sends fresh requests.
        agent: Watches.
        rates: How often the leak happens per iteration, and how rarely it may: where few
            requests show no line of the user's, more are sent.
        memory: The meter; None: the holders alone.
    """
    found: tuple[RawLine, ...] = ()
    for rate in dict.fromkeys(rates):
        seen = _watch_once(stages, agent, rate, memory=memory, every_frame=False)
        if seen is None:
            return found
        found = _with_further(found, seen)
        if (found and memory is None) or any(line.gauge == HEAP for line in found) or stages.out_of_time:
            return found
        if memory is None:
            break
    # Not a line of the user's: then one of a library's.
    return _with_further(found, _watch_once(stages, agent, rates[-1], memory=memory, every_frame=True) or ())


def _with_further(found: tuple[RawLine, ...], further: tuple[RawLine, ...]) -> tuple[RawLine, ...]:
    """Lines, and those of a further watch for what none of them accounts for."""
    known = {line.gauge for line in found}
    return (*found, *(line for line in further if line.gauge not in known))


def _watch_once(
    stages: Stages, agent: Agent, rate: float, *, memory: Meter | None, every_frame: bool
) -> tuple[RawLine, ...] | None:
    """One watch; None where nothing can be watched."""
    if not agent.watch_lines(memory=memory, every_frame=every_frame):
        return None
    try:
        pace = max(seconds_per_iteration(stages.run(Phase.TRACE, _FIRST, batches=1)), 1e-6)
        first = min(_wanted(rate, 1), int(_MOST_WATCH_SECONDS / pace))
        if first > _FIRST:
            pace = max(seconds_per_iteration(stages.run(Phase.TRACE, first, batches=1)), 1e-6)
        agent.restart_watch()
        affordable = int(WATCH_SECONDS / pace)
        # Listeners that pile up are called by every request, line by line: then few must do.
        least = _LEAST if affordable >= _LEAST else max(_FIRST, _wanted(rate, _FEW_EVENTS))
        least = min(least, max(_FIRST, int(_MOST_WATCH_SECONDS / pace)))
        stages.run(Phase.TRACE, max(least, min(_MOST, _wanted(rate, _GOOD_EVENTS), affordable)), batches=1)
    finally:
        lines = agent.end_watch()
    return lines


def sample_garbage(
    stages: Stages, agent: Agent, iteration_seconds: float
) -> tuple[tuple[Cycle, ...], tuple[RawSite, ...]]:
    """Keep the garbage of some requests, and tell what it is and where it was allocated."""
    affordable = GARBAGE_SECONDS / (_TRACE_COST * max(iteration_seconds, 1e-5))
    count = max(4 * _LEAST, min(_MOST // 3, int(affordable)))
    agent.keep_garbage()
    agent.start_tracing("tracemalloc", frames=_NATIVE_FRAMES)
    agent.mark_trace(stages.done)
    stages.run(Phase.TRACE, count, batches=4, after_batch=lambda: agent.mark_trace(stages.done))
    sites, _ = agent.stop_tracing()
    return agent.kept_garbage(count), sites


def _wanted(rate: float, events: int) -> int:
    """Iterations in which the leak happens so often."""
    return min(_MOST, math.ceil(events / max(rate, 1 / _MOST)))
