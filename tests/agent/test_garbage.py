"""Garbage that only the collector frees: its types, and one ring of it."""

from __future__ import annotations

SAMPLE = """
import gc
import shop
from pytest_reqleak.agent.garbage import GarbageSample

for i in range(5):
    shop.request(i)
before = len(gc.garbage)
sample = GarbageSample()
sample.start()
for i in range(20):
    shop.request(i)
cycles = sample.stop(20)
told = [
    [c.objects_per_iteration, [[t.type, t.per_iteration] for t in c.types],
     [[l.step, l.type] for l in c.path]]
    for c in cycles
]
say([told, len(gc.garbage) - before, gc.get_debug()])
"""


def test_types_and_one_ring_of_the_garbage_are_told(child):
    source = """
    class Node:
        def __init__(self, parent=None):
            self.parent, self.kids = parent, []
    def request(i):
        root = Node()
        root.kids.append(Node(root))
    """

    (cycle,), left, flags = child(SAMPLE, shop=source)

    # Until Python 3.10 each instance has a dict of its own.
    assert cycle[0] in (4.0, 6.0)
    assert {("shop.Node", 2.0), ("list", 2.0)} <= {(kind, rate) for kind, rate in cycle[1]}
    assert ["", "shop.Node"] == cycle[2][0]
    assert [".kids", "[0]", ".parent"] == [step for step, _ in cycle[2][1:]]
    assert [0, 0] == [left, flags]


def test_an_object_that_holds_itself_is_a_ring_of_one(child):
    source = """
    class Node: pass
    def request(i):
        node = Node()
        node.me = node
    """

    (cycle,), *_ = child(SAMPLE, shop=source)

    assert [["", "shop.Node"], [".me", "shop.Node"]] == cycle[2]


def test_no_garbage_is_no_cycle(child):
    assert [[], 0, 0] == child(SAMPLE, shop="def request(i): return [i]")


def test_garbage_that_the_app_keeps_itself_is_left_to_it(child):
    source = """
    import gc
    gc.set_debug(gc.DEBUG_SAVEALL)
    def request(i):
        ring = []
        ring.append(ring)
    """

    (cycle,), left, flags = child(SAMPLE, shop=source)

    assert [["list", 1.0]] == cycle[1]
    assert left >= 20
    assert 32 == flags


def test_no_code_of_the_garbage_is_run(child):
    source = """
    class Hostile:
        def __init__(self): self.me = self
        def __eq__(self, other): raise SystemExit("compared")
        __hash__ = None
        def __repr__(self): raise SystemExit("printed")
        def __len__(self): raise SystemExit("measured")
        def __getattr__(self, name): raise SystemExit("asked for " + name)
        @property
        def __class__(self): raise SystemExit("asked for its class")
    def request(i): Hostile()
    """

    (cycle,), *_ = child(SAMPLE, shop=source)

    assert ["shop.Hostile", 1.0] in cycle[1]
