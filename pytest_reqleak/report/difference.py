"""What has changed between two stored results: which workloads got worse, and at which sites.

Knows runs only. Lines move when code is edited, so sites are told apart by file
and function; figures differ a little from run to run, so small changes are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_reqleak.model.meter import Meter, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.standing import SLACK_BYTES, SLACK_COUNT
from pytest_reqleak.report import wording
from pytest_reqleak.report.page import Page
from pytest_reqleak.report.paths import is_same_site, site_name
from pytest_reqleak.units import format_average, format_bytes

DEFAULT_TOLERANCE = 0.1
"""Share by which a figure must change to count."""

_RANK = {Verdict.CLEAN: 0, Verdict.INCONCLUSIVE: 1, Verdict.LEAK: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure, before and after; None: it was not there."""

    name: str
    before: float
    after: float
    is_bytes: bool = True

    @property
    def text(self) -> str:
        """Both figures and what lies between them: `352 B → 704 B (+352 B)`."""
        show = format_bytes if self.is_bytes else format_average
        more = self.after - self.before
        sign = "+" if more >= 0 else "-"
        return f"{show(self.before)} → {show(self.after)} ({sign}{show(abs(more))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One workload in two results."""

    name: str
    before: Run | None
    after: Run | None
    worse: tuple[Change, ...] = ()
    better: tuple[Change, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Whether it leaks more than before, elsewhere than before, or for the first time."""
        if self.after is None:
            return False
        if self.before is None:
            return self.after.verdict is Verdict.LEAK
        if _RANK[self.after.verdict] > _RANK[self.before.verdict]:
            return True
        return bool(self.worse) and self.after.verdict is not Verdict.CLEAN

    @property
    def is_better(self) -> bool:
        """Whether it leaks less than before and nothing of it got worse."""
        if self.before is None or self.after is None or self.is_worse:
            return False
        return bool(self.better) or _RANK[self.after.verdict] < _RANK[self.before.verdict]


def differences(
    before: Sequence[Run], after: Sequence[Run], *, tolerance: float = DEFAULT_TOLERANCE
) -> list[Difference]:
    """Compare two results, workload by workload; those that got worse first.

    Args:
        before: The older result.
        after: The newer one.
        tolerance: Share by which a figure must change to count.
    """
    if len(before) == len(after) == 1:
        # Two files of one run each are meant to be compared, whatever the app was called then.
        return [_difference(after[0].name or "app", before[0], after[0], tolerance)]
    old, new = _by_name(before), _by_name(after)
    found = [
        _difference(name, old.get(name), new.get(name), tolerance) for name in dict.fromkeys([*new, *old])
    ]
    return sorted(found, key=lambda one: (not one.is_worse, one.after is None, not one.is_better))


def difference_report(
    found: Sequence[Difference], *, width: int = 80, color: bool = False, unicode: bool = True
) -> str:
    """Print what got worse, then what got better, then what cannot be compared."""
    page = Page(width=width, color=color, unicode=unicode)
    worse = [one for one in found if one.is_worse]
    better = [one for one in found if one.is_better]
    gone = [one for one in found if one.after is None]
    new = [one for one in found if one.before is None and not one.is_worse]
    same = len(found) - len(worse) - len(better) - len(gone) - len(new)
    for one in worse:
        _told(page, one, "WORSE", "bold red", one.worse)
    for one in better:
        _told(page, one, "BETTER", "bold green", one.better)
    for title, group in (("only in the first", gone), ("only in the second", new)):
        for one in group:
            run = one.before or one.after
            verdict = str(run.verdict) if run is not None else ""
            page.paragraph((f"{title}:", "dim"), f"{one.name} ({verdict})", hang=2)
    page.blank()
    counts = ((len(worse), "worse"), (len(better), "better"), (same, "as before"))
    page.line(", ".join(f"{count} {word}" for count, word in counts if count) or "nothing to compare")
    return page.text()


def _told(page: Page, one: Difference, word: str, style: str, changes: Sequence[Change]) -> None:
    page.blank()
    page.paragraph((f"{word}:", style), one.name, hang=2)
    if one.before is not None and one.after is not None and one.before.verdict is not one.after.verdict:
        page.line(f"{one.before.verdict} → {one.after.verdict}", indent=2)
    if one.before is None and one.after is not None:
        page.paragraph(f"new, and {wording.headline(one.after)}", indent=2)
        page.paragraph(wording.locus(one.after), indent=4)
    for change in changes:
        page.paragraph((f"{change.name}:", "bold"), change.text, indent=2, hang=2)


def _difference(name: str, before: Run | None, after: Run | None, tolerance: float) -> Difference:
    if before is None or after is None:
        return Difference(name=name, before=before, after=after)
    changes = [
        Change(
            name=f"bytes per {after.unit}",
            before=_leaked(before),
            after=_leaked(after),
        ),
        *_counts(before, after),
        *_sites(before, after),
    ]
    worse, better = [], []
    for change in changes:
        least = SLACK_BYTES if change.is_bytes else SLACK_COUNT
        margin = max(least, tolerance * max(change.before, change.after))
        if change.after - change.before > margin:
            worse.append(change)
        elif change.before - change.after > margin:
            better.append(change)
    return Difference(name=name, before=before, after=after, worse=tuple(worse), better=tuple(better))


def _leaked(run: Run) -> float:
    return run.bytes_per_iteration if run.verdict is not Verdict.CLEAN else 0.0


def _counts(before: Run, after: Run) -> list[Change]:
    """Descriptors, threads and the like, which bytes do not show."""
    memory = (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS)

    def grown(run: Run) -> dict[Meter, float]:
        return {growth.meter: growth.per_iteration for growth in run.growth if growth.grows}

    old, new = grown(before), grown(after)
    meters = [meter for meter in Meter if meter in {**old, **new} and not meter.unit]
    return [
        Change(
            name=f"{meter.label} per {after.unit}",
            before=old.get(meter, 0.0),
            after=new.get(meter, 0.0),
            is_bytes=False,
        )
        for meter in meters
        if meter not in memory
    ]


def _sites(before: Run, after: Run) -> list[Change]:
    """The sites of both, where both were traced: else each would seem to have come or gone."""
    old, new = _site_sizes(before), _site_sizes(after)
    if (before.verdict is not Verdict.CLEAN and not old) or (after.verdict is not Verdict.CLEAN and not new):
        return []
    changes = []
    left = dict(old)
    for name, size in new.items():
        twins = [other for other in left if is_same_site(name, other)]
        changes.append(Change(name=f"at {name}", before=sum(left.pop(twin) for twin in twins), after=size))
    changes += [Change(name=f"at {name}", before=size, after=0.0) for name, size in left.items()]
    return sorted(changes, key=lambda change: change.before - change.after)


def _site_sizes(run: Run) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for site in run.sites if run.verdict is not Verdict.CLEAN else ():
        name = site_name(site)
        if name:
            sizes[name] = sizes.get(name, 0.0) + site.bytes_per_iteration
    return sizes


def _by_name(runs: Sequence[Run]) -> dict[str, Run]:
    """Runs by target, test and requests; of those that share all, the one that leaks most."""
    named: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.bytes_per_iteration):
        name = f"{run.name} ({', '.join(run.requests)})" if run.requests else run.name
        named.pop(name, None)
        named[name] = run
    return named
