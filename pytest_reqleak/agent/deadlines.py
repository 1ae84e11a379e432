"""When the entries of a container say that they end: `(time.monotonic() + 300, value)`.

A store whose entries live for some seconds grows, while they do, as a leak does. What it keeps
beside each of them tells how long somebody has to watch.

Reads numbers and dates that stand in an entry itself; runs no code of theirs.
"""

from __future__ import annotations

import datetime
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_reqleak.agent.entries import newest_entries
from pytest_reqleak.agent.identity import fields, inherits, instance_dict

_LOOKED_AT = 20
"""So many entries in a row with a number that happens to lie just ahead of a clock are no chance."""

_MOST_PARTS = 16
_MOST_AHEAD = 86_400.0
# No clock shows more, and a larger number may be too large for a float.
_MOST_SECONDS = 1 << 53
# Made one after the other, they end one after the other.
_SPREAD_SECONDS, _SPREAD_SHARE = 2.0, 0.5


def seconds_ahead(container: Any) -> float:
    """How far ahead of now the newest entries of a container say that they end, in seconds.

    Args:
        container: A dict, whose values are looked at, a list or a deque.

    Returns:
        That of the one that ends last; 0 where one of them says nothing, or is over.
    """
    entries = newest_entries(container, _LOOKED_AT)
    if inherits(container, dict):
        entries = entries[1::2]
    if len(entries) < _LOOKED_AT:
        return 0.0
    clocks = (time.monotonic(), time.time())
    found = [min(_ahead(_parts(entry), clocks), default=0.0) for entry in entries]
    first, last = min(found), max(found)
    return last if first > 0 and last - first <= max(_SPREAD_SECONDS, _SPREAD_SHARE * last) else 0.0


def _parts(entry: Any) -> list[Any]:
    """An entry, and what stands in it."""
    kind = type(entry)
    if kind is tuple or kind is list:
        return list(itertools.islice(entry, _MOST_PARTS))
    if kind is dict:
        return list(itertools.islice(dict.values(entry), _MOST_PARTS))
    if kind is float or kind is int or kind is datetime.datetime:
        return [entry]
    own = instance_dict(entry)
    values = dict.values(own) if own is not None else (value for _, value in fields(entry))
    return list(itertools.islice(values, _MOST_PARTS))


def _ahead(parts: Sequence[Any], clocks: Sequence[float]) -> Iterator[float]:
    for part in parts:
        kind = type(part)
        if kind is float or (kind is int and -_MOST_SECONDS < part < _MOST_SECONDS):
            moments = [part - clock for clock in clocks]
        elif kind is datetime.datetime and (part.tzinfo is None or type(part.tzinfo) is datetime.timezone):
            try:
                moments = [part.timestamp() - time.time()]
            except (OverflowError, OSError, ValueError):
                continue
        else:
            continue
        yield from (seconds for seconds in moments if 0 < seconds <= _MOST_AHEAD)
