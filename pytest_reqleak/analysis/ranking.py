"""From the stacks of a tracer to the sites of a report: whose line it is, what it makes, how much.

Knows stacks and rates. It does not know which tracer saw them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_reqleak.analysis.categories import (
    PYTHON,
    REQUEST_DATA,
    RULES,
    Category,
    Rule,
    categorize,
    category_of_holder,
)
from pytest_reqleak.analysis.frames import Sources, is_machinery
from pytest_reqleak.model.finding import Frame, Holder, Site
from pytest_reqleak.model.origin import CodeMap, Origin, package_of
from pytest_reqleak.model.raw import RawFrame, RawSite

MOST_SITES = 20
_MOST_STACKS = 400
_NOISE = 0.001
"""Share of the measured growth below which a site is left out."""
_RUNNERS = frozenset({"pytest", "_pytest", "pluggy", "xdist", "execnet"})
_SAME_CAUSE = 0.2
"""Where so much of a line's bytes have a category, the rest of that line belongs to it."""


@dataclass(slots=True)
class _Group:
    frames: tuple[Frame, ...]
    category: Category
    bytes: float
    blocks: float
    leading: bool
    """Whether the first frame is a line of the user's or of a library, not of the machinery."""


def rank_sites(
    raw: Sequence[RawSite],
    measured_bytes: float,
    *,
    code: CodeMap | None = None,
    holders: Sequence[Holder] = (),
    rules: Sequence[Rule] = RULES,
    most: int = MOST_SITES,
) -> tuple[tuple[Site, ...], float | None]:
    """Fold, categorise and merge stacks, most bytes first.

    Args:
        raw: Stacks that grew, frames from the allocation outwards.
        measured_bytes: What each iteration leaves behind, by the best meter there is.
        code: Tells the user's own files from others.
        holders: What grew; names the kind of memory where the lines do not tell it.
        rules: The table of categories.
        most: Sites to return.

    Returns:
        The sites, and the share of `measured_bytes` that they add up to, at most 1;
        None where nothing was measured.
    """
    code = code or CodeMap()
    sources = Sources(code)
    hint = category_of_holder(holders[0].path) if holders else None
    groups: dict[tuple[str, int, str], _Group] = {}
    for site in sorted(raw, key=lambda site: -site.bytes_per_iteration)[:_MOST_STACKS]:
        if site.frames:
            _add(groups, site, code, sources, rules)
    merged = _one_cause_per_line(list(groups.values()))
    floor = _NOISE * measured_bytes
    ranked = sorted(
        (group for group in merged if group.bytes > floor),
        key=lambda group: (not group.leading, -group.bytes),
    )[:most]
    sites = tuple(_site(group, hint) for group in ranked)
    if measured_bytes <= 0:
        return sites, None
    return sites, min(1.0, sum(site.bytes_per_iteration for site in sites) / measured_bytes)


def _add(
    groups: dict[tuple[str, int, str], _Group],
    site: RawSite,
    code: CodeMap,
    sources: Sources,
    rules: Sequence[Rule],
) -> None:
    place = leading_place(site.frames, code)
    lead = site.frames[place]
    leading = not is_machinery(lead, code)
    if not leading and package_of(lead[0].replace(os.sep, "/")) in _RUNNERS:
        # pytest's own, made to run a test.
        return
    if leading:
        # What lies between the allocation and the user's line says what was made.
        category = categorize([sources.frame(frame) for frame in site.frames[: place + 1]], rules)
    else:
        category = REQUEST_DATA
    key = (lead[0], lead[1], category.name)
    group = groups.get(key)
    if group is None:
        groups[key] = _Group(
            _story(site.frames, place, code, sources),
            category,
            site.bytes_per_iteration,
            site.blocks_per_iteration,
            leading,
        )
        return
    group.bytes += site.bytes_per_iteration
    group.blocks += site.blocks_per_iteration


def rescale(deep: Sequence[RawSite], shallow: Sequence[RawSite]) -> tuple[RawSite, ...]:
    """Give the stacks of a short, deep pass the rates of a long, shallow one.

    A short pass takes a slow saw-tooth for growth: the sqlite3 module, for
    one, drops its references to dead cursors only every 200. A pass with one
    frame is cheap enough to be long; it says how much each allocating line
    truly gains, and the deep one how that divides among the ways to the line.

    Args:
        deep: Stacks of several frames.
        shallow: Stacks of at least one frame, from more iterations.

    Returns:
        The stacks of `deep` whose line grows in `shallow` too, scaled so that each
        line has its total there, and the lines that only `shallow` saw.
    """
    truth: dict[tuple[str, int], tuple[float, float]] = {}
    for site in shallow:
        line = site.frames[0][:2]
        old = truth.get(line, (0.0, 0.0))
        truth[line] = (old[0] + site.bytes_per_iteration, old[1] + site.blocks_per_iteration)
    seen: dict[tuple[str, int], float] = {}
    for site in deep:
        line = site.frames[0][:2]
        seen[line] = seen.get(line, 0.0) + site.bytes_per_iteration
    scaled = [
        RawSite(
            frames=site.frames,
            bytes_per_iteration=truth[line][0] * site.bytes_per_iteration / seen[line],
            blocks_per_iteration=truth[line][1] * site.bytes_per_iteration / seen[line],
        )
        for site in deep
        if (line := site.frames[0][:2]) in truth and seen[line] > 0
    ]
    scaled += [site for site in shallow if site.frames[0][:2] not in seen]
    return tuple(sorted(scaled, key=lambda site: -site.bytes_per_iteration))


def leading_place(frames: Sequence[RawFrame], code: CodeMap) -> int:
    """Which frame leads a site: the innermost of the user's own, else of a library, else the allocation."""
    for wanted in (Origin.OWN, Origin.LIBRARY):
        for place, frame in enumerate(frames):
            if code.origin(frame[0]) is wanted and not is_machinery(frame, code):
                return place
    return next((place for place, frame in enumerate(frames) if not is_machinery(frame, code)), 0)


def _story(frames: Sequence[RawFrame], place: int, code: CodeMap, sources: Sources) -> tuple[Frame, ...]:
    """The leading frame, then the others from the allocation outwards, the machinery left out."""
    others = [frame for n, frame in enumerate(frames) if n != place and not is_machinery(frame, code)]
    return tuple(sources.frame(frame) for frame in (frames[place], *others))


def _one_cause_per_line(groups: list[_Group]) -> list[_Group]:
    """Give the uncategorised part of a line to the category that most of the line has.

    `Order(id=i, note=f"{i}")` makes a model in the library and a text on the
    line itself; both are kept by the same reference.
    """
    lines: dict[tuple[str, int], list[_Group]] = {}
    for group in groups:
        lines.setdefault((group.frames[0].file, group.frames[0].line), []).append(group)
    kept: list[_Group] = []
    for line in lines.values():
        plain = [group for group in line if group.category is PYTHON]
        known = [group for group in line if group.category is not PYTHON]
        best = max(known, key=lambda group: group.bytes, default=None)
        if best is not None and best.bytes >= _SAME_CAUSE * sum(group.bytes for group in line):
            for group in plain:
                best.bytes += group.bytes
                best.blocks += group.blocks
            plain = []
        kept += [*known, *plain]
    return kept


def _site(group: _Group, hint: Category | None) -> Site:
    category = hint if hint is not None and group.category is PYTHON else group.category
    return Site(
        bytes_per_iteration=group.bytes,
        blocks_per_iteration=group.blocks,
        category=category.name,
        frames=group.frames,
        remedy=category.remedy,
    )
