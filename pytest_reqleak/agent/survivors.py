"""What keeps objects alive where no container grows: a chain of them, or native code.

A linked list, an exception that collects contexts or a C extension that forgets
a reference make memory grow without any list or dict that does. Then the newest
object of a type that grows is asked for: which name leads to it, or what is the
last object on the way that Python can see.
"""

from __future__ import annotations

import gc
import itertools
import re
import sys
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pytest_reqleak.agent.heap import Chain
from pytest_reqleak.agent.identity import home_of, type_name
from pytest_reqleak.agent.paths import Path
from pytest_reqleak.agent.roots import harness_module
from pytest_reqleak.model.finding import Holder

Find = Callable[[Sequence[Any]], Mapping[int, Chain]]

_MOST_TYPES, _MOST_OF_A_TYPE = 3, 8
_MOST_CLIMB = 6
_MOST_REFERRERS = 200
# A step that is repeated so often is written once.
_REPEATED = re.compile(r"((?:\.\w+|\[[^\]]*\]| -> [\w ]+?))\1{3,}")
# Nobody's class: an instance says nothing about whose it is.
_PLAIN = ("tuple", "list", "dict", "set", "cell", "function", "method", "frame", "traceback", "module")


def survivor_holders(growing: Mapping[str, float], find: Find, iterations: int) -> list[Holder]:
    """Name what keeps the newest objects of the growing types.

    Args:
        growing: Objects per iteration, by the full name of the type.
        find: Finds chains from roots to objects.
        iterations: Done since they were counted.

    Returns:
        At most three holders: chains that a name leads to, or a native end.
    """
    newest, sizes = _some_of(growing)
    if not newest:
        return []
    chains = find([thing for things in newest.values() for thing in things])
    found: list[Holder] = []
    for name, things in newest.items():
        ways = [chains[id(thing)] for thing in things if id(thing) in chains]
        chain = min(ways, key=lambda chain: len(chain.links), default=None)
        # Some of a type are always held by somebody: that says nothing about those that pile up.
        if chain is not None and 2 * len(ways) >= len(things):
            if any(_is_harness(link) for link in chain.links):
                continue
            path = Path(chain)
            found.append(
                Holder(
                    path=shortened(path.text),
                    type=name,
                    growth_per_iteration=growing[name],
                    size=sizes[name],
                    entry=name,
                    links=tuple(path.links[:20]),
                )
            )
    if found:
        return found[:_MOST_TYPES]
    # The search has left lists of objects behind, in frames that only a collection frees.
    chains = {}
    gc.collect(1)
    for name in list(newest):
        top = last_visible(newest[name][0], ours={id(newest), *map(id, newest.values())})
        if top is not None:
            return [
                Holder(
                    path=f"native code that refers to {_article(type_name(top))}",
                    type=type_name(top),
                    growth_per_iteration=growing[name],
                    size=sizes[name],
                    entry=name,
                    ends_in=type_name(top),
                )
            ]
    return []


def shortened(path: str) -> str:
    """`HEAD.next.next.next.next.next` as `HEAD.next (5 times)`."""
    return _REPEATED.sub(lambda match: f"{match[1]} ({len(match[0]) // len(match[1])} times)", path)


def last_visible(thing: Any, *, ours: Collection[int] = ()) -> Any:
    """The object at the top of the references to another, where something else than Python refers to it.

    Args:
        thing: Where to begin.
        ours: Ids of what refers to it on our own account.

    Returns:
        None where a frame or a name leads there, or too many objects do.
    """
    hidden = {id(sys._getframe()), *ours}
    for _ in range(_MOST_CLIMB):
        referrers = [one for one in gc.get_referrers(thing) if id(one) not in hidden]
        referrers = [one for one in referrers if type(one) is not types.FrameType and not _is_table(one)]
        if not referrers:
            return thing
        if len(referrers) > _MOST_REFERRERS or any(home_of(one) is not None for one in referrers):
            return None
        thing = referrers[0]
        hidden.add(id(referrers))
    return None


def _is_table(thing: Any) -> bool:
    """Whether it is one of the lists or dicts that this file itself works with."""
    return type(thing) is list and len(thing) > _MOST_REFERRERS


def _some_of(growing: Mapping[str, float]) -> tuple[dict[str, list[Any]], dict[str, int]]:
    """Some objects of each growing type, somebody's own classes first, and how many there are.

    The order in which the collector lists objects says little about their age, so
    some are taken from all over.
    """
    # Of what everything is made of, hardly any object is one of those that pile up.
    telling = [name for name in growing if name.rpartition(".")[2] not in _PLAIN]
    wanted = sorted(telling, key=lambda name: -growing[name])
    names: dict[int, str] = {}
    found: dict[str, list[Any]] = {name: [] for name in wanted}
    for thing in gc.get_objects():
        kind = type(thing)
        name = names.get(id(kind))
        if name is None:
            name = names[id(kind)] = type_name(thing)
        if name in found and not _is_harness(thing):
            found[name].append(thing)
    sizes = {name: len(things) for name, things in found.items()}
    some = {
        name: [*things[-1:], *things[:1], *things[:: max(1, len(things) // _MOST_OF_A_TYPE)]]
        for name, things in found.items()
        # Texts and numbers grow too, but the collector lists none of them.
        if things
    }
    return dict(itertools.islice(some.items(), _MOST_TYPES)), sizes


def _is_harness(thing: object) -> bool:
    home = home_of(thing if home_of(thing) is not None else type(thing))
    return home is not None and harness_module(home[0])


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
