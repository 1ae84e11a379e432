"""Objects whose own methods must never run: whoever calls one ends the process at once.

A method that would raise, block or lie does the same here as one that ends it: nothing,
since it is not called.
"""

from __future__ import annotations

import pytest

SEARCHES = """
import shop
from pytest_reqleak.agent.holders import HolderSearch
from pytest_reqleak.agent.objects import TypeCounter, telling_first

def look(request):
    for i in range(20): request(i)
    search, types = HolderSearch(), TypeCounter()
    search.mark()
    types.mark()
    for done in range(20, 240, 100):
        types.note(done)
        for i in range(done, done + 100): request(i)
    # No local of this frame may be a container that grows.
    holders = search.grown(300, {growth.type: growth.per_iteration for growth in types.grown(300)})
    for read in search.held.gauges.values(): read()
    return [holder.path for holder in holders], [growth.type for growth in telling_first(types.grown(300))]

say([look(shop.fill), look(shop.chain)])
"""

SHOP = """
import os, traceback
def touched(*args, **kwargs):
    traceback.print_stack()
    os._exit(9)
class Meta(type):
    {meta} = {made_of}
class Bag(dict, metaclass=Meta):
    {name} = {made_of}
class Row(list, metaclass=Meta):
    {name} = {made_of}
class Node(metaclass=Meta):
    __slots__ = ("before", "__weakref__")
    {name} = {made_of}
class Key(str, metaclass=Meta):
    {name} = {made_of}
BAG, ROWS = dict.__new__(Bag), list.__new__(Row)
class Log: head = None
LOG = Log()
SET_BEFORE = type.__dict__["__dict__"].__get__(Node)["before"].__set__
def fill(i):
    dict.__setitem__(BAG, i, list.__new__(Row))
    list.append(ROWS, str.__new__(Key, i))
def chain(i):
    node = object.__new__(Node)
    SET_BEFORE(node, LOG.__dict__.get("head"))
    LOG.__dict__["head"] = node
"""

PROPERTIES = ("__class__", "__dict__")
METHODS = (
    *("__len__", "__eq__", "__hash__", "__repr__", "__str__", "__getattr__", "__getattribute__"),
    *("__iter__", "__bool__", "__contains__", "__getitem__", "__sizeof__", "__reduce_ex__"),
)
OF_METACLASSES = ("__eq__", "__hash__", "__repr__", "__getattribute__", "__bool__", "__len__", "__iter__")


@pytest.mark.parametrize("name", PROPERTIES + METHODS)
def test_method_of_the_app_is_never_called(child, name):
    made_of = "property(touched)" if name in PROPERTIES else "touched"
    meta = name if name in OF_METACLASSES else "unused"

    (filled, kept), (chained, linked) = child(
        SEARCHES, shop=SHOP.format(name=name, meta=meta, made_of=made_of)
    )

    assert {"shop.BAG", "shop.ROWS"} == set(filled)
    assert "shop.Row" in kept
    assert chained[0].startswith("shop.LOG.head")
    assert "shop.Node" in linked
