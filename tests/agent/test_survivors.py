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


LINKED = {
    "tuples": (
        """
        HEAD = None
        def request(i):
            global HEAD
            HEAD = (HEAD, f"order {i}")
        """,
        "shop.HEAD[0]…",
        "tuple",
    ),
    "nodes with slots and a name at both ends": (
        """
        class Node: __slots__ = ("value", "next")
        class Log: first = last = None
        LOG = Log()
        def request(i):
            node = Node()
            node.value, node.next = i, None
            if LOG.last is None: LOG.first = node
            else: LOG.last.next = node
            LOG.last = node
        """,
        "shop.LOG.first.next…",
        "shop.Node",
    ),
    "partial functions": (
        """
        import functools
        def step(before, number): pass
        class Pipeline: run = None
        PIPELINE = Pipeline()
        def request(i): PIPELINE.run = functools.partial(step, PIPELINE.run, i)
        """,
        "shop.PIPELINE.run.args[0]…",
        "functools.partial",
    ),
    "closures": (
        """
        HANDLER = print
        def wrap(inner):
            def handler(): return inner()
            return handler
        def request(i):
            global HANDLER
            HANDLER = wrap(HANDLER)
        """,
        "shop.HANDLER -> closure inner…",
        "function",
    ),
    "exceptions that are each other's cause": (
        """
        class Last: error = None
        def request(i):
            try: raise ValueError(i)
            except ValueError as error:
                error.__cause__ = Last.error
                Last.error = error
        """,
        "shop.Last.error.__cause__…",
        "ValueError",
    ),
}


@pytest.mark.parametrize("kind", LINKED)
def test_list_that_is_linked_by_hand_is_named_by_its_first_node_and_the_way_to_the_next(child, kind):
    source, path, node = LINKED[kind]

    # A table of the script itself may grow too.
    found, *_ = child(SEARCH, shop=source)

    assert [path, node, 1.0, ""] == found


def test_list_that_was_long_before_and_does_not_grow_is_no_holder(child):
    source = """
    import ctypes
    class Order: pass
    HEAD = None
    for number in range(2000): HEAD = (HEAD, str(number))
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
