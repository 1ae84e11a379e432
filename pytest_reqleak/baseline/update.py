"""Write what grows now into a baseline, and ask for it where things got better.

What the runs did not measure stays as it is, and so does every figure that is
still within its tolerance: an update changes what has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pytest_reqleak.baseline.document import read_baseline, write_baseline
from pytest_reqleak.baseline.ignoring import coverage, is_about
from pytest_reqleak.baseline.known import Baseline, Entry, key_of
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.standing import Standing
from pytest_reqleak.report.files import StrPath
from pytest_reqleak.report.paths import site_name


def update_baseline(path: StrPath, runs: Iterable[Run]) -> str:
    """Take the growth of some runs into a baseline.

    Args:
        path: The file; made where it does not exist.
        runs: Held against it before.

    Returns:
        What was done, in words.

    Raises:
        UsageError: It cannot be read or written; nothing was overwritten.
    """
    before = read_baseline(path, may_be_missing=True)
    fresh: dict[str, Entry | None] = {}
    for run in runs:
        if run.verdict is not Verdict.INCONCLUSIVE:
            key = key_of(run)
            fresh[key] = _worse_of(fresh.get(key), _entry(run, before))
    left = {key: entry for key, entry in before.known.items() if key not in fresh}
    known = left | {key: entry for key, entry in fresh.items() if entry is not None}
    write_baseline(path, replace(before, known=known))
    added = len(known.keys() - before.known.keys())
    removed = len(before.known.keys() - known.keys())
    changed = sum(before.known[key] != known[key] for key in known.keys() & before.known.keys())
    figures = ", ".join(
        f"{count} {word}"
        for count, word in ((added, "added"), (changed, "changed"), (removed, "removed"))
        if count
    )
    return f"updated {before.file}: {figures or 'nothing to change'}"


def tighten_text(path: StrPath, runs: Sequence[Run], *, option: str) -> str:
    """Ask for an update where runs leave less behind than the baseline knows; empty where none does.

    Args:
        path: The baseline.
        runs: Held against it.
        option: What its user must add to the command line, such as `--baseline-update`.
    """
    better = [
        run.name for run in runs if run.baseline is not None and run.baseline.standing is Standing.BETTER
    ]
    if not better:
        return ""
    which = better[0] if len(better) == 1 else f"{better[0]} and {len(better) - 1} more"
    file = read_baseline(path).file
    return f"{which} got better than {file} knows: tighten it with {option}"


def stale_notes(path: StrPath, runs: Sequence[Run]) -> list[str]:
    """Name the rules that matched nothing, where the runs are all that a baseline is about.

    They are where they cover every entry of it, and have a verdict each. A rule for
    an endpoint is about the runs of that endpoint alone.
    """
    baseline = read_baseline(path, may_be_missing=True)
    measured = {key_of(run) for run in runs if run.verdict is not Verdict.INCONCLUSIVE}
    if not baseline.known.keys() | {key_of(run) for run in runs} <= measured:
        return []
    matched = {each.rule for run in runs if run.baseline is not None for each in run.baseline.ignored}
    return [
        f"{baseline.file}: nothing that was measured matches the rule {rule.text}: "
        "take it out if it is no longer needed"
        for rule in baseline.rules
        if rule.text not in matched and any(is_about(rule, run) for run in runs)
    ]


def _entry(run: Run, before: Baseline) -> Entry | None:
    """What a baseline should know of a run; None: nothing grows that no rule covers."""
    old = before.known.get(key_of(run))
    standing = run.baseline.standing if run.baseline is not None else None
    if run.verdict is Verdict.CLEAN or standing is Standing.IGNORED:
        return None
    rest = coverage(run, before.rules)
    blocks = rest.blocks_per_iteration or None
    if standing is Standing.KNOWN and old is not None:
        # All stays as it was; what an older version did not write is added.
        return old if old.blocks_per_iteration is not None else replace(old, blocks_per_iteration=blocks)
    sites: dict[str, float] = {}
    for site in rest.sites:
        name = site_name(site)
        if name:
            sites[name] = sites.get(name, 0.0) + site.bytes_per_iteration
    return Entry(
        bytes_per_iteration=rest.bytes_per_iteration,
        blocks_per_iteration=blocks,
        tolerance=old.tolerance if old is not None else None,
        sites=sites,
        counts=rest.counts,
        reason=old.reason if old is not None else "",
    )


def _worse_of(one: Entry | None, other: Entry | None) -> Entry | None:
    """An entry that allows what either does: one workload can be measured by two tests."""
    if one is None or other is None:
        return one or other

    def most(some: dict[str, float], others: dict[str, float]) -> dict[str, float]:
        return {name: max(some.get(name, 0.0), others.get(name, 0.0)) for name in {**some, **others}}

    first, second = one.blocks_per_iteration, other.blocks_per_iteration
    return replace(
        one,
        bytes_per_iteration=max(one.bytes_per_iteration, other.bytes_per_iteration),
        blocks_per_iteration=None if first is None or second is None else max(first, second),
        # Without sites an entry allows any.
        sites=most(dict(one.sites), dict(other.sites)) if one.sites and other.sites else {},
        counts=most(dict(one.counts), dict(other.counts)),
    )
