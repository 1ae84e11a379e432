"""What a run says, as phrases that every report shares.

Knows how to say it in English; not how it is laid out, nor how it came about.
"""

from __future__ import annotations

import math
import re
import shlex

from pytest_reqleak.model.finding import Cycle, Growth, Holder, Site
from pytest_reqleak.model.meter import Cause, Meter, Phase, Verdict
from pytest_reqleak.model.plan import DEFAULT_THRESHOLD_BYTES
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.units import format_average, format_bytes, format_count, format_seconds

_RESOURCES = {
    Meter.DESCRIPTORS: "open file descriptor",
    Meter.THREADS: "thread",
    Meter.TASKS: "asyncio task",
}

# Below one block in two requests, "1 block in 250 requests" is easier to picture than "0.004 blocks".
_RARE = 0.5
_NEVER = 1e-9

LEAST_SHARE = 0.05
"""Of the growth: what is smaller is left to those who ask for everything."""

_TASKS, _THREADS = "tasks running ", "threads running "
_GROUPS = (_TASKS, _THREADS, "descriptors open: ")
"""How the paths of holders begin that are no containers: nobody expects a bound of those."""

_FEW_REQUESTS = 3
"""In a command that is shown; a workload of more has a file."""

_LONG_NAME = 100
"""Characters of a name within a sentence; a token in a query string can be much longer."""

# Allocators that a run can choose; the C library's own is what there is without a choice.
_PRELOADED = ("jemalloc", "mimalloc", "tcmalloc")

_NATIVE = "native memory"
"""The category of what C code allocates, as documents have it."""

_NAMED_ITERATIONS = re.compile(r"\biterations=(\d+)")
"""What a reason says would settle it; the next step is not to say another number."""

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
    if _is_resident_only(run):
        size = format_bytes(run.bytes_per_iteration)
        return f"{each} raises the resident memory by {size}, though live memory does not grow"
    return f"{each} leaves {_leftovers(run) or 'memory'} behind"


def locus(run: Run) -> str:
    """Where the memory comes from and what holds it, for the end of a headline; empty where not known."""
    parts = []
    sites = telling_sites(run)
    if sites and sites[0].frames:
        parts.append(site_text(sites[0]))
    if run.holders:
        parts.append(f"held by {_shortened(run.holders[0].path)}")
    return ", ".join(parts[::-1] if is_made_by_resources(run) else parts)


def is_made_by_resources(run: Run) -> bool:
    """Whether tasks that never finish, or threads, hold what grows: the sites are then their victims."""
    holder = run.holders[0] if run.holders else None
    if holder is None or Cause.RESOURCE not in run.classification:
        return False
    return holder.path.startswith((_TASKS, _THREADS))


def telling_sites(run: Run) -> tuple[Site, ...]:
    """The sites that explain something.

    What merely turns over while a tracer looks leaves a percent or two behind; where
    native code leaks, such sites are all that there are.
    """
    least = LEAST_SHARE * run.bytes_per_iteration
    return tuple(site for site in run.sites if site.bytes_per_iteration >= least)


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
    bound = "" if holder.path.startswith(_GROUPS) else "no bound known"
    size = f"{format_count(holder.size)} now"
    return ", ".join(filter(None, [holder.type, size, growth, bound, _keyed_text(holder)]))


def _keyed_text(holder: Holder) -> str:
    return f"keyed by {holder.keyed_by}" if holder.keyed_by else ""


def adding_text(holder: Holder) -> str:
    """Who adds to a holder: `added at shop/orders.py:11 in keep`; empty where that is not known."""
    if not holder.frames:
        return ""
    word = "made" if holder.path.startswith(_GROUPS) else "added"
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


def next_steps(run: Run) -> list[str]:
    """What the reader should do now, the most useful first; empty for a clean run."""
    if run.verdict is Verdict.CLEAN:
        return []
    steps = []
    if run.verdict is Verdict.LEAK:
        steps += _repairs(run)
        other = _other_server(run)
        # Tasks that wait for what the server has made are the server's as easily as the app's.
        if other:
            steps.insert(0 if is_made_by_resources(run) else len(steps), other)
    filling = next((holder for holder in run.holders if _iterations_to_fill(holder)), None)
    if filling is not None:
        more = _iterations_to_fill(filling)
        steps.append(
            f"{filling.path} is full after about {counted(more, run.unit)} more: measure with "
            f"iterations={_round_up(2 * (run.total_iterations + more))} to see whether the growth then ends, "
            "or lower its bound in the test."
        )
    elif run.verdict is Verdict.INCONCLUSIVE:
        named = _NAMED_ITERATIONS.search(run.reason)
        more = named[1] if named else _round_up(run.iterations * 4)
        steps.append(f"Measure longer: iterations={more} tells slow growth from a cache that fills.")
        if run.server.name not in ("direct", ""):
            steps.append("Measure with server=direct: without a socket the readings are quieter.")
    grows = run.verdict is Verdict.LEAK or any(growth.grows for growth in run.growth)
    if grows and not run.sites and run.explained is None and not _is_resource_only(run):
        steps.append("Measure with trace=always to see where the memory is allocated.")
    elif run.explained is not None and run.explained < 0.5 and run.environment.get("tracer") != "memray":
        steps.append("Measure with tracer=memray: it also sees what C code allocates.")
    return steps


def _other_server(run: Run) -> str:
    """How to tell the app's leak from the server's; empty where no server of another make is involved."""
    if run.server.name in ("direct", "bundled", "") or "::" in run.target or ":" not in run.target:
        return ""
    requests = run.requests if len(run.requests) <= _FEW_REQUESTS else ("...",)
    words = ["reqleak", "compare", run.target, *requests, "--server", run.server.name, "--server", "bundled"]
    return f"See whether it is the app or the server: {shlex.join(words)}"


def reproduce_command(run: Run) -> str:
    """The command line that measures the same again; empty where the target has no name to load it by.

    A run keeps the titles of its requests, not their headers and bodies: those are missing here.
    """
    if "::" in run.target:
        return f"pytest {shlex.quote(run.target)} --reqleak-iterations={run.iterations}"
    if ":" not in run.target or not run.requests:
        return ""
    words = ["reqleak", "check", run.target, *run.requests, "-n", str(run.iterations)]
    words += _server_options(run.server)
    if run.threshold != DEFAULT_THRESHOLD_BYTES:
        words += ["--threshold", f"{run.threshold:g}"]
    for option, usual in (("concurrency", "1"), ("gc", "collect")):
        chosen = run.environment.get(option, usual)
        if chosen != usual:
            words += [f"--{option}", chosen]
    return shlex.join(words)


def _server_options(server: ServerInfo) -> list[str]:
    """What chooses this server, and whatever else decides what its process allocates from."""
    words = ["--server", server.name] if server.name else []
    if server.isolated and server.name == "bundled":
        words.append("--isolate")
    if server.interface == "rsgi":
        words += ["--interface", server.interface]
    if server.arguments:
        # One word: what follows begins with a dash.
        words.append(f"--server-args={shlex.join(server.arguments)}")
    if server.python_malloc == "malloc":
        words += ["--python-malloc", server.python_malloc]
    allocator = server.allocator.partition(" ")[0]
    return [*words, "--allocator", allocator] if allocator in _PRELOADED else words


def _shortened(name: str) -> str:
    return name if len(name) <= _LONG_NAME else f"{name[:_LONG_NAME]}..."


def _leftovers(run: Run) -> str:
    """What stays behind per iteration: memory first, then what else grows."""
    growing = {growth.meter: growth.per_iteration for growth in run.growth if growth.grows}
    things = [
        averaged(growing[meter], noun) for meter, noun in _RESOURCES.items() if growing.get(meter, 0) > 0
    ]
    if things and _is_resource_only(run) and run.bytes_per_iteration > 0:
        things[-1] += f" ({format_bytes(run.bytes_per_iteration)})"
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
    if _NEVER < blocks < _RARE:
        return f"{size} (1 block in {counted(round(1 / blocks), run.unit)})"
    return f"{size} ({averaged(blocks, 'block')})"


def _is_resource_only(run: Run) -> bool:
    """Whether threads, tasks or descriptors are all that the run accuses."""
    causes = set(run.classification)
    return causes == {Cause.RESOURCE}


def _is_resident_only(run: Run) -> bool:
    causes = set(run.classification)
    return Cause.ALLOCATOR in causes and not causes & {Cause.PYTHON, Cause.NATIVE}


def _wants_a_bound(holder: Holder) -> bool:
    """Whether a bound would help: not where native code holds on, nor where tasks or threads pile up."""
    return holder.bound is None and not holder.ends_in and not holder.path.startswith(_GROUPS)


def _repairs(run: Run) -> list[str]:
    """What usually mends the leak."""
    steps = []
    sites = telling_sites(run)
    held = bool(run.holders) and _wants_a_bound(run.holders[0]) and not _is_resource_only(run)
    # Of native memory that goes with an object that is kept, C code is no cause.
    if sites and sites[0].remedy and not (held and sites[0].category == _NATIVE):
        steps.append(sites[0].remedy)
    elif held:
        steps.append(
            f"Give {run.holders[0].path} a bound, or take out each entry when its {run.unit} is done."
        )
    growing = {growth.meter for growth in run.growth if growth.grows}
    if Meter.THREADS in growing:
        steps.append(
            f"Start threads once and share them (one ThreadPoolExecutor), or join each "
            f"before its {run.unit} ends."
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
    if holder.bound is None or holder.size >= holder.bound or holder.growth_per_iteration <= _NEVER:
        return 0
    return round((holder.bound - holder.size) / holder.growth_per_iteration)


def _round_up(count: int) -> int:
    """A count with two digits that are not zero, as a person would type it."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // step) * step
