"""The most entries a container will ever hold, where it knows.

A cache that has room left grows like a leak until it is full; whoever reads
the report must know which it is. A wrong bound hides nothing: the run fills the
cache up and measures again.
"""

from __future__ import annotations

import collections
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from pytest_reqleak.agent.identity import (
    field,
    fields,
    home_of,
    inherits,
    instance_dict,
    module_dict,
    mro,
)
from pytest_reqleak.agent.sizes import LRU_WRAPPER, is_table_of, sizer_of, wrapper_info

_deque_maxlen = collections.deque.__dict__["maxlen"].__get__


def _number(value: object) -> int | None:
    if type(value) is int and value > 0:
        return value
    if type(value) is float and 0 < value < sys.maxsize:
        return int(value)
    return None


def _field(name: str) -> Callable[[Any], int | None]:
    return lambda owner: _number(field(owner, name))


def _cachetools(owner: Any) -> int | None:
    # With a getsizeof of its own, maxsize is not in entries.
    sizes = field(owner, "_Cache__size")
    if sizes is not None and type(sizes) is dict:
        return None
    return _number(field(owner, "_Cache__maxsize"))


def _sqlalchemy(owner: Any) -> int | None:
    capacity, slack = _number(field(owner, "capacity")), field(owner, "threshold")
    if capacity is None:
        return None
    # It is cut back to its capacity only when it exceeds it by that share.
    return int(capacity * (1 + slack)) if type(slack) is float else capacity


_BY_OWNER: dict[tuple[str, str], Callable[[Any], int | None]] = {
    ("queue", "Queue"): _field("maxsize"),
    ("asyncio.queues", "Queue"): _field("_maxsize"),
    ("cachetools", "Cache"): _cachetools,
    ("sqlalchemy.util._collections", "LRUCache"): _sqlalchemy,
    ("jinja2.utils", "LRUCache"): _field("capacity"),
    ("pydantic.generics", "LimitedDict"): _field("size_limit"),
    ("pydantic._internal._generics", "LimitedDict"): _field("size_limit"),
    ("cachelib.simple", "SimpleCache"): _field("_threshold"),
    ("django.core.cache.backends.locmem", "LocMemCache"): _field("_max_entries"),
    ("urllib3._collections", "RecentlyUsedContainer"): _field("_maxsize"),
    ("boltons.cacheutils", "LRI"): _field("max_size"),
    ("expiringdict", "ExpiringDict"): _field("max_len"),
    ("async_lru", "_LRUCacheWrapper"): _field("_LRUCacheWrapper__maxsize"),
}

# What people call the limit of a cache of their own, leading underscores left out.
_LIMITS = frozenset(
    {
        "capacity",
        "limit",
        "max_entries",
        "max_items",
        "max_len",
        "max_length",
        "max_size",
        "maxentries",
        "maxitems",
        "maxlen",
        "maxsize",
        "size_limit",
    }
)

# A larger limit would not be reached within a run, and a name is no proof.
_MOST_GUESSED = 20_000

# Module globals with a limit that stands in the code beside them.
_BY_NAME: dict[tuple[str, str], str | int] = {
    ("re", "_cache"): "_MAXCACHE",
    ("re", "_cache2"): "_MAXCACHE2",
    ("sre_compile", "_cache"): "_MAXCACHE",
    ("_strptime", "_regex_cache"): "_CACHE_MAX_SIZE",
    ("urllib.parse", "_parse_cache"): "MAX_CACHE_SIZE",
}


def bound_of(container: Any, owners: Sequence[Any]) -> int | None:
    """The maximum of a container, told by itself, by who owns it, or by its place in the stdlib.

    Args:
        container: What grows.
        owners: The objects on the path before it, nearest first; two are enough,
            an instance and its dict.
    """
    if inherits(container, LRU_WRAPPER):
        return wrapper_info(container)[2]
    if inherits(container, collections.deque):
        limit = _deque_maxlen(container)
        if type(limit) is int:
            return limit
    for owner in (container, *owners[:2]):
        if inherits(owner, LRU_WRAPPER):
            return wrapper_info(owner)[2] if is_table_of(container, owner) else None
        for base in mro(type(owner)):
            home = home_of(base)
            rule = _BY_OWNER.get(home) if home is not None else None
            if rule is not None:
                return rule(owner)
    limit = _bound_by_name(container)
    return limit if limit is not None else _bound_by_custom(container, owners)


def _bound_by_custom(container: Any, owners: Sequence[Any]) -> int | None:
    """The limit that a cache of the user's own keeps beside its entries.

    Believed only while there is room: whoever fills it up sees whether it keeps
    to that limit, and what has more entries never did.
    """
    sizer = sizer_of(type(container))
    if sizer is None:
        return None
    for owner in (container, *owners[:2]):
        own = instance_dict(owner) if type(owner) is not dict else None
        names = [*(own or {}).items(), *(fields(owner) if type(owner) is not dict else ())]
        limits = {
            limit
            for name, value in names
            if type(name) is str and name.strip("_") in _LIMITS and (limit := _number(value)) is not None
        }
        if len(limits) == 1:
            limit = limits.pop()
            return limit if sizer(container) <= limit <= _MOST_GUESSED else None
    return None


def _bound_by_name(container: Any) -> int | None:
    for (module_name, name), limit in _BY_NAME.items():
        module = sys.modules.get(module_name)
        names = module_dict(module) if type(module) is types.ModuleType else None
        if names is not None and names.get(name) is container:
            return _number(names.get(limit)) if isinstance(limit, str) else limit
    return None
