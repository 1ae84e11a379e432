"""What a run says, as phrases that every report shares.

Knows how to say it in English; not how it is laid out, nor how it came about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_reqleak.model.finding import CauseGrowth, Cycle, Growth, Holder, Site
from pytest_reqleak.model.meter import Cause, Meter, Phase, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.units import format_average, format_bytes, format_count, format_seconds

_RESOURCES = {
    Meter.DESCRIPTORS: "open file descriptor",
    Meter.THREADS: "thread",
    Meter.TASKS: "asyncio task",
}

ESTIMATED = "bytes-estimated"
"""The doubt of a run in which no tracer has measured bytes."""

_BLOCKS = (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS)

# Below one block in two requests, "1 block in 250 requests" is easier to picture than "0.004 blocks".
_RARE = 0.5
NEVER = 1e-9
"""Per iteration; what rises more slowly does not rise."""

LEAST_SHARE = 0.05
"""Of the growth: what is smaller is left to those who ask for everything."""

_TASKS, _THREADS = "tasks running ", "threads running "
GROUPS = (_TASKS, _THREADS, "descriptors open: ")
"""How the paths of holders begin that are no containers: nobody expects a bound of those."""

_LONG_NAME = 100
"""Characters of a name within a sentence; a token in a query string can be much longer."""

PHASES = {
    Phase.WARMUP: "warm-up",
    Phase.MEASURE: "measurement",
    Phase.CONFIRM: "confirmation",
    Phase.TRACE: "traced, the tracer's own memory included",
    Phase.REPLAY: "replay of inputs sent before",
}
"""How a legend names the stages of a run."""


def phases_of(run: Run) -> list[Phase]:
    """The stages besides the measurement, in the order in which they began."""
    return [phase for phase in dict.fromkeys(run.samples.phases) if phase is not Phase.MEASURE]


def counted(count: float, noun: str, nouns: str = "") -> str:
    """A whole number and its noun: `1 request`, `2,000 requests`; `nouns` where an s does not do."""
    return f"{format_count(count)} {noun if count == 1 else nouns or noun + 's'}"


def averaged(count: float, noun: str) -> str:
    """A count per iteration and its noun: `1.0 thread`, `6.0 blocks`, `0.05 threads`."""
    shown = format_average(count)
    return f"{shown} {noun}{'' if shown == '1.0' else 's'}"


def verdict_text(run: Run) -> str:
    """The verdict as reports show it: a leak that the baseline knows or ignores is a `known leak`."""
    return "known leak" if run.is_accepted else str(run.verdict)


def headline(run: Run) -> str:
    """The answer in one sentence, its size first: `each request leaves 553 B (6.0 blocks) behind`."""
    each = f"each {run.unit}"
    if run.verdict is Verdict.CLEAN:
        tolerated = any(growth.grows for growth in run.growth)
        left = f"less than the threshold of {format_bytes(run.threshold)} each" if tolerated else "nothing"
        return f"{counted(run.iterations, run.unit)} leave{'s' if run.iterations == 1 else ''} {left} behind"
    if run.verdict is Verdict.INCONCLUSIVE:
        seen = _leftovers(run)
        if not seen:
            return f"it is not certain whether {run.unit}s leave memory behind"
        if Cause.BOUNDED in run.classification:
            return f"{each} leaves {seen} behind, in a container that is not full yet"
        return f"{each} seems to leave {seen} behind, but it is not certain"
    if is_resident_only(run):
        size = size_text(run)
        return f"{each} raises the resident memory by {size}, though live memory does not grow"
    return f"{each} leaves {_leftovers(run) or 'memory'} behind"


def size_text(run: Run, size: float | None = None) -> str:
    """Bytes per iteration, and whether they were only estimated: `553 B`, `about 72 B`.

    Args:
        run: The run.
        size: Bytes of a part of it; None: all that it leaves behind.
    """
    shown = format_bytes(run.bytes_per_iteration if size is None else size)
    return f"about {shown}" if is_estimated(run) else shown


def part_text(run: Run, part: CauseGrowth) -> str:
    """Bytes per iteration of one kind; those of the C heap are read, not estimated."""
    size = part.bytes_per_iteration
    return size_text(run, size) if part.cause is Cause.PYTHON else format_bytes(size)


def is_estimated(run: Run) -> bool:
    """Whether the bytes are blocks, times what one usually holds: no tracer has measured them."""
    if all(caveat.slug != ESTIMATED for caveat in run.caveats):
        return False
    return any(growth.grows and growth.meter in _BLOCKS for growth in run.growth)


def locus(run: Run) -> str:
    """Where the memory comes from and what holds it, for the end of a headline; empty where not known."""
    parts = []
    sites = telling_sites(run)
    if sites and sites[0].frames:
        parts.append(site_text(sites[0]))
    if run.holders:
        held = filled_at(run.holders, sites[0]) if sites else None
        parts.append(f"held by {_shortened((held or run.holders[0]).path)}")
    return ", ".join(parts[::-1] if is_made_by_resources(run) else parts)


def filled_at(holders: Sequence[Holder], site: Site) -> Holder | None:
    """The holder to which the line of a site adds: of several leaks the first may belong to another."""
    lines = {(frame.file, frame.line) for frame in site.frames if frame.own}
    return next(
        (one for one in holders for frame in one.frames[:1] if (frame.file, frame.line) in lines), None
    )


def is_made_by_resources(run: Run) -> bool:
    """Whether tasks that never finish, or threads, hold what grows: the sites are then their victims."""
    holder = run.holders[0] if run.holders else None
    if holder is None or Cause.RESOURCE not in run.classification:
        return False
    return holder.path.startswith((_TASKS, _THREADS))


def telling_sites(run: Run) -> tuple[Site, ...]:
    """The sites that explain something.

    What merely turns over while a tracer looks leaves a percent or two behind; where
    native code leaks, such sites are all that there are. A line of the user's that comes before
    what explains most was put there for more than its bytes.
    """
    least = LEAST_SHARE * run.bytes_per_iteration
    large = [site.bytes_per_iteration >= least for site in run.sites]
    return tuple(
        site
        for place, site in enumerate(run.sites)
        if large[place] or (_is_own(site) and site.bytes_per_iteration > 0 and any(large[place:]))
    )


def _is_own(site: Site) -> bool:
    return any(frame.own for frame in site.frames[:1])


def site_text(site: Site) -> str:
    """A site in a few words: `shop/orders.py:11 in keep (pydantic model)`; empty without frames."""
    frame = main_frame(site)
    if frame is None:
        return ""
    category = category_text(site)
    return f"{show_frame(frame)} ({category})" if category else show_frame(frame)


def category_text(site: Site) -> str:
    """The category, where it says more than that Python allocated something."""
    return "" if site.category == "python" else site.category


def growth_text(growth: Growth, unit: str) -> str:
    """A growth with its unit: `+6.0/request`, `+554 B/request`."""
    return f"{growth_amount(growth.meter, growth.per_iteration)}/{unit}"


def growth_amount(meter: Meter, per_iteration: float) -> str:
    """A growth per iteration without its unit of repetition: `+6.0`, `-12 B`, `0`."""
    if per_iteration == 0:
        return "0 B" if meter.unit else "0"
    shown = format_bytes(per_iteration) if meter.unit else format_average(per_iteration)
    return shown if shown.startswith("-") else f"+{shown}"


def interval_text(growth: Growth) -> str:
    """The growth's interval, with the digits that tell its ends apart: `5.99 to 6.01`."""
    width = growth.high - growth.low
    if width == 0:
        return f"exactly {_end_text(growth.low, 2)}"
    digits = max(0, -math.floor(math.log10(width))) if math.isfinite(width) and width > 0 else 2
    ends = f"{_end_text(growth.low, digits)} to {_end_text(growth.high, digits)}"
    return f"{ends} B" if growth.meter.unit else ends


def _end_text(end: float, digits: int) -> str:
    if not math.isfinite(end):
        return "unbounded"
    # Rounding must not leave a "-0.00".
    return f"{round(end, digits) + 0.0:,.{min(digits, 6)}f}"


def reading_text(meter: Meter, value: float) -> str:
    """One reading: `81,200`, `41.2 MiB`."""
    return format_bytes(value) if meter.unit else format_count(round(value))


def workload_text(run: Run) -> str:
    """What was repeated: `2,000 requests of GET /orders/{i}`."""
    text = counted(run.iterations, run.unit)
    if 1 <= len(run.requests) <= 3:
        return f"{text} of {', '.join(map(_shortened, run.requests))}"
    return f"{text} of {len(run.requests)} kinds" if run.requests else text


def sent_text(run: Run) -> str:
    """Everything that was sent: `4,700 in all: 200 to warm up, 2,000 measured in 50 batches`."""
    return (
        f"{format_count(run.total_iterations)} in all: {format_count(run.warmup_iterations)} to warm up, "
        f"{format_count(run.iterations)} measured in {counted(run.batches, 'batch', 'batches')}"
    )


def server_text(run: Run) -> str:
    """What called the app, and how long the whole run took: `bundled, 1.9 s`."""
    return ", ".join(filter(None, [run.server.name, format_seconds(sum(run.seconds.values()))]))


def server_details(run: Run) -> str:
    """What called the app, in full: `bundled 0.1.0, asgi, process 4711`."""
    name = " ".join(filter(None, [run.server.name, run.server.version]))
    return ", ".join(filter(None, [name, run.server.interface, f"process {run.server.pid}"]))


def holder_text(holder: Holder, unit: str) -> str:
    """How a container grew: `list, 5,000 now, +1.0 per request, no bound known`."""
    growth = f"{growth_amount(Meter.GC_OBJECTS, holder.growth_per_iteration)} per {unit}"
    if holder.ends_in:
        return f"{growth}; C or Rust code refers to {holder.ends_in}, in a way that Python cannot see"
    if holder.bound is not None:
        filled = f"{format_count(holder.size)} of {format_count(holder.bound)} filled"
        return ", ".join(filter(None, [f"{holder.type}, {filled}, {growth}", _keyed_text(holder)]))
    bound = "" if holder.path.startswith(GROUPS) else "no bound known"
    if holder.life_seconds:
        bound = f"entries go within {format_seconds(holder.life_seconds)}"
    size = f"{format_count(holder.size)} now"
    return ", ".join(filter(None, [holder.type, size, growth, bound, _keyed_text(holder)]))


def _keyed_text(holder: Holder) -> str:
    return f"keyed by {holder.keyed_by}" if holder.keyed_by else ""


def adding_text(holder: Holder) -> str:
    """Who adds to a holder: `added at shop/orders.py:11 in keep`; empty where that is not known."""
    if not holder.frames:
        return ""
    word = "made" if holder.path.startswith(GROUPS) else "added"
    return f"{word} at {show_frame(holder.frames[0])}"


def cycle_text(cycle: Cycle, unit: str) -> str:
    """What the garbage is: `8.0 objects per request: shop.Node +4.0, list +4.0`."""
    kinds = ", ".join(f"{kind.type} +{format_average(kind.per_iteration)}" for kind in cycle.types[:4])
    return f"{averaged(cycle.objects_per_iteration, 'object')} per {unit}: {kinds}"


def ring_text(cycle: Cycle) -> str:
    """Once around the ring: `shop.Node -> .kids -> [0] -> .parent -> shop.Node`; empty without one."""
    if not cycle.path:
        return ""
    first, *rest = cycle.path
    steps = [link.step.removeprefix(" -> ") or link.type for link in rest]
    return " -> ".join([first.type, *steps, "itself"])


def explained_text(run: Run) -> str:
    """How much of the growth the sites add up to: `98 % of the growth`; empty where not known."""
    return "" if run.explained is None else f"{run.explained:.0%} of the growth".replace("%", " %")


def _shortened(name: str) -> str:
    return name if len(name) <= _LONG_NAME else f"{name[:_LONG_NAME]}..."


def _leftovers(run: Run) -> str:
    """What stays behind per iteration: memory first, then what else grows."""
    growing = {growth.meter: growth.per_iteration for growth in run.growth if growth.grows}
    things = [
        averaged(growing[meter], noun) for meter, noun in _RESOURCES.items() if growing.get(meter, 0) > 0
    ]
    if things and is_resource_only(run) and run.bytes_per_iteration > 0:
        things[-1] += f" ({size_text(run)})"
    garbage = growing.get(Meter.CYCLIC_GARBAGE, 0)
    if Cause.CYCLES in run.classification and garbage > 0:
        things.append(f"{averaged(garbage, 'object')} in reference cycles")
    memory = _memory(run)
    if memory:
        things.insert(0, memory)
    return " and ".join(filter(None, [", ".join(things[:-1]), things[-1]])) if things else ""


def _memory(run: Run) -> str:
    if run.bytes_per_iteration <= 0 or is_resource_only(run):
        return ""
    size = size_text(run)
    if Cause.NATIVE in run.classification and Cause.PYTHON not in run.classification:
        return f"{size} of native memory"
    blocks = run.blocks_per_iteration
    if blocks <= 0:
        return size
    if NEVER < blocks < _RARE:
        return f"{size} (1 block in {counted(round(1 / blocks), run.unit)})"
    return f"{size} ({averaged(blocks, 'block')})"


def is_resource_only(run: Run) -> bool:
    """Whether threads, tasks or descriptors are all that the run accuses."""
    causes = set(run.classification)
    return causes == {Cause.RESOURCE}


def is_resident_only(run: Run) -> bool:
    """Whether RSS is all that grows, while nothing that lives does."""
    causes = set(run.classification)
    return Cause.ALLOCATOR in causes and not causes & {Cause.PYTHON, Cause.NATIVE}
