"""Cursors of SQLite that are gone leave nothing behind at a rest; all else about a connection stays."""

from __future__ import annotations

import gc
import sqlite3
import weakref

from pytest_reqleak.agent.cursors import MOST_CONNECTIONS, DeadCursors

SERIES = """
import sqlite3
from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.model.meter import Meter, Phase

class Connection(sqlite3.Connection):
    pass

database = sqlite3.connect(":memory:", factory=FACTORY)
with Agent() as agent:
    agent.buffer.reserve(40)
    agent.freeze()
    for batch in range(40):
        for _ in range(30):
            database.execute("select 1")
        agent.settle()
        agent.sample(batch, Phase.MEASURE)
    samples = agent.buffer.samples()
say([max(row) - min(row) for meter in (Meter.LIVE_BLOCKS, Meter.HEAP_BYTES, Meter.GC_OBJECTS)
     if (row := samples.readings[meter][10:])])
"""


def notes_of(connection):
    return [note for notes in gc.get_referents(connection) if type(notes) is list for note in notes]


def connections_seen(*connections):
    cursors = DeadCursors()
    cursors.look()
    # Those of other tests may live still.
    cursors._connections[:] = [one for one in cursors._connections if one in connections]
    return cursors


def test_a_connection_that_is_used_for_each_request_reads_flat(child):
    assert [0, 0, 0] == child(SERIES.replace("FACTORY", "sqlite3.Connection"))


def test_a_connection_of_a_class_of_its_own_reads_flat(child):
    assert [0, 0, 0] == child(SERIES.replace("FACTORY", "Connection"))


def test_cursors_that_live_are_kept_and_still_reset_with_their_connection():
    connection = sqlite3.connect(":memory:")
    rows = connection.execute("values (1), (2), (3)")
    rows.fetchone()
    for _ in range(5):
        connection.execute("select 1")
    connections_seen(connection).forget()

    assert [rows] == [cursor for note in notes_of(connection) if type(cursor := note()) is sqlite3.Cursor]
    assert [(2,), (3,)] == rows.fetchall()


def test_a_closed_connection_that_nobody_else_holds_is_let_go_of():
    connection = sqlite3.connect(":memory:")
    closed = sqlite3.connect(":memory:")
    closed.close()
    cursors = connections_seen(connection, closed)
    del closed
    cursors.forget()

    assert 1 == len(cursors._connections)
    assert connection in cursors._connections


def test_connections_that_are_garbage_are_freed_when_the_heap_is_thawed(child):
    code = """
    import sqlite3
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.meter import Meter

    opened = [sqlite3.connect("database") for _ in range(5)]
    with Agent() as agent:
        agent.freeze()
        before = agent.read(Meter.DESCRIPTORS)
        opened.clear()
        agent.settle()
        agent.thaw()
        say(before - agent.read(Meter.DESCRIPTORS))
    """

    assert 5 == child(code)


def test_lists_that_an_app_keeps_on_a_connection_are_left_alone():
    class Slotted(sqlite3.Connection):
        __slots__ = ("kept",)

    connection = sqlite3.connect(":memory:", factory=Slotted)
    connection.kept = [weakref.ref(connection.cursor())]
    cursors = DeadCursors()
    cursors.look()
    cursors.forget()

    assert [None] == [note() for note in connection.kept]


def test_ever_more_connections_are_not_all_held():
    opened = [sqlite3.connect(":memory:") for _ in range(MOST_CONNECTIONS + 5)]
    cursors = DeadCursors()
    cursors.look()
    cursors.look()

    assert MOST_CONNECTIONS == len(cursors._connections)
    for connection in opened:
        connection.close()
