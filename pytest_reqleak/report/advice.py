"""What the reader should do now: what usually mends a leak, what would settle a doubt.

Knows how runs are worded and repeated; not how the advice is laid out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from pytest_reqleak.model.finding import Holder, Site
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.plan import DEFAULT_THRESHOLD_BYTES, MOST_ADVISED_ITERATIONS
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.report.wording import (
    ESTIMATED,
    GROUPS,
    NEVER,
    counted,
    filled_at,
    is_made_by_resources,
    is_resident_only,
    is_resource_only,
    telling_sites,
)

_FEW_REQUESTS = 3
"""In a command that is shown; a workload of more has a file."""

# Allocators that a run can choose; the C library's own is what there is without a choice.
_PRELOADED = ("jemalloc", "mimalloc", "tcmalloc")

_GOES_ALONG = frozenset({"native memory", "request data"})
"""Categories, as documents have them, of what goes with an object: what keeps that tells more."""

_NAMED_ITERATIONS = re.compile(r"\biterations=(\d+)")
_NAMED_TIMEOUT = re.compile(r"\btimeout=(\d+)")
"""What a reason says would settle it; the next step is not to say another number."""

# The interpreter's own, which has no bound and is hardly ever emptied.
_REGISTRIES = (
    "atexit callbacks",
    "codecs.register search functions",
    "codecs.register_error handlers",
    "os.register_at_fork callbacks",
)

_MOST_REPAIRS = 3
"""That are named at once: each is a leak of its own to mend."""

_NEARLY_AS_MANY = 0.5
"""Entries, of those of the first holder: what gets fewer may come along with it."""


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
        longer = _round_up(2 * (run.total_iterations + more))
        measure = (
            f"measure with iterations={longer} to see whether the growth then ends, "
            "or lower its bound in the test."
            if longer <= MOST_ADVISED_ITERATIONS
            else "lower its bound in the test to see whether the growth then ends."
        )
        steps.append(f"{filling.path} is full after about {counted(more, run.unit)} more: {measure}")
    elif run.verdict is Verdict.INCONCLUSIVE and run.holders and run.holders[0].life_seconds:
        steps.append(f"Give what {run.holders[0].path} holds a shorter life in the test.")
    elif run.verdict is Verdict.INCONCLUSIVE:
        named, time = _NAMED_ITERATIONS.search(run.reason), _NAMED_TIMEOUT.search(run.reason)
        longer = int(named[1]) if named else _round_up(run.iterations * 4)
        if time is not None and not named:
            steps.append(f"Allow more time: timeout={time[1]}.")
        elif longer < run.iterations:
            steps.append(f"Measure for fewer: iterations={longer} fits into the time limit.")
        else:
            steps.append(f"Measure longer: iterations={longer} tells slow growth from a cache that fills.")
        if run.server.name not in ("direct", ""):
            steps.append(
                "Measure with server=direct: without a socket the readings are quieter, unless it is a clock "
                "that moves them."
            )
    grows = run.verdict is Verdict.LEAK or any(growth.grows for growth in run.growth)
    if grows and not run.sites and run.explained is None and not is_resource_only(run):
        # What is certain is traced, unless that was switched off; what is not gave no occasion.
        untraced = any(caveat.slug == ESTIMATED for caveat in run.caveats)
        trace = "Leave trace at auto" if untraced else "Measure with trace=always"
        steps.append(f"{trace} to see where the memory is allocated.")
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

    A run keeps the titles of its requests, not their headers and bodies: those are missing here,
    unless they came from a file.
    """
    if "::" in run.target:
        return f"pytest {shlex.quote(run.target)} --reqleak-iterations={run.iterations}"
    if ":" not in run.target or not run.requests:
        return ""
    typed = run.environment.get("workload")
    requests = run.requests if typed is None else shlex.split(typed)
    words = ["reqleak", "check", run.target, *requests, "-n", str(run.iterations)]
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


def _wants_a_bound(holder: Holder) -> bool:
    """Whether a bound would help: not where native code holds on, nor where tasks or threads pile up."""
    if holder.path in _REGISTRIES or holder.is_weak or holder.life_seconds:
        return False
    return holder.bound is None and not holder.ends_in and not holder.path.startswith(GROUPS)


def _several(run: Run, sites: Sequence[Site]) -> str:
    """The holders that the telling lines fill, the first, and those that get nearly as many entries."""
    holders = run.holders
    least = _NEARLY_AS_MANY * holders[0].growth_per_iteration
    filled = [holder for site in sites if (holder := filled_at(holders, site)) is not None]
    alike = [holder for holder in holders if holder.growth_per_iteration >= least]
    wanted = [holder.path for holder in (*filled, holders[0], *alike) if _wants_a_bound(holder)]
    *more, last = list(dict.fromkeys(wanted))[: _MOST_REPAIRS + 1]
    return f"{', '.join(more)} and {last}" if more else last


def _remedies(run: Run, sites: Sequence[Site]) -> list[str]:
    """Of the first site, and of each whose line fills another holder: all else are victims."""
    remedies, filled = [sites[0].remedy], [filled_at(run.holders, sites[0])]
    for site in sites[1:]:
        holder = filled_at(run.holders, site)
        if holder is None or holder in filled or site.category in _GOES_ALONG:
            continue
        filled.append(holder)
        remedies.append(site.remedy)
    return list(dict.fromkeys(filter(None, remedies)))[:_MOST_REPAIRS]


def _repairs(run: Run) -> list[str]:
    """What usually mends the leak."""
    steps = []
    sites = telling_sites(run)
    held = bool(run.holders) and _wants_a_bound(run.holders[0]) and not is_resource_only(run)
    kept = run.holders[0].path if run.holders else ""
    if sites and sites[0].remedy and not (held and sites[0].category in _GOES_ALONG):
        steps += _remedies(run, sites)
    elif kept in _REGISTRIES:
        steps.append(f"Register once, when the module is imported: {kept} stay until the process ends.")
    elif kept == "gc.garbage":
        steps.append(
            "Switch the collector's debugging off: with `gc.DEBUG_SAVEALL` it keeps in gc.garbage what it "
            "would have freed."
        )
    elif held:
        steps.append(
            f"Give {_several(run, sites)} a bound, or take out each entry when its {run.unit} is done."
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
    if is_resident_only(run):
        steps.append(
            "Nothing live grows, so the allocator keeps or scatters freed memory: "
            "try MALLOC_ARENA_MAX=2, or another allocator such as jemalloc."
        )
    return steps


def _iterations_to_fill(holder: Holder) -> int:
    """How many more iterations a bounded container takes until it is full; 0: it is, or has no bound."""
    if holder.bound is None or holder.size >= holder.bound or holder.growth_per_iteration <= NEVER:
        return 0
    return round((holder.bound - holder.size) / holder.growth_per_iteration)


def _round_up(count: int) -> int:
    """A count with two digits that are not zero, as a person would type it."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // step) * step
