"""When the entries of a container say that they end: `(time.monotonic() + 300, value)`.

A store whose entries live for some seconds grows, while they do, as a leak does. What it keeps
beside each of them tells how long somebody has to watch.

Reads numbers and dates that stand in an entry itself; runs no code of theirs.
"""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pytest_reqleak.agent.entries import newest_entries
from pytest_reqleak.agent.identity import inherits
from pytest_reqleak.agent.moments import parts_of

_LOOKED_AT = 20
"""So many entries in a row with a number that happens to lie just ahead of a clock are no chance."""

_MOST_AHEAD = 86_400.0
# No clock shows more, and a larger number may be too large for a float.
_MOST_SECONDS = 1 << 53
# Made one after the other, they end one after the other.
_SPREAD_SECONDS, _SPREAD_SHARE = 2.0, 0.5
# Prices and numbers of orders are as large as the seconds since the machine was started.
_STEADY_SPREAD_SECONDS = 4.0


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
    parts = [list(parts_of(entry).values()) for entry in entries]
    now = time.time()
    last = _last_of(_least_ahead(each, _wall_moments, now) for each in parts)
    if last is not None and last.spread <= max(_SPREAD_SECONDS, _SPREAD_SHARE * last.seconds):
        return last.seconds
    now = time.monotonic()
    last = _last_of(_least_ahead(each, _steady_moments, now) for each in parts)
    # No two were made at the same moment, to the microsecond.
    if last is not None and 0 < last.spread <= _STEADY_SPREAD_SECONDS:
        return last.seconds
    return 0.0


class _Last(NamedTuple):
    """The entry that ends last."""

    seconds: float
    spread: float
    """Seconds between the one that ends first and this one."""


def _last_of(ends: Iterable[float]) -> _Last | None:
    """Of the seconds until each entry ends; None where one of them says nothing."""
    found = list(ends)
    return _Last(max(found), max(found) - min(found)) if min(found) > 0 else None


def _least_ahead(
    parts: Sequence[Any], moments: Callable[[Sequence[Any]], Iterator[float]], now: float
) -> float:
    """Seconds until the first moment to come that stands in an entry; 0 where none does."""
    ahead = (moment - now for moment in moments(parts))
    return min((seconds for seconds in ahead if 0 < seconds <= _MOST_AHEAD), default=0.0)


def _wall_moments(parts: Sequence[Any]) -> Iterator[float]:
    """What may be seconds since 1970, or a date."""
    for part in parts:
        kind = type(part)
        if kind is float or (kind is int and -_MOST_SECONDS < part < _MOST_SECONDS):
            yield part
        elif kind is datetime.datetime and (part.tzinfo is None or type(part.tzinfo) is datetime.timezone):
            with contextlib.suppress(OverflowError, OSError, ValueError):
                yield part.timestamp()


def _steady_moments(parts: Sequence[Any]) -> Iterator[float]:
    """What may be a reading of the monotonic clock: no whole number, as most other figures are."""
    return (part for part in parts if type(part) is float and not part.is_integer())
