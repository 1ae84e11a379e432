"""Find the moments that entries carry: when they were made, or when they end.

A number is taken for a moment where all of the newest entries have one at the same place, and all
of them lie close to what a clock shows now.

Reads numbers and dates that stand in an entry itself; runs no code of theirs.
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Union

from pytest_reqleak.agent.identity import fields, inherits, instance_dict

_MOST_PARTS = 16

Place = Any
"""Where in an entry a part stands: an index, a key, the name of an attribute; None: the entry itself."""

EACH = "each of the parts"
"""A place: an entry is itself a row, as of the times at which one client came."""

PAST_SECONDS, AHEAD_SECONDS = 60.0, 86_400.0
"""The newest entries are those of the last requests; a search for holders may have come after them."""

# Made one after the other, with lives that may differ by a half.
_SPREAD_SECONDS, _SPREAD_SHARE = 4.0, 0.5


class Clock(NamedTuple):
    """What counts time, and in which units; dates are read by a clock of their own."""

    now: Callable[[], float]
    per_second: float
    steady: bool = False
    """Whether it counts from the start of the machine: prices and numbers of orders are as large, so no
    whole number of seconds is one of its readings, and no two are the same."""
    dates: bool = False

    def ahead(self, value: Any, now: float) -> float | None:
        """How many seconds a reading is ahead of another, negative: past; None where it is no reading."""
        kind = type(value)
        if self.dates:
            return _date_ahead(value, now) if kind is datetime.datetime else None
        if kind is not float and (kind is not int or (self.steady and self.per_second == 1)):
            return None
        if kind is float and (value != value or (self.steady and value.is_integer())):
            return None
        # An integer may be too large for a float.
        if not -_MOST_READING < value < _MOST_READING:
            return None
        ahead: float = value / self.per_second - now
        return ahead

    def moved(self, value: Any, seconds: float) -> Any:
        """The reading so many seconds before; `value` itself where it is none of about now."""
        ahead = self.ahead(value, self.now())
        if ahead is None or not abs(ahead) <= AHEAD_SECONDS:
            return value
        if self.dates:
            return value - datetime.timedelta(seconds=seconds)
        return type(value)(value - seconds * self.per_second)


Places = dict[Place, Union[Clock, "Places"]]
"""Where in each entry of a container moments stand: of which clock, or at which places in a row."""

# Nanoseconds since 1970, and room for as long again.
_MOST_READING = 1 << 63

_CLOCKS = (
    Clock(time.time, 1.0),
    Clock(time.time, 1e3),
    Clock(time.time, 1e9),
    Clock(time.time, 1.0, dates=True),
    Clock(time.monotonic, 1.0, steady=True),
    Clock(time.perf_counter, 1.0, steady=True),
    Clock(time.monotonic, 1e9, steady=True),
)


def parts_of(entry: Any) -> dict[Place, Any]:
    """What stands in an entry, by its place; at most 16 parts."""
    kind = type(entry)
    if kind is float or kind is int or kind is datetime.datetime:
        return {None: entry}
    if inherits(entry, tuple):
        return dict(enumerate(itertools.islice(tuple.__iter__(entry), _MOST_PARTS)))
    if kind is list:
        return dict(enumerate(itertools.islice(entry, _MOST_PARTS)))
    if inherits(entry, dict):
        pairs = itertools.islice(dict.items(entry), _MOST_PARTS)
        # A key of another type would run its own code when it is hashed: nothing else has its place.
        return {key if type(key) is str or type(key) is int else object(): value for key, value in pairs}
    own = instance_dict(entry)
    return dict(itertools.islice(dict.items(own) if own is not None else fields(entry), _MOST_PARTS))


def moments_of(entries: Sequence[Any], *, rows: bool = True) -> Places:
    """At which places all of some entries carry a moment, and of which clock.

    Args:
        entries: The newest ones of a container, at least two.
        rows: Whether they may be lists of what carries moments.
    """
    if rows and all((type(entry) is list or type(entry) is collections.deque) and entry for entry in entries):
        inside = moments_of([row[-1] for row in entries], rows=False) or moments_of(
            [row[0] for row in entries], rows=False
        )
        if inside:
            return {EACH: inside}
    found: Places = {}
    several = [parts_of(entry) for entry in entries]
    for place in several[0]:
        values = [parts[place] for parts in several if place in parts]
        clock = clock_of(values) if len(values) == len(several) else None
        if clock is not None:
            found[place] = clock
    return found


def clock_of(values: Sequence[Any]) -> Clock | None:
    """The clock that all of some values are readings of; None where there is none."""
    for clock in _CLOCKS:
        now = clock.now()
        ahead = [clock.ahead(value, now) for value in values]
        known = [seconds for seconds in ahead if seconds is not None]
        if len(known) < len(ahead) or not -PAST_SECONDS <= min(known) <= max(known) <= AHEAD_SECONDS:
            continue
        spread = max(known) - min(known)
        most = _SPREAD_SECONDS if clock.steady else max(_SPREAD_SECONDS, _SPREAD_SHARE * max(known))
        if spread <= most and (spread > 0 or not clock.steady or len(values) == 1):
            return clock
    return None


def _date_ahead(date: datetime.datetime, now: float) -> float | None:
    if date.tzinfo is not None and type(date.tzinfo) is not datetime.timezone:
        return None
    with contextlib.suppress(OverflowError, OSError, ValueError):
        ahead = date.timestamp() - now
        if date.tzinfo is None:
            # What `utcnow` made has no zone, and looks like local time.
            ahead = min(ahead, date.replace(tzinfo=datetime.timezone.utc).timestamp() - now, key=abs)
        return ahead
    return None
