"""What keeps objects where no container grows: chains of them, and native code."""

from __future__ import annotations

import pytest

from pytest_reqleak.agent.survivors import shortened

SEARCH = """
import gc
import shop
from pytest_reqleak.agent.holders import HolderSearch
from pytest_reqleak.agent.objects import TypeCounter

for i in range(20):
    shop.request(i)
search, types = HolderSearch(), TypeCounter()
search.mark()
types.mark()
for i in range(20, 220):
    shop.request(i)
growing = {growth.type: growth.per_iteration for growth in types.grown(200)}
say([[h.path, h.type, h.growth_per_iteration, h.ends_in] for h in search.grown(200, growing)])
"""


def test_name_that_leads_to_a_linked_list_is_told(child):
    source = """
    class Node:
        def __init__(self, before): self.before = before
    class Log: head = None
    LOG = Log()
    def request(i): LOG.head = Node(LOG.head)
    """

    found = child(SEARCH, shop=source)

    assert found[0][0].startswith("shop.LOG.head")
    assert ["shop.Node", 1.0, ""] == found[0][1:]


def test_reference_that_c_code_forgot_is_told_as_native(child):
    source = """
    import ctypes
    class Order: pass
    def request(i): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Order()))
    """

    (found,) = child(SEARCH, shop=source)

    assert "native code that refers to a shop.Order" == found[0]
    assert ["shop.Order", 1.0, "shop.Order"] == found[1:]


def test_object_that_a_leaked_one_keeps_is_told_by_its_owner(child):
    source = """
    import ctypes
    class Line: pass
    class Order:
        def __init__(self): self.line = Line()
    def request(i): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Order()))
    """

    (found,) = child(SEARCH, shop=source)

    assert "shop.Order" == found[3]


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("shop.HEAD.next.next.next.next.next.value", "shop.HEAD.next (5 times).value"),
        ("shop.HEAD.next.next", "shop.HEAD.next.next"),
        ("shop.TREE[0][0][0][0]", "shop.TREE[0] (4 times)"),
    ],
)
def test_steps_that_repeat_are_written_once(path, short):
    assert short == shortened(path)
