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
from typing import Any

from pytest_reqleak.agent.identity import inherits, type_name
from pytest_reqleak.agent.sizes import LRU_WRAPPER
from pytest_reqleak.model.finding import TypeGrowth

_MOST_ENTRIES = 50
_MOST_PARTS = 500
_SHARED = (type, types.ModuleType, types.FunctionType, types.CodeType)
# References that this file itself holds to an object while it counts them: a list, a variable, an argument.
_OURS = 3


def newest_entries(container: Any, most: int) -> list[Any]:
    """Up to `most` of what was added last; of a set, any."""
    if inherits(container, dict):
        pairs = list(itertools.islice(reversed(dict.items(container)), most))
        return [part for pair in pairs for part in pair]
    if inherits(container, list):
        found: list[Any] = list.__getitem__(container, slice(-most, None))
        return found
    if inherits(container, collections.deque):
        return list(itertools.islice(collections.deque.__reversed__(container), most))
    if inherits(container, set):
        return list(itertools.islice(set.__iter__(container), most))
    return []


def entry_types(container: Any, growth: int, iterations: int) -> tuple[TypeGrowth, ...]:
    """Types of untracked objects that one iteration adds to the container, the most numerous first.

    Only what nobody else refers to is counted: a key that all entries share
    is no growth.

    Args:
        container: What grows.
        growth: Entries added since the mark.
        iterations: Done since the mark.
    """
    if type(container) is LRU_WRAPPER:
        inner = [part for part in gc.get_referents(container) if type(part) is dict]
        container = max(inner, key=dict.__len__, default=container)
    n_entries = min(growth, _MOST_ENTRIES)
    found: Counter[str] = Counter()
    seen: set[int] = set()
    level = newest_entries(container, n_entries)
    # A dict hands out keys and values.
    n_entries = max(1, len(level) // 2 if inherits(container, dict) else len(level))
    while level and len(seen) < _MOST_PARTS * _MOST_ENTRIES:
        inner_level: list[Any] = []
        for part in level:
            address = id(part)
            if address in seen or any(inherits(part, kind) for kind in _SHARED):
                continue
            seen.add(address)
            # The container's own reference, and one more for what is key and field at once.
            if sys.getrefcount(part) > _OURS + 2:
                continue
            if not gc.is_tracked(part):
                found[type_name(part)] += 1
            inner_level.extend(gc.get_referents(part))
        level = inner_level if len(inner_level) < _MOST_PARTS * n_entries else []
    rate = growth / iterations / n_entries
    return tuple(
        TypeGrowth(type=name, per_iteration=count * rate)
        for name, count in found.most_common(8)
        if count >= n_entries / 10
    )
