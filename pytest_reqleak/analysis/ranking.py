"""From the stacks of a tracer to the sites of a report: whose line it is, what it makes, how much.

Knows stacks and rates. It does not know which tracer saw them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_reqleak.analysis.categories import categorize, category_of_holder
from pytest_reqleak.analysis.category import (
    ASYNCIO_TASK,
    DESCRIPTOR,
    NATIVE,
    PYTHON,
    REQUEST_DATA,
    THREAD,
    TRACEBACK,
    Category,
)
from pytest_reqleak.analysis.category_rules import RULES, Rule
from pytest_reqleak.analysis.frames import Sources, is_machinery
from pytest_reqleak.analysis.kept import Kept
from pytest_reqleak.model.finding import Frame, Holder, Site, TypeGrowth
from pytest_reqleak.model.origin import CodeMap, Origin, package_of
from pytest_reqleak.model.raw import HEAP, RawFrame, RawLine, RawSite

MOST_SITES = 20
_MOST_STACKS = 400
_NOISE = 0.001
"""Share of the measured growth below which a site is left out."""
_RUNNERS = frozenset({"pytest", "_pytest", "pluggy", "xdist", "execnet"})
_OWN_SHARE = 0.05
"""From this share of the growth on, a line of the user's comes before those of libraries."""
_SAME_CAUSE = 0.2
"""Where so much of a line's bytes have a category, the rest of that line belongs to it."""


@dataclass(slots=True)
class _Group:
    frames: tuple[Frame, ...]
    category: Category
    bytes: float
    blocks: float
    inner: int
    """How many of the other frames lie between the leading one and the allocation."""
    leading: bool
    """Whether the first frame is a line of the user's or of a library, not of the machinery."""

    @property
    def own(self) -> bool:
        """Whether a line of the user's leads."""
        return self.frames[0].own


def rank_sites(
    raw: Sequence[RawSite],
    measured_bytes: float,
    *,
    code: CodeMap | None = None,
    holders: Sequence[Holder] = (),
    types: Sequence[TypeGrowth] = (),
    rules: Sequence[Rule] = RULES,
    most: int = MOST_SITES,
) -> tuple[tuple[Site, ...], float | None]:
    """Fold, categorise and merge stacks, most bytes first.

    Args:
        raw: Stacks that grew, frames from the allocation outwards.
        measured_bytes: What each iteration leaves behind, by the best meter there is.
        code: Tells the user's own files from others.
        holders: What grew; names the kind of memory where the lines do not tell it.
        types: What survives; a kind of which nothing does is not told.
        rules: The table of categories.
        most: Sites to return.

    Returns:
        The sites, and the share of `measured_bytes` that they add up to, at most 1;
        None where nothing was measured.
    """
    code = code or CodeMap()
    sources = Sources(code)
    kept = Kept(types, holders)
    hint = category_of_holder(holders[0].path, holders[0].entry) if holders else None
    if hint is not None:
        # An exception that was never raised has no traceback.
        hint = kept.borne_out(hint)
    if hint in (None, PYTHON):
        hint = TRACEBACK if kept.tracebacks else None
    groups: dict[tuple[str, int, str], _Group] = {}
    for site in sorted(raw, key=lambda site: -site.bytes_per_iteration)[:_MOST_STACKS]:
        if site.frames:
            _add(groups, site, code, sources, rules, kept)
    keeping = keeping_frames(holders)
    merged = _kept_by(keeping, _one_cause_per_line(list(groups.values())), hint)
    floor = _NOISE * measured_bytes
    made_at = keeping[:1] if holders and is_cause(holders[0]) else ()
    first = [place_of(frame) for frame in made_at]
    # The line that adds to the holder is a site where no tracer has seen one; a descriptor takes no bytes.
    unseen = keeping and (
        not merged or (made_at and first[0] not in {place_of(group.frames[0]) for group in merged})
    )
    if unseen:
        merged.append(_Group(keeping, hint or PYTHON, 0.0 if merged else measured_bytes, 0.0, 0, True))
    ranked = sorted(
        (group for group in merged if group.bytes > floor or (unseen and group is merged[-1])),
        key=lambda group: (
            [place_of(frame) for frame in group.frames[:1]] != first,
            not group.leading,
            # A traceback has a part for each line on the way, and where it was raised tells most.
            not (kept.tracebacks and group.own and group.frames[0].code.startswith("raise ")),
            # A line of the user's can be changed, a library's cannot.
            not (group.own and (kept.tracebacks or group.bytes >= _OWN_SHARE * measured_bytes)),
            -group.bytes,
        ),
    )
    sites = tuple(_site(group, hint) for group in ranked[:most])
    if measured_bytes <= 0:
        return sites, None
    seen = ranked if groups else ()
    return sites, min(1.0, sum(group.bytes for group in seen) / measured_bytes)


def place_of(frame: Frame) -> tuple[str, int]:
    """File and line: tracers differ in what they know of the function."""
    return frame.file, frame.line


def is_cause(holder: Holder) -> bool:
    """Whether what grew are tasks, threads or descriptors: all that they hold are victims."""
    return category_of_holder(holder.path) in (ASYNCIO_TASK, THREAD, DESCRIPTOR)


def keeping_frames(holders: Sequence[Holder]) -> tuple[Frame, ...]:
    """The lines that add to the first holder, the user's own first; empty where none of theirs does.

    Tasks, threads and descriptors may be a library's own: then its line is the one to know.
    """
    frames = holders[0].frames if holders else ()
    return frames if frames and (frames[0].own or is_cause(holders[0])) else ()


def _kept_by(keeping: tuple[Frame, ...], groups: list[_Group], hint: Category | None) -> list[_Group]:
    """Give what libraries have allocated to the user's line that puts it where it stays.

    A kept exception holds frames, scopes and bodies that were allocated all over
    the framework; none of those lines is wrong, the one that keeps them is. The
    same goes for the parts of dicts that CPython takes from its free lists, which
    a tracer books on whoever had freed them.
    """
    if not keeping:
        return groups
    lead = keeping[0]
    own = [group for group in groups if group.own]
    others = [group for group in groups if not group.own]
    if not others:
        return groups
    heir = next((group for group in own if place_of(group.frames[0]) == place_of(lead)), None)
    if heir is None:
        largest = max(others, key=lambda group: group.bytes)
        category = hint or (PYTHON if largest.category is REQUEST_DATA else largest.category)
        heir = _Group(keeping, category, 0.0, 0.0, 0, True)
        own.append(heir)
    for group in others:
        heir.bytes += group.bytes
        heir.blocks += group.blocks
    return own


def cut_share(raw: Sequence[RawSite], frames: int, code: CodeMap | None = None) -> float:
    """The share of the bytes whose stacks were cut before a line of the user's came.

    Args:
        raw: Stacks of at most `frames` frames.
        frames: How deep they were recorded.
        code: Tells the user's own files from others.
    """
    code = code or CodeMap()
    total = sum(site.bytes_per_iteration for site in raw)
    cut = sum(
        site.bytes_per_iteration
        for site in raw
        if len(site.frames) >= frames and not any(code.is_own(frame[0]) for frame in site.frames)
    )
    return cut / total if total > 0 else 0.0


def line_sites(
    lines: Sequence[RawLine],
    total_bytes: float,
    *,
    total_blocks: float = 0.0,
    gauge: str = HEAP,
    native: bool = True,
) -> tuple[RawSite, ...]:
    """What stays on a line of Python, where no tracer has seen the allocation.

    Args:
        lines: What was watched.
        total_bytes: Per iteration, to be shared out.
        total_blocks: Likewise.
        gauge: Which of the gauges they belong to.
        native: Whether C code has allocated them behind Python's back.
    """
    return tuple(
        RawSite(
            frames=line.frames,
            bytes_per_iteration=total_bytes * line.share,
            blocks_per_iteration=total_blocks * line.share,
            native=native,
        )
        for line in lines
        if line.gauge == gauge
    )


def _add(
    groups: dict[tuple[str, int, str], _Group],
    site: RawSite,
    code: CodeMap,
    sources: Sources,
    rules: Sequence[Rule],
    kept: Kept,
) -> None:
    place = leading_place(site.frames, code)
    lead = site.frames[place]
    leading = not is_machinery(lead, code)
    if not leading and package_of(lead[0].replace(os.sep, "/")) in _RUNNERS:
        # pytest's own, made to run a test.
        return
    if site.native:
        found = kept.borne_out(
            categorize([sources.frame(frame) for frame in site.frames[: place + 1]], rules)
        )
        category = NATIVE if found is PYTHON else found
    elif leading:
        # What lies between the allocation and the user's line says what was made.
        made = categorize([sources.frame(frame) for frame in site.frames[: place + 1]], rules)
        category = kept.borne_out(made)
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
            sum(not is_machinery(frame, code) for frame in site.frames[:place]),
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
            large_bytes_per_iteration=None
            if site.large_bytes_per_iteration is None
            else truth[line][0] * site.large_bytes_per_iteration / seen[line],
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
            # A line of Python comes before native or generated code, whose source nobody can open.
            if code.origin(frame[0]) is wanted and frame[0][:1] != "<" and not is_machinery(frame, code):
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
        inner=group.inner,
    )
