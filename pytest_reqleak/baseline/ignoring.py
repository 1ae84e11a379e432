"""Which part of a run's growth the rules of a baseline cover.

Knows patterns and the evidence of a run. A rule never hides what it does not
name: what is left over is judged as if the rest were not there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pytest_reqleak.baseline.known import Rule, counts_of
from pytest_reqleak.model.finding import Holder, Site
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.standing import Ignored
from pytest_reqleak.report.paths import main_frame, show_frame, show_path, site_name
from pytest_reqleak.report.wording import telling_sites
from pytest_reqleak.units import format_rate

_NOTABLE = 0.1
"""Of the largest: holders and types below that came along with the others."""

_LEADING = frozenset({"dict", "list", "tuple", "set", "frozenset", "collections.deque", "cell", "function"})
"""Entries that say nothing of what they lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the rules make of a run."""

    ignored: tuple[Ignored, ...]
    """The rules that matched."""
    sites: tuple[Site, ...]
    """Those that no rule covers, of the telling ones."""
    bytes_per_iteration: float
    """What no rule covers."""
    blocks_per_iteration: float
    """Likewise; 0: not known."""
    counts: dict[str, float]
    """Growth besides memory that no rule covers."""


def coverage(run: Run, rules: Sequence[Rule]) -> Coverage:
    """Hold a run against the rules."""
    telling = telling_sites(run)
    ignored: list[Ignored] = []
    covered: set[int] = set()
    share = 0.0
    counts = counts_of(run)
    for rule in rules:
        part = _endpoint_share(run, rule.endpoint) if rule.endpoint else 1.0
        if part <= 0:
            continue
        if rule.site:
            hits = [n for n, site in enumerate(telling) if _matches(rule.site, _names_of(site))]
            hits = hits if part >= 1 else []
            covered.update(hits)
            ignored += [_ignored(rule, _site_text(run, telling[n])) for n in hits]
            continue
        matched = _whole(run, rule)
        if matched:
            ignored.append(_ignored(rule, matched))
            share = max(share, part)
            if not rule.type and not rule.holder and part >= 1:
                counts = {}
    hidden = [telling[n] for n in covered]

    def rest_of(whole: float, sites: Iterable[float]) -> float:
        return min(max(0.0, whole - sum(sites)), whole * (1 - share))

    left = [site for n, site in enumerate(telling) if n not in covered] if share < 1 else []
    return Coverage(
        ignored=tuple(ignored),
        sites=tuple(left),
        bytes_per_iteration=rest_of(run.bytes_per_iteration, (site.bytes_per_iteration for site in hidden)),
        blocks_per_iteration=rest_of(
            run.blocks_per_iteration, (site.blocks_per_iteration for site in hidden)
        ),
        counts=counts,
    )


def is_about(rule: Rule, run: Run) -> bool:
    """Whether a rule says something of a run, or of an endpoint that it has asked."""
    return not rule.endpoint or _matches(rule.endpoint, [run.target, run.test, run.name, *run.requests])


def _whole(run: Run, rule: Rule) -> str:
    """What a rule without a site matches; empty: nothing, or not all that is notable."""
    if rule.holder:
        paths = [holder.path for holder in _notable(run.holders)]
        return ", ".join(paths) if _all_match(rule.holder, paths) else ""
    if rule.type:
        most = max((kind.per_iteration for kind in run.types), default=0.0)
        names = [kind.type for kind in run.types if kind.per_iteration >= _NOTABLE * most]
        # A dict or a str comes along with the object that holds it.
        names = [name for name in names if "." in name] or names
        if any(not _may_hold(holder, rule.type) for holder in _notable(run.holders)):
            return ""
        return ", ".join(names) if _all_match(rule.type, names) else ""
    named = [culprit.request for culprit in run.culprits if _matches(rule.endpoint, [culprit.request])]
    return run.test or ", ".join(named or run.requests) or run.target


def _notable(holders: Sequence[Holder]) -> list[Holder]:
    most = max((holder.growth_per_iteration for holder in holders), default=0.0)
    return [holder for holder in holders if holder.growth_per_iteration >= _NOTABLE * most]


def _may_hold(holder: Holder, pattern: str) -> bool:
    """Whether what was added to a holder is of a type that a pattern names, or may lead to one."""
    return not holder.entry or holder.entry in _LEADING or _matches(pattern, [holder.entry])


def _endpoint_share(run: Run, pattern: str) -> float:
    """Which share of the growth belongs to the endpoints that a pattern names."""
    if _matches(pattern, [run.target, run.test, run.name]):
        return 1.0
    guilty = [culprit for culprit in run.culprits if culprit.bytes_per_iteration > 0]
    if not guilty:
        return float(_all_match(pattern, run.requests))
    total = sum(culprit.bytes_per_iteration for culprit in guilty)
    named = [culprit for culprit in guilty if _matches(pattern, [culprit.request])]
    if len(named) == len(guilty):
        return 1.0
    return sum(culprit.bytes_per_iteration for culprit in named) / total


def _names_of(site: Site) -> list[str]:
    """What a pattern may say to mean a site."""
    frame = main_frame(site)
    if frame is None:
        return []
    path = show_path(frame.file).replace(os.sep, "/")
    return [path, f"{path}:{frame.line}", site_name(site), show_frame(frame), frame.function, frame.file]


def _all_match(pattern: str, texts: Sequence[str]) -> bool:
    return bool(texts) and all(_matches(pattern, [text]) for text in texts)


def _matches(pattern: str, texts: Iterable[str]) -> bool:
    # Names hold brackets, which a pattern would take for a choice of characters.
    return any(text and (text == pattern or fnmatchcase(text, pattern)) for text in texts)


def _site_text(run: Run, site: Site) -> str:
    return f"{site_name(site)}, {format_rate(site.bytes_per_iteration, run.unit)}"


def _ignored(rule: Rule, matched: str) -> Ignored:
    return Ignored(rule=rule.text, reason=rule.reason, matched=matched)
