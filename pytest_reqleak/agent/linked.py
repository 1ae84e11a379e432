"""Name what grows without any container that does: nodes that refer to each other.

A linked list, exceptions that are each other's cause, partial functions around partial
functions: each request adds a node, and the way from a name to the farthest of them
repeats itself thousands of times.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_reqleak.agent.heap import Chain
from pytest_reqleak.agent.identity import type_name
from pytest_reqleak.agent.paths import Path
from pytest_reqleak.model.finding import Holder

LEAST_LINKS = 64
"""Nothing that people build by hand is as deep."""

_LONGEST_PERIOD = 8
_MOST_LINKS = 30
_PARTS = (dict, list, tuple, types.CellType, types.FrameType)
# A list with names at both ends is met from both; and it must be the growth, not part of it.
_LEAST_SHARE = 0.25


def linked_holder(chain: Chain, growing: Mapping[str, float], iterations: int) -> Holder | None:
    """The holder of nodes that are linked by hand; None where the chain is no such list.

    Args:
        chain: To what is farthest from all roots.
        growing: Objects per iteration, by the full name of the type.
        iterations: Done since they were counted.

    Returns:
        Its path goes from the name to the first node and on to the second: `shop.LOG.first.next…`.
    """
    links = chain.links
    # Not at its end: what hangs on the last node may be deep, too.
    middle = len(links) // 2
    period = _period(links[middle - LEAST_LINKS // 4 : middle + LEAST_LINKS // 4])
    if period is None:
        return None
    begin = end = middle
    while begin > 0 and type(links[begin - 1]) is type(links[begin - 1 + period]):
        begin -= 1
    while end < len(links) and type(links[end]) is type(links[end - period]):
        end += 1
    nodes = list(links[begin : begin + period])
    # The dict of an instance or the arguments of a call are parts of a node.
    first = next((n for n, node in enumerate(nodes) if not _is_part(node)), 0)
    begin, nodes = begin + first, [*nodes[first:], *nodes[:first]]
    size = (end - begin) // period
    # The rarest part of a node says most about it: there is one in each.
    rates = {name: growing[name] for name in map(type_name, nodes) if growing.get(name, 0) > 0}
    rate = min(rates.values(), default=0.0)
    if rate <= 0 or size < _LEAST_SHARE * rate * iterations:
        return None
    to_second = Chain(root=chain.root, level=chain.level, links=links[: begin + period + 1])
    path = Path(to_second, reachable=True)
    name = type_name(nodes[0])
    return Holder(
        path=f"{path.text}…",
        type=name,
        growth_per_iteration=rate,
        size=size,
        entry=name,
        links=tuple(path.links[:_MOST_LINKS]),
    )


def _is_part(thing: Any) -> bool:
    return any(type(thing) is kind for kind in _PARTS)


def _period(links: Sequence[Any]) -> int | None:
    """After how many links the types of a chain repeat themselves."""
    for period in range(1, _LONGEST_PERIOD + 1):
        if all(type(links[n]) is type(links[n + period]) for n in range(len(links) - period)):
            return period
    return None
