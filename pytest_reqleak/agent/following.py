"""Find what stands at a place again, where it is replaced all the time: `HOOKS = [*HOOKS, hook]`.

A container that is made anew with each entry grows in no object that lives on; what
grows is whatever its path leads to. Follows `identity`'s rules: of a dict only keys
are looked up whose hash is the interpreter's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from pytest_reqleak.agent.identity import class_dict, fields, inherits, instance_dict

Edge = Callable[[Any], Any]

_PLAIN_KEYS = (str, bytes, int)


def follower(links: Sequence[Any]) -> Callable[[], Any] | None:
    """A function that goes the way from the first of some objects to the last once more.

    Args:
        links: Each refers to the next one; the first is kept.

    Returns:
        It gives None where the way has ended. None itself: one of the links is none that
        can be gone again.
    """
    edges = [_edge(parent, child) for parent, child in pairwise(links)]
    if not all(edges):
        return None
    first = links[0]

    def follow() -> Any:
        thing = first
        for edge in edges:
            if thing is None or edge is None:
                return None
            thing = edge(thing)
        return thing

    return follow


def _edge(parent: Any, child: Any) -> Edge | None:
    if inherits(parent, dict):
        return _key_of(parent, child)
    for base in (list, tuple):
        if inherits(parent, base):
            places = (n for n, one in enumerate(base.__iter__(parent)) if one is child)
            return _place(base, next(places, -1))
    if inherits(parent, type) and type(child) is dict:
        # The dict of a class cannot be asked for; a copy leads to the same things.
        return lambda thing: dict(class_dict(thing)) if inherits(thing, type) else None
    own = instance_dict(parent)
    if own is child:
        return instance_dict
    if own is not None:
        edge = _key_of(own, child)
        if edge is not None:
            return lambda thing: edge(instance_dict(thing) or {})
    name = next((name for name, value in fields(parent) if value is child), None)
    return None if name is None else lambda thing: dict(fields(thing)).get(name)


def _key_of(parent: Any, child: Any) -> Edge | None:
    for key, value in list(dict.items(parent)):
        if value is child and any(type(key) is kind for kind in _PLAIN_KEYS):
            return lambda thing, key=key: dict.get(thing, key) if inherits(thing, dict) else None  # type: ignore[misc]
    return None


def _place(base: Any, place: int) -> Edge | None:
    def edge(thing: Any) -> Any:
        if not inherits(thing, base) or place >= base.__len__(thing):
            return None
        return base.__getitem__(thing, place)

    return edge if place >= 0 else None
