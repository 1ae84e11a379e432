"""Hold a run against a baseline: is what grows known, worse, better or new?

Knows figures and their tolerance. Totals, sites and counts are compared apart:
a new leak does not hide behind an old one that was mended.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace

from pytest_reqleak.baseline.ignoring import Coverage, coverage
from pytest_reqleak.baseline.known import TABLE_BYTES, Baseline, Entry, key_of
from pytest_reqleak.model.finding import Site
from pytest_reqleak.model.meter import Meter, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.standing import SLACK_BYTES, SLACK_COUNT, Baselined, Standing
from pytest_reqleak.report.paths import is_same_site, site_name
from pytest_reqleak.units import format_average, format_rate


def baselined(run: Run, baseline: Baseline, *, update: bool = False) -> Run:
    """Add to a run how it stands against a baseline.

    Args:
        run: Fresh, or stored.
        baseline: What is known and ignored.
        update: What grows will be written into the baseline, so it passes.

    Returns:
        The run with its `baseline`; as it was where there is nothing to say: it is
        inconclusive, or clean and not known to grow.
    """
    entry = baseline.known.get(key_of(run))
    if run.verdict is Verdict.INCONCLUSIVE or (run.verdict is Verdict.CLEAN and entry is None):
        return run
    if entry is not None and run.verdict is Verdict.CLEAN:
        known = format_rate(entry.bytes_per_iteration, run.unit)
        text = f"nothing grows any more, where {known} was known"
        return replace(run, baseline=Baselined(standing=Standing.BETTER, text=text, file=baseline.file))
    rest = coverage(run, baseline.rules)
    standing, text = _stand(run, rest, entry, baseline)
    if update and standing in (Standing.NEW, Standing.WORSE, Standing.BETTER):
        standing, text = Standing.RECORDED, f"written into the baseline ({text})"
    return replace(
        run,
        baseline=Baselined(standing=standing, text=text, file=baseline.file, ignored=rest.ignored),
    )


def _stand(run: Run, rest: Coverage, entry: Entry | None, baseline: Baseline) -> tuple[Standing, str]:
    tolerance = baseline.tolerance_of(entry)
    if rest.ignored and _is_covered(run, rest, tolerance):
        return Standing.IGNORED, "rules with a reason cover all of it"
    left = format_rate(rest.bytes_per_iteration, run.unit)
    if rest.ignored:
        left += " that no rule covers"
    if entry is None:
        return Standing.NEW, f"{left}, of which the baseline knows nothing{_near(run, baseline)}"
    known = format_rate(entry.bytes_per_iteration, run.unit)
    within = f"{known}, tolerance {tolerance:.0%}".replace("%", " %")
    worse = list(_worse(run, rest, entry, tolerance))
    if worse:
        is_new = all(text.startswith("new") for text in worse)
        return (Standing.NEW if is_new else Standing.WORSE), f"{'; '.join(worse)} ({left}; known: {within})"
    if _is_better(rest, entry, tolerance):
        return Standing.BETTER, f"{left}, less than known ({within})"
    return Standing.KNOWN, f"{left}, as known ({within})"


def _is_covered(run: Run, rest: Coverage, tolerance: float) -> bool:
    """Whether what no rule covers is nothing but the tracer's inexactness."""
    return (
        not rest.sites
        and not rest.counts
        and rest.bytes_per_iteration <= tolerance * run.bytes_per_iteration + SLACK_BYTES
    )


def _worse(run: Run, rest: Coverage, entry: Entry, tolerance: float) -> Iterator[str]:
    """Everything that is worse than the entry allows, in words."""
    tables = _table_bytes(rest, entry, tolerance)
    if rest.bytes_per_iteration > entry.bytes_per_iteration * (1 + tolerance) + SLACK_BYTES + tables:
        more = rest.bytes_per_iteration - entry.bytes_per_iteration
        yield f"{format_rate(more, run.unit)} more than known"
    for name, amount in rest.counts.items():
        known = entry.counts.get(name, 0.0)
        if amount > known * (1 + tolerance) + SLACK_COUNT:
            label = Meter(name).label
            if known:
                yield f"{label} +{format_average(amount)} where +{format_average(known)} was known"
            else:
                yield f"new: {label} +{format_average(amount)}"
    if entry.sites:
        yield from _worse_sites(run, rest.sites, entry, tolerance, tables)


def _table_bytes(rest: Coverage, entry: Entry, tolerance: float) -> float:
    """By how much bytes may differ though the leak is the same: its blocks are as many, the tables longer."""
    blocks = entry.blocks_per_iteration
    if not blocks or abs(rest.blocks_per_iteration - blocks) > blocks * tolerance + SLACK_COUNT:
        return 0.0
    return TABLE_BYTES * blocks


def _worse_sites(
    run: Run, sites: tuple[Site, ...], entry: Entry, tolerance: float, tables: float
) -> Iterator[str]:
    # Tracing shares growth out among lines a little differently each time.
    margin = entry.bytes_per_iteration * tolerance + SLACK_BYTES
    totals: dict[str, float] = {}
    for site in sites:
        name = site_name(site)
        if name:
            totals[name] = totals.get(name, 0.0) + site.bytes_per_iteration
    for name, amount in totals.items():
        known = sum(size for other, size in entry.sites.items() if is_same_site(name, other))
        # What stays at another site is another leak, however long its container is.
        if amount > known + margin + (tables if known else 0.0):
            size = format_rate(amount, run.unit)
            if known:
                yield f"{size} at {name}, where {format_rate(known, run.unit)} was known"
            else:
                yield f"new: {size} at {name}"


def _is_better(rest: Coverage, entry: Entry, tolerance: float) -> bool:
    tables = _table_bytes(rest, entry, tolerance)
    if rest.bytes_per_iteration < entry.bytes_per_iteration * (1 - tolerance) - SLACK_BYTES - tables:
        return True
    return any(
        rest.counts.get(name, 0.0) < known * (1 - tolerance) - SLACK_COUNT
        for name, known in entry.counts.items()
    )


def _near(run: Run, baseline: Baseline) -> str:
    """An entry that may have been meant, such as one of a test that was renamed; else what else it is for."""
    near = difflib.get_close_matches(key_of(run), baseline.known, n=1, cutoff=0.8)
    if near:
        return f" (it knows {near[0]!r})"
    others = list(baseline.known)
    return f" (it is for {_count(others)}, such as {others[0]!r})" if others else ""


def _count(keys: list[str]) -> str:
    return "one other workload" if len(keys) == 1 else f"{len(keys)} other workloads"
