"""The cursors that connections of SQLite remember though they are gone.

A connection notes a weak reference to each of its cursors, and goes through them
once in 200: a healthy app read as a saw-tooth of 200 blocks, whose period is no whole
number of iterations. Dead ones are let go of at each rest, as the next look would.

Knows the connections of Python's own driver; no line of an app, and nothing of SQLite, runs here.
"""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

from pytest_reqleak.agent.identity import class_dict, derives, of_kind

MOST_CONNECTIONS = 100
"""More than a pool has; where an app opens ever more of them, cursors are not what it leaks."""


class DeadCursors:
    """Of all connections that lived when somebody looked."""

    def __init__(self) -> None:
        # They know no weak references.
        self._connections: list[Any] = []

    def look(self) -> None:
        """Find the connections that the collector lists: those that were not yet frozen."""
        driver = sys.modules.get("_sqlite3")
        if driver is None:
            return
        base: type = driver.Connection
        known = set(map(id, self._connections))
        found = of_kind(gc.get_objects(), lambda kind: derives(kind, base) and _is_plain(kind, base))
        new = [connection for connection in found if id(connection) not in known]
        self._connections += new[: MOST_CONNECTIONS - len(known)]

    def release(self) -> None:
        """Let go of all connections: a collection shall find those that are garbage."""
        self._connections.clear()

    def forget(self) -> None:
        """Take the dead ones out, and let go of connections that nobody else holds."""
        connections = self._connections
        place = len(connections)
        while place:
            place -= 1
            if _references(connections, place) <= _OURS:
                del connections[place]
                continue
            # The driver has no public way to its notes.
            for notes in gc.get_referents(connections[place]):
                if type(notes) is list:
                    _drop_dead(notes)


def _references(objects: list[Any], place: int) -> int:
    return sys.getrefcount(objects[place])


# Of an object that its list alone holds: what the call itself adds depends on the version of Python.
_OURS = _references([object()], 0)


def _is_plain(kind: type, base: type) -> bool:
    """Whether a connection of that class has no lists but the driver's own."""
    while kind is not base:
        if "__slots__" in class_dict(kind) or len(kind.__bases__) != 1:
            return False
        kind = kind.__bases__[0]
    return True


def _drop_dead(notes: list[Any]) -> None:
    # One by one, from the end: what another thread adds meanwhile stands behind.
    place = len(notes)
    while place:
        place -= 1
        note = notes[place]
        if type(note) is weakref.ref and note() is None:
            del notes[place]
