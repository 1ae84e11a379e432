"""What a run found, as parts of its JSON document: sites, holders, cycles, and the baseline's word.

Knows the shape of each part; the document as a whole is the business of `json`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_reqleak.model.finding import CauseGrowth, Cycle, Frame, Holder, Link, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause
from pytest_reqleak.model.standing import Baselined, Ignored, Standing
from pytest_reqleak.report.place import Place


def site_to_json(site: Site) -> dict[str, Any]:
    """Turn a site into its document."""
    return {
        "bytes_per_iteration": site.bytes_per_iteration,
        "blocks_per_iteration": site.blocks_per_iteration,
        "category": site.category,
        "frames": [frame_to_json(frame) for frame in site.frames],
        "remedy": site.remedy,
        "inner": site.inner,
    }


def site_from_json(site: Place) -> Site:
    """Read a site; a wrong field is refused by its place."""
    return Site(
        bytes_per_iteration=site["bytes_per_iteration"].number(),
        blocks_per_iteration=site["blocks_per_iteration"].number(),
        category=site["category"].text(),
        frames=tuple(map(frame_from_json, site["frames"])),
        remedy=site["remedy"].text(),
        inner=site.optional("inner", 0).count(),
    )


def cause_growth_from_json(part: Place) -> CauseGrowth:
    """Read one kind of growth; a wrong field is refused by its place."""
    return CauseGrowth(
        cause=part["cause"].word(Cause),
        bytes_per_iteration=part["bytes_per_iteration"].number(),
        text=part["text"].text(),
    )


def holder_to_json(holder: Holder) -> dict[str, Any]:
    """Turn a container that grew into its document."""
    return {
        "path": holder.path,
        "type": holder.type,
        "growth_per_iteration": holder.growth_per_iteration,
        "size": holder.size,
        "bound": holder.bound,
        "frames": [frame_to_json(frame) for frame in holder.frames],
        "entry": holder.entry,
        "keys": list(holder.keys),
        "keyed_by": holder.keyed_by,
        "ends_in": holder.ends_in,
        "links": links_to_json(holder.links),
        "life_seconds": holder.life_seconds,
    }


def holder_from_json(holder: Place) -> Holder:
    """Read a container that grew; a wrong field is refused by its place."""
    bound = holder["bound"]
    return Holder(
        path=holder["path"].text(),
        type=holder["type"].text(),
        growth_per_iteration=holder["growth_per_iteration"].number(),
        size=holder["size"].count(),
        bound=None if bound.is_null else bound.count(),
        frames=tuple(map(frame_from_json, holder.optional("frames", []))),
        entry=holder.optional("entry", "").text(),
        keys=tuple(key.text() for key in holder.optional("keys", [])),
        keyed_by=holder.optional("keyed_by", "").text(),
        ends_in=holder.optional("ends_in", "").text(),
        links=links_from_json(holder.optional("links", [])),
        life_seconds=holder.optional("life_seconds", 0.0).number(),
    )


def frame_to_json(frame: Frame) -> dict[str, Any]:
    """Turn a line of a stack into its document."""
    return {
        "file": frame.file,
        "line": frame.line,
        "function": frame.function,
        "code": frame.code,
        "own": frame.own,
    }


def frame_from_json(frame: Place) -> Frame:
    """Read a line of a stack; a wrong field is refused by its place."""
    return Frame(
        file=frame["file"].text(),
        line=frame["line"].count(),
        function=frame["function"].text(),
        code=frame["code"].text(),
        own=frame["own"].truth(),
    )


def links_to_json(links: Iterable[Link]) -> list[dict[str, str]]:
    """Turn the way to an object into its document."""
    return [{"step": link.step, "type": link.type} for link in links]


def links_from_json(links: Iterable[Place]) -> tuple[Link, ...]:
    """Read the way to an object; a wrong field is refused by its place."""
    return tuple(Link(step=link["step"].text(), type=link["type"].text()) for link in links)


def cycle_to_json(cycle: Cycle) -> dict[str, Any]:
    """Turn a kind of cyclic garbage into its document."""
    return {
        "objects_per_iteration": cycle.objects_per_iteration,
        "types": [{"type": kind.type, "per_iteration": kind.per_iteration} for kind in cycle.types],
        "path": links_to_json(cycle.path),
    }


def cycle_from_json(cycle: Place) -> Cycle:
    """Read a kind of cyclic garbage; a wrong field is refused by its place."""
    return Cycle(
        objects_per_iteration=cycle["objects_per_iteration"].number(),
        types=tuple(
            TypeGrowth(type=kind["type"].text(), per_iteration=kind["per_iteration"].number())
            for kind in cycle["types"]
        ),
        path=links_from_json(cycle["path"]),
    )


def baselined_to_json(baselined: Baselined) -> dict[str, Any]:
    """Turn the baseline's word into its document."""
    return {
        "standing": str(baselined.standing),
        "text": baselined.text,
        "file": baselined.file,
        "ignored": [
            {"rule": rule.rule, "reason": rule.reason, "matched": rule.matched} for rule in baselined.ignored
        ],
    }


def baselined_from_json(baselined: Place) -> Baselined | None:
    """Read the baseline's word; None for null; a wrong field is refused by its place."""
    if baselined.is_null:
        return None
    return Baselined(
        standing=baselined["standing"].word(Standing),
        text=baselined["text"].text(),
        file=baselined["file"].text(),
        ignored=tuple(
            Ignored(rule=rule["rule"].text(), reason=rule["reason"].text(), matched=rule["matched"].text())
            for rule in baselined["ignored"]
        ),
    )
