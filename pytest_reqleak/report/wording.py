"""What a run says, as phrases that every report shares.

Knows how to say it in English; not how it is laid out, nor how it came about.
"""

from __future__ import annotations

import shlex

from pytest_reqleak.model.finding import Growth, Holder, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.units import format_average, format_bytes, format_count, format_rate, format_seconds

_RESOURCES = {
    Meter.DESCRIPTORS: "open file descriptor",
    Meter.THREADS: "thread",
    Meter.TASKS: "asyncio task",
}

# Below one block in two requests, "1 block in 250 requests" is easier to picture than "0.004 blocks".
_RARE = 0.5


def counted(count: float, noun: str) -> str:
    """A whole number and its noun: `1 request`, `2,000 requests`."""
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def averaged(count: float, noun: str) -> str:
    """A count per iteration and its noun: `1.0 thread`, `6.0 blocks`, `0.05 threads`."""
    shown = format_average(count)
    return f"{shown} {noun}{'' if shown == '1.0' else 's'}"


def headline(run: Run) -> str:
    """The answer in one sentence, its size first: `each request leaves 553 B (6.0 blocks) behind`."""
    each = f"each {run.unit}"
    if run.verdict is Verdict.CLEAN:
        return f"no {run.unit} leaves memory behind ({counted(run.iterations, run.unit)} measured)"
    if run.verdict is Verdict.INCONCLUSIVE:
        seen = _leftovers(run)
        return (
            f"{each} seems to leave {seen} behind, but it is not certain"
            if seen
            else (f"it is not certain that no {run.unit} leaves memory behind")
        )
    if _is_resident_only(run):
        size = format_bytes(run.bytes_per_iteration)
        return f"{each} raises the resident memory by {size}, though live memory does not grow"
    return f"{each} leaves {_leftovers(run) or 'memory'} behind"


def locus(run: Run) -> str:
    """Where the memory comes from and what holds it, for the end of a headline; empty where not known."""
    parts = []
    frame = main_frame(run.sites[0]) if run.sites else None
    if frame is not None:
        category = run.sites[0].category
        parts.append(show_frame(frame) + (f" ({category})" if category not in ("", "python") else ""))
    if run.holders:
        parts.append(f"held by {run.holders[0].path}")
    return ", ".join(parts)


def growth_text(growth: Growth, unit: str) -> str:
    """A growth with its unit: `+6.0/request`, `+554 B/request`."""
    return f"{growth_amount(growth.meter, growth.per_iteration)}/{unit}"


def growth_amount(meter: Meter, per_iteration: float) -> str:
    """A growth per iteration without its unit of repetition: `+6.0`, `-12 B`, `0`."""
    if per_iteration == 0:
        return "0 B" if meter.unit else "0"
    shown = format_bytes(per_iteration) if meter.unit else format_average(per_iteration)
    return shown if shown.startswith("-") else f"+{shown}"


def reading_text(meter: Meter, value: float) -> str:
    """One reading: `81,200`, `41.2 MiB`."""
    return format_bytes(value) if meter.unit else format_count(round(value))


def workload_text(run: Run) -> str:
    """What was repeated, and how: `2,000 requests of GET /orders/{i}, after 200 to warm up`."""
    text = counted(run.iterations, run.unit)
    if 1 <= len(run.requests) <= 3:
        text += f" of {', '.join(run.requests)}"
    elif run.requests:
        text += f" of {len(run.requests)} kinds"
    if run.warmup_iterations:
        text += f", after {format_count(run.warmup_iterations)} to warm up"
    return text


def server_text(run: Run) -> str:
    """What called the app, and how long the whole run took: `bundled, asgi, 1.9 s`."""
    names = dict.fromkeys(name for name in (run.server.name, run.server.interface) if name)
    return ", ".join([*names, format_seconds(sum(run.seconds.values()))])


def holder_text(holder: Holder, unit: str) -> str:
    """How a container grew: `list, +1.0 entries/request, 5,000 in it at the end, no bound known`."""
    bound = f"holds {format_count(holder.bound)} at most" if holder.bound is not None else "no bound known"
    return (
        f"{holder.type}, +{format_average(holder.growth_per_iteration)} entries/{unit}, "
        f"{format_count(holder.size)} in it at the end, {bound}"
    )


def type_text(kind: TypeGrowth) -> str:
    """How a type grew: `+1.0 shop.orders.Order`."""
    return f"+{format_average(kind.per_iteration)} {kind.type}"


def explained_text(run: Run) -> str:
    """How much of the growth the sites add up to: `98 % of the growth`; empty where not known."""
    return "" if run.explained is None else f"{run.explained:.0%} of the growth".replace("%", " %")


def next_steps(run: Run) -> list[str]:
    """What the reader should do now, the most useful first; empty for a clean run."""
    if run.verdict is Verdict.CLEAN:
        return []
    steps = []
    if run.verdict is Verdict.LEAK:
        steps += _repairs(run)
    filling = next((holder for holder in run.holders if _iterations_to_fill(holder)), None)
    if filling is not None:
        more = _iterations_to_fill(filling)
        steps.append(
            f"{filling.path} is full after about {counted(more, run.unit)} more: measure with "
            f"iterations={_round_up(run.total_iterations + more)} to see whether the growth then ends, "
            "or lower its bound in the test."
        )
    elif run.verdict is Verdict.INCONCLUSIVE:
        steps.append(
            f"Measure longer: iterations={_round_up(run.iterations * 4)} tells slow growth from a cache that fills."
        )
        if run.server.name not in ("direct", ""):
            steps.append("Measure with server=direct: without a socket the readings are quieter.")
    if not run.sites and run.explained is None and not _is_resource_only(run):
        steps.append("Measure with trace=always to see where the memory is allocated.")
    elif run.explained is not None and run.explained < 0.5 and not _is_resource_only(run):
        steps.append("Measure with tracer=memray: it also sees what C code allocates.")
    return steps


def reproduce_command(run: Run) -> str:
    """The command line that measures the same again; empty where the target has no name to load it by."""
    if "::" in run.target:
        return f"pytest {shlex.quote(run.target)} --reqleak-iterations={run.iterations}"
    if ":" not in run.target or not run.requests:
        return ""
    words = ["reqleak", "check", run.target, *run.requests, "-n", str(run.iterations)]
    if run.server.name:
        words += ["--server", run.server.name]
    return shlex.join(words)


def _leftovers(run: Run) -> str:
    """What stays behind per iteration: memory first, then what else grows."""
    growing = {growth.meter: growth.per_iteration for growth in run.growth if growth.grows}
    things = [
        averaged(growing[meter], noun) for meter, noun in _RESOURCES.items() if growing.get(meter, 0) > 0
    ]
    garbage = growing.get(Meter.CYCLIC_GARBAGE, 0)
    if Cause.CYCLES in run.classification and garbage > 0:
        things.append(f"{averaged(garbage, 'object')} in reference cycles")
    memory = _memory(run)
    if memory:
        things.insert(0, memory)
    return " and ".join(filter(None, [", ".join(things[:-1]), things[-1]])) if things else ""


def _memory(run: Run) -> str:
    if run.bytes_per_iteration <= 0 or _is_resource_only(run):
        return ""
    size = format_bytes(run.bytes_per_iteration)
    if Cause.NATIVE in run.classification and Cause.PYTHON not in run.classification:
        return f"{size} of native memory"
    blocks = run.blocks_per_iteration
    if blocks <= 0:
        return size
    if blocks < _RARE:
        return f"{size} (1 block in {counted(round(1 / blocks), run.unit)})"
    return f"{size} ({averaged(blocks, 'block')})"


def _is_resource_only(run: Run) -> bool:
    """Whether threads, tasks or descriptors are all that the run accuses."""
    causes = set(run.classification)
    return causes == {Cause.RESOURCE}


def _is_resident_only(run: Run) -> bool:
    causes = set(run.classification)
    return Cause.ALLOCATOR in causes and not causes & {Cause.PYTHON, Cause.NATIVE}


def _repairs(run: Run) -> list[str]:
    """What usually mends the leak."""
    steps = []
    if run.sites and run.sites[0].remedy:
        steps.append(run.sites[0].remedy)
    elif run.holders and run.holders[0].bound is None and not _is_resource_only(run):
        steps.append(
            f"Give {run.holders[0].path} a bound, or take out each entry when its {run.unit} is done."
        )
    growing = {growth.meter for growth in run.growth if growth.grows}
    if Meter.THREADS in growing:
        steps.append(
            f"Start threads once and share them (one ThreadPoolExecutor), or join each before its {run.unit} ends."
        )
    if Meter.TASKS in growing:
        steps.append("Await or cancel the tasks that a request starts; a task group does both.")
    if Meter.DESCRIPTORS in growing:
        steps.append("Close the files and connections that a request opens: `with` does it on errors too.")
    causes = set(run.classification)
    if Cause.CYCLES in causes:
        steps.append("Break the cycle with a weak reference, or clear the back reference when done.")
    if _is_resident_only(run):
        steps.append(
            "Nothing live grows, so the allocator keeps or scatters freed memory: "
            "try MALLOC_ARENA_MAX=2, or another allocator such as jemalloc."
        )
    return steps


def _iterations_to_fill(holder: Holder) -> int:
    """How many more iterations a bounded container takes until it is full; 0: it is, or has no bound."""
    if holder.bound is None or holder.size >= holder.bound or holder.growth_per_iteration <= 0:
        return 0
    return round((holder.bound - holder.size) / holder.growth_per_iteration)


def _round_up(count: int) -> int:
    """A count with two digits that are not zero, as a person would type it."""
    step = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step
