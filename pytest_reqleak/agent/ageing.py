"""Make what a container holds older than it is, so that the app may take it out.

A session store, a sliding window, a cache with a time to live: while they fill they grow as a leak
does, and nobody waits for an hour to see them emptied. Beside each entry stands a moment: when it was
made, or when it ends. With that moved back the entry is old: an app that looks at its age removes it
with the next requests, and one that does not keeps it.

Changes numbers and dates of the app's own, and puts them back; of theirs it runs no code but the
hashes of keys.
"""

from __future__ import annotations

import asyncio
import collections
import types
from collections.abc import Callable, Sequence
from typing import Any

from pytest_reqleak.agent.gauges import Get
from pytest_reqleak.agent.identity import class_dict, inherits, instance_dict, mro
from pytest_reqleak.agent.moments import EACH, Clock, Place, Places, clock_of, moments_of, parts_of

_LOOKED_AT = 20
"""So many entries in a row with a moment at the same place are no chance."""

# To make them older takes 0.3 s.
_MOST_ENTRIES = 300_000
# Beside a store stands the moment of its last sweep, and little else.
_MOST_NAMES = 1000
_SHORT = 2


def ageing_of(way: Get, namespaces: Sequence[dict[Any, Any]] = ()) -> Ageing | None:
    """Look whether the newest entries of a container carry moments.

    Args:
        way: To the container.
        namespaces: Where moments beside it may stand, such as that of the last sweep.

    Returns:
        None where they carry none.
    """
    entries = _entries(way())
    # A loop's timers would go off: its own deadlines are among them, and those of connections.
    timers = entries and inherits(entries[-1], asyncio.TimerHandle)
    if not _LOOKED_AT <= len(entries) <= _MOST_ENTRIES or timers:
        return None
    # Some put what is new at the beginning.
    places = moments_of(entries[-_LOOKED_AT:]) or moments_of(entries[:_LOOKED_AT])
    return (
        Ageing(way, places, [names for names in namespaces if len(names) <= _MOST_NAMES]) if places else None
    )


class Ageing:
    """Makes the entries of one container older, and young again.

    Args:
        get: Goes to it: a dict, a list or a deque, which the app may replace.
        places: Where in an entry moments stand, and of which clock.
        namespaces: Names beside the container.
    """

    def __init__(self, get: Get, places: Places, namespaces: Sequence[dict[Any, Any]]) -> None:
        self._get = get
        self._places = places
        self._namespaces = namespaces
        # By the id of an entry as it is now: itself, and what it was.
        self._older: dict[int, tuple[Any, Any]] = {}
        self._undo: list[Callable[[], object]] = []

    def age(self, seconds: float) -> int:
        """Move the moments of all entries, and those beside the container, back.

        Args:
            seconds: By how much.

        Returns:
            How many entries are older now.
        """
        self.restore()

        def aged(entry: Any) -> Any:
            older = self._aged(entry, self._places, seconds)
            self._older[id(older)] = (older, entry)
            return older

        _replace(self._get(), aged)
        for names in self._namespaces:
            self._age_names(names, seconds)
        return len(self._older)

    def left(self) -> int:
        """How many of the entries that were made older are there still."""
        older, container = self._older, self._get()
        if container is None:
            # Nobody knows where they are.
            return len(older)
        return sum(id(entry) in older for entry in _entries(container))

    def restore(self) -> int:
        """Give their moments back to those that are left, and tell how many these are."""
        left, older = self.left(), self._older
        if left:
            _replace(self._get(), lambda entry: older[id(entry)][1] if id(entry) in older else entry)
        for undo in self._undo:
            undo()
        # Whatever was taken out has lived on in here.
        self._older, self._undo = {}, []
        return left

    def _aged(self, entry: Any, places: Places, seconds: float) -> Any:
        """The entry with its moments moved: itself where it can be changed, else one in its place."""
        row = places.get(EACH)
        if type(row) is dict:
            self._age_row(entry, row, seconds)
            return entry
        clocks = {place: clock for place, clock in places.items() if type(clock) is Clock}
        if None in clocks:
            return clocks[None].moved(entry, seconds)
        if inherits(entry, tuple):
            parts = list(tuple.__iter__(entry))
            for place, clock in clocks.items():
                if place < len(parts):
                    parts[place] = clock.moved(parts[place], seconds)
            return tuple.__new__(type(entry), parts)
        known = parts_of(entry)
        for place in clocks.keys() & known.keys():
            self._move(entry, place, clocks[place], seconds)
        return entry

    def _age_row(self, row: Any, places: Places, seconds: float) -> None:
        was = {}

        def aged(part: Any) -> Any:
            older = self._aged(part, places, seconds)
            was[id(older)] = (older, part)
            return older

        _replace(row, aged)
        self._undo.append(lambda: _replace(row, lambda part: was[id(part)][1] if id(part) in was else part))

    def _move(self, owner: Any, place: Place, clock: Clock, seconds: float) -> None:
        """Move what stands at a place of something that can be changed."""
        read, write = _access(owner, place)
        value = read()
        moved = clock.moved(value, seconds)
        if moved is not value:
            write(moved)
            # What the app has set meanwhile is its own.
            self._undo.append(lambda: write(value) if read() is moved else None)

    def _age_names(self, names: dict[Any, Any], seconds: float) -> None:
        for name, value in list(dict.items(names)):
            places: list[tuple[Any, Place, Any]] = [(names, name, value)]
            if type(value) is list and len(value) <= _SHORT:
                places = [(value, place, part) for place, part in enumerate(value)]
            for owner, place, part in places:
                clock = clock_of([part])
                if clock is not None:
                    self._move(owner, place, clock, seconds)


def _access(owner: Any, place: Place) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """How to read and to write a place of a dict, a list or an instance."""
    kind = type(owner)
    if kind is list:
        return lambda: owner[place], lambda value: owner.__setitem__(place, value)
    names = owner if inherits(owner, dict) else instance_dict(owner)
    if names is not None:
        return lambda: dict.get(names, place), lambda value: dict.__setitem__(names, place, value)
    members = (class_dict(base).get(place) for base in mro(kind))
    member = next((one for one in members if type(one) is types.MemberDescriptorType), None)
    if member is None:
        return lambda: None, lambda value: None
    return lambda: member.__get__(owner), lambda value: member.__set__(owner, value)


def _entries(container: Any) -> list[Any]:
    """What a container holds, the oldest first; of a dict its values."""
    if inherits(container, dict):
        return list(dict.values(container))
    if inherits(container, list):
        return list(list.__iter__(container))
    if inherits(container, collections.deque):
        return list(collections.deque.__iter__(container))
    return []


def _replace(container: Any, made: Callable[[Any], Any]) -> None:
    """Put in the place of each entry what is made of it."""
    if inherits(container, dict):
        for key, entry in list(dict.items(container)):
            new = made(entry)
            if new is not entry:
                dict.__setitem__(container, key, new)
    elif inherits(container, list):
        list.__setitem__(container, slice(None), [made(entry) for entry in list.__iter__(container)])
    elif inherits(container, collections.deque):
        new = [made(entry) for entry in collections.deque.__iter__(container)]
        collections.deque.clear(container)
        collections.deque.extend(container, new)
