"""What the newest entries of a growing container are made of.

The collector lists only objects that can take part in cycles; text, bytes,
numbers and dicts of them are found here, by looking into a few entries.
"""

from __future__ import annotations

import collections
import gc
import itertools
import sys
import types
from collections import Counter
from collections.abc import Callable
from typing import Any

from pytest_reqleak.agent.identity import inherits, key_text, type_name
from pytest_reqleak.agent.sizes import LRU_WRAPPER, SIMPLE_QUEUE
from pytest_reqleak.model.finding import TypeGrowth

_MOST_ENTRIES = 50
_MOST_PARTS = 20_000
_SHARED = (type, types.ModuleType, types.FunctionType, types.CodeType)
# References that this file itself holds to an object while it counts them: a table, an argument.
_OURS = 2
# Whose size is their own business; of others nothing is asked.
_PLAIN = (str, bytes, bytearray, int, float, complex, tuple, list, dict, set, frozenset, collections.deque)
_basic_size_of: Callable[[type], int] = type.__dict__["__basicsize__"].__get__


def newest_entries(container: Any, most: int) -> list[Any]:
    """Up to `most` of what was added last; of a set, any."""
    if inherits(container, dict):
        pairs = list(itertools.islice(reversed(dict.items(container)), most))
        return [part for pair in pairs for part in pair]
    if inherits(container, list):
        found: list[Any] = list.__getitem__(container, slice(-most, None))
        return found
    if inherits(container, tuple):
        return list(tuple.__getitem__(container, slice(-most, None)))
    if type(container) is SIMPLE_QUEUE:
        # It keeps a list, and counts what was taken from its beginning.
        waiting = [part for part in gc.get_referents(container) if type(part) is list]
        return waiting[0][-most:] if waiting else []
    if inherits(container, collections.deque):
        return list(itertools.islice(collections.deque.__reversed__(container), most))
    if inherits(container, set):
        return list(itertools.islice(set.__iter__(container), most))
    return []


def entry_types(container: Any, growth: int, iterations: int) -> tuple[TypeGrowth, ...]:
    """Types of untracked objects that one iteration adds to the container, the most numerous first.

    Only what hangs on the entries alone is counted: a key that all entries share, or
    the app that a kept closure leads to, is no growth.

    Args:
        container: What grows.
        growth: Entries added since the mark.
        iterations: Done since the mark.
    """
    container = _inside(container)
    entries = newest_entries(container, min(growth, _MOST_ENTRIES))
    # A dict hands out keys and values.
    n_entries = max(1, len(entries) // 2 if inherits(container, dict) else len(entries))
    found: Counter[str] = Counter()
    for part in _owned_by(entries):
        if not gc.is_tracked(part):
            found[type_name(part)] += 1
    rate = growth / iterations / n_entries
    return tuple(
        TypeGrowth(type=name, per_iteration=count * rate)
        for name, count in found.most_common(8)
        if count >= n_entries / 10
    )


def size_per_entry(container: Any, growth: int) -> tuple[float, float]:
    """Objects that one entry of a container consists of, and the bytes that they take, on average.

    Args:
        container: What grows.
        growth: Entries added since the mark.
    """
    container = _inside(container)
    entries = newest_entries(container, min(growth, _MOST_ENTRIES))
    n_entries = max(1, len(entries) // 2 if inherits(container, dict) else len(entries))
    owned = _owned_by(entries)
    return len(owned) / n_entries, sum(map(_size_of, owned)) / n_entries


def _size_of(thing: Any) -> int:
    """Bytes of an object, without asking it; of one of another type its fields alone."""
    kind = type(thing)
    if any(kind is plain for plain in _PLAIN):
        return sys.getsizeof(thing)
    return _basic_size_of(kind)


def _owned_by(entries: list[Any]) -> list[Any]:
    """The objects that would die with some entries of a container, as far as references tell."""
    # Each reference that the container holds, and each from one object of the closure to another.
    known: Counter[int] = Counter(map(id, entries))
    closure: dict[int, Any] = {}
    shared_kinds: dict[int, bool] = {}
    level = entries
    while level and len(closure) < _MOST_PARTS:
        deeper: list[Any] = []
        for part in level:
            if id(part) in closure:
                continue
            key = id(type(part))
            if key not in shared_kinds:
                shared_kinds[key] = any(inherits(part, kind) for kind in _SHARED)
            if shared_kinds[key]:
                continue
            closure[id(part)] = part
            children = gc.get_referents(part)
            known.update(map(id, children))
            deeper += children
        level = deeper
    # A level that was not looked into any more holds what may have other owners.
    level, deeper, children, part = [], [], [], None
    entries.clear()
    shared = [key for key in closure if sys.getrefcount(closure[key]) - _OURS > known[key]]
    while shared:
        thing = closure.pop(shared.pop(), None)
        if thing is None:
            continue
        for child in gc.get_referents(thing):
            key = id(child)
            if key in closure:
                known[key] -= 1
                shared.append(key)
    return list(closure.values())


_COMPARED, _SHARED_ENTRIES = 20, 5
# Where two containers hold the same number or flag, that says nothing.
_VALUES = (bool, int, float, type(None))


def shares_entries(one: Any, other: Any) -> bool:
    """Whether the newest entries of two containers are the same objects: one is an index of the other."""
    known = {id(entry) for entry in _compared(one) if not any(inherits(entry, kind) for kind in _VALUES)}
    return len(known.intersection(map(id, _compared(other)))) >= _SHARED_ENTRIES


def _compared(container: Any) -> list[Any]:
    if type(container) is LRU_WRAPPER:
        # Its keys and results, in no order that is of use.
        return gc.get_referents(container)
    return newest_entries(container, _COMPARED)


_MOST_KEYS = 3


def entry_name(container: Any) -> str:
    """The type of what was added last, most often; of a mapping, of its values."""
    container = _inside(container)
    entries = newest_entries(container, _MOST_KEYS)
    if inherits(container, dict):
        entries = entries[1::2]
    names = Counter(type_name(entry) for entry in entries)
    return names.most_common(1)[0][0] if names else ""


def newest_keys(container: Any) -> tuple[str, ...]:
    """A few of the newest keys of a mapping or members of a set, as text; others have none."""
    container = _inside(container)
    if inherits(container, dict):
        keys = newest_entries(container, _MOST_KEYS)[0::2]
    elif inherits(container, set):
        keys = newest_entries(container, _MOST_KEYS)
    else:
        return ()
    return tuple(key_text(_arguments(key)) for key in keys)


def _inside(container: Any) -> Any:
    if type(container) is not LRU_WRAPPER:
        return container
    inner = [part for part in gc.get_referents(container) if type(part) is dict]
    return max(inner, key=dict.__len__, default=container)


def _arguments(key: Any) -> Any:
    """What a function was called with, of the key that `functools` has made of it."""
    if inherits(key, list) and type(key) is not list:
        return tuple(list.__iter__(key))
    return key
