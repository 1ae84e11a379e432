"""The ways to the containers of a run as a tree: what they share is drawn once.

Knows names and steps; not what a container holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pytest_reqleak.model.finding import Holder
from pytest_reqleak.model.run import Run

# `shop.signing.SEEN['v1'].items` -> `shop.signing`, `SEEN`, `['v1']`, `.items`.
_STEP = re.compile(r"\.?[^.\[\]]+|\[[^\]]*\]?|.", re.DOTALL)


MOST_STEPS = 10
"""Of one way; a longer one is told in its last step, or a phone's width would not hold it."""


@dataclass(slots=True, kw_only=True)
class Branch:
    """One step on the way to a container."""

    label: str
    type: str = ""
    """Empty: not known, such as of a module."""
    holders: list[Holder] = field(default_factory=list)
    """The containers that this step leads to."""
    children: list[Branch] = field(default_factory=list)


def holder_tree(run: Run) -> list[Branch]:
    """The holders of a run, in their order, under the steps that lead to them."""
    roots: list[Branch] = []
    for holder in run.holders:
        level = roots
        branch: Branch | None = None
        for label, kind in _bounded(_steps(holder)):
            branch = next((known for known in level if (known.label, known.type) == (label, kind)), None)
            if branch is None:
                branch = Branch(label=label, type=kind)
                level.append(branch)
            level = branch.children
        if branch is not None:
            branch.holders.append(holder)
    return roots


def _steps(holder: Holder) -> list[tuple[str, str]]:
    """Each step with the type it leads to; at least one."""
    if holder.links:
        first, *rest = holder.links
        module, _, name = first.step.rpartition(".") if _is_dotted(first.step) else ("", "", first.step)
        steps = [(module, "")] if module else []
        return [*steps, (name, first.type), *((link.step, link.type) for link in rest)]
    parts = _STEP.findall(holder.path) or [holder.path]
    names = 0
    while names < len(parts) and _is_dotted(parts[names].lstrip(".")):
        names += 1
    if names > 1:
        parts = ["".join(parts[: names - 1]), parts[names - 1].lstrip("."), *parts[names:]]
    return [(part, holder.type if n == len(parts) - 1 else "") for n, part in enumerate(parts)]


def _bounded(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(steps) <= MOST_STEPS:
        return steps
    rest = steps[MOST_STEPS - 1 :]
    return [*steps[: MOST_STEPS - 1], ("".join(label for label, _ in rest), rest[-1][1])]


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
