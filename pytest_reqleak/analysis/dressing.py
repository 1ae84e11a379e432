"""Complete what the agent found of a holder: source lines, who adds to it, which input keys it.

Knows frames, keys and requests; reads source files, touches no object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_reqleak.analysis.frames import Sources, is_machinery
from pytest_reqleak.model.finding import Frame, Holder
from pytest_reqleak.model.origin import CodeMap, Origin
from pytest_reqleak.model.raw import RawFrame, RawLine

_NUMBER = re.compile(r"\d+")
_MOST_FRAMES = 12
# Iterations in which keys may have come that are among the newest three: eight at a time, as a rule.
_NEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One request of a workload, as far as its inputs differ by iteration."""

    title: str
    parts: tuple[str, ...]
    """What differs: `the path`, `the body`."""


def dressed(
    holders: Sequence[Holder], lines: Sequence[RawLine] = (), *, code: CodeMap | None = None
) -> tuple[Holder, ...]:
    """The holders with the lines that add to them, source and all.

    Args:
        holders: As the agent found them; frames that they have already are kept.
        lines: Of each gauge that is a holder's path, the largest first.
        code: Tells the user's own files from others.
    """
    if not holders:
        # Of a clean run, which shall not pay for finding out where the standard library is.
        return ()
    code = code or CodeMap()
    sources = Sources(code)
    adding: dict[str, tuple[RawFrame, ...]] = {}
    for line in lines:
        adding.setdefault(line.gauge, line.frames)
    found = []
    for holder in holders:
        stack = adding.get(holder.path) or tuple((f.file, f.line, f.function) for f in holder.frames)
        found.append(replace(holder, frames=_told(stack, code, sources)) if stack else holder)
    return tuple(found)


def _told(stack: Sequence[RawFrame], code: CodeMap, sources: Sources) -> tuple[Frame, ...]:
    """The innermost frame of the user's first, the machinery left out."""
    kept = [frame for frame in stack if not is_machinery(frame, code)]
    lead = next((frame for frame in kept if code.origin(frame[0]) is Origin.OWN), None)
    if lead is not None:
        kept.remove(lead)
        kept.insert(0, lead)
    return tuple(sources.frame(frame) for frame in kept[:_MOST_FRAMES])


def keyed(holders: Sequence[Holder], inputs: Sequence[Input], *, first: int, last: int) -> tuple[Holder, ...]:
    """The holders with the part of a request that their newest keys are made of.

    An iteration's number in a key says which request made it, and so which part
    of that request differs.

    Args:
        holders: With their newest keys.
        inputs: Of each request of the workload, in order.
        first: Number of the first iteration since the holders were marked.
        last: Of the last one.
    """
    return tuple(replace(holder, keyed_by=_keyed_by(holder, inputs, first, last)) for holder in holders)


def _keyed_by(holder: Holder, inputs: Sequence[Input], first: int, last: int) -> str:
    # The newest keys are of the last iterations in which there were any; a set tells no order.
    rare = max(holder.growth_per_iteration, 1 / max(1, last - first))
    newest = last - first if holder.type == "set" else _NEWEST * max(1, len(inputs)) / rare
    found: list[Input] = []
    for key in holder.keys:
        numbers = (int(digits) for digits in _NUMBER.findall(key) if len(digits) < 19)
        # A count of entries lags behind the inputs that were sent: those are the newest.
        number = next((number for number in numbers if max(first, last - newest) <= number <= last), None)
        if number is None:
            return ""
        made_by = inputs[number % len(inputs)] if inputs else None
        if made_by is None or not made_by.parts:
            return ""
        if made_by not in found:
            found.append(made_by)
    return ", or ".join(f"{_listed(one.parts)} of {one.title}" for one in found)


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"
