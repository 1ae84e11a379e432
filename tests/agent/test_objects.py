"""Types of which more objects live after each iteration."""

from __future__ import annotations

import pytest

from pytest_reqleak.agent.objects import merge_types, telling_first
from pytest_reqleak.model.finding import TypeGrowth

COUNT = """
import gc, shop
from pytest_reqleak.agent.objects import TypeCounter
for i in range(20): shop.request(i)
gc.collect(); gc.freeze()
counter = TypeCounter()
counter.mark()
for i in range(200): shop.request(i)
say({t.type: t.per_iteration for t in counter.grown(200)})
"""


def test_survivors_are_counted_by_the_full_name_of_their_type(child):
    source = """
    class Order:
        def __init__(self, i): self.lines = [i]
    ORDERS = []
    def request(i):
        ORDERS.append(Order(i))
        Order(i)
    """

    found = child(COUNT, shop=source)

    # Until Python 3.10 the dict of an instance is an object of its own from the start.
    assert {"shop.Order": 1.0, "list": 1.0} == {name: rate for name, rate in found.items() if name != "dict"}


def test_growth_slower_than_one_in_500_is_left_out(child):
    source = """
    class Order: pass
    class Rare: pass
    KEPT = []
    def request(i):
        KEPT.append(Order())
        if i == 100: KEPT.append(Rare())
    """

    assert {"shop.Order": 1.0} == child(COUNT, shop=source)


def test_hostile_objects_are_counted_and_never_touched(child):
    source = """
    def touch(*a, **k): raise SystemExit("touched")
    class Meta(type):
        __hash__ = __eq__ = __repr__ = __getattribute__ = touch
        __name__ = __module__ = property(touch)
    class Hostile(metaclass=Meta):
        __class__ = property(touch)
        __len__ = __eq__ = __hash__ = __repr__ = touch
        def __getattr__(self, name): touch()
    KEPT = []
    def request(i): KEPT.append(object.__new__(Hostile))
    """

    assert {"shop.Hostile": 1.0} == child(COUNT, shop=source)


def test_types_of_the_same_name_are_added_up(child):
    source = """
    def request(i): KEPT.append(type("Row", (), {})())
    KEPT = []
    """

    assert 1.0 == child(COUNT, shop=source)["shop.Row"]


def test_counting_keeps_no_type_alive(child):
    code = """
    import gc, weakref
    from pytest_reqleak.agent.objects import TypeCounter
    class Row: pass
    row = Row()
    gone = weakref.ref(Row)
    counter = TypeCounter()
    counter.mark()
    del row, Row
    gc.collect()
    say(gone() is None)
    """

    assert child(code)


def test_merged_types_are_in_order_of_speed_and_the_first_of_a_name_counts():
    slow, fast, other = (
        TypeGrowth(type=name, per_iteration=rate) for name, rate in (("a", 1.0), ("b", 2.0), ("a", 9.0))
    )

    assert (fast, slow) == merge_types((slow,), (fast, other))


NOTES = """
import gc, shop
from pytest_reqleak.agent.census import count_objects, is_possible
from pytest_reqleak.agent.objects import TypeCounter
for i in range(20): shop.request(i)
# What the first count imports and fills is there before the notes.
count_objects()
gc.collect()
counter = TypeCounter()
counter.mark()
told = []
# A machine that is busy may let one count take too long; then the next is the third.
for done in (20, 820, 1620, 2420):
    gc.collect()
    told.append({t.type: t.per_iteration for t in counter.note(done)})
    for i in range(done, done + 800): shop.request(i)
say([is_possible(), *told])
"""


@pytest.mark.parametrize(
    ("made", "name"),
    [
        ("b'x' * (40 + i)", "bytes"),
        ("b'x' * (4000 + i)", "bytes"),
        ("f'text {i}'", "str"),
        ("datetime.timedelta(seconds=i)", "datetime.timedelta"),
        ("Order()", "shop.Order"),
    ],
)
def test_what_c_code_forgot_is_counted_in_the_heap(child, made, name):
    source = f"""
    import ctypes, datetime
    class Order: pass
    def request(i): ctypes.pythonapi.Py_IncRef(ctypes.py_object({made}))
    """

    possible, first, second, third, fourth = child(NOTES, shop=source)

    if not possible:
        pytest.skip("the memory of this interpreter cannot be read")
    assert {} == first == second  # It takes three notes to tell what is steady.
    # Two hundred texts that are long dead may pass for living ones until their memory is used again.
    assert (third or fourth)[name] == pytest.approx(1.0, abs=0.4)


def test_what_dies_is_not_counted_in_the_heap(child):
    source = """
    import datetime
    def request(i): return [b"x" * (40 + i), datetime.timedelta(seconds=i)]
    """

    *_, third, fourth = child(NOTES, shop=source)

    # What is read from memory is off by some, as above; of each leak there would be 800.
    counted = {name for name, rate in (third or fourth).items() if rate > 0.25}
    assert not {"bytes", "datetime.timedelta"} & counted


def test_causes_come_first_and_parts_of_everything_last():
    growing = [
        TypeGrowth(type=name, per_iteration=rate)
        for name, rate in (
            ("dict", 9.0),
            ("int", 30.0),
            ("generator", 1.0),
            ("datetime.timedelta", 1.0),
            ("KeyError", 0.5),
            ("no_such_package.Thing", 2.0),
        )
    ]

    told = [growth.type for growth in telling_first(growing)]

    assert ["KeyError", "no_such_package.Thing", "datetime.timedelta", "generator", "dict", "int"] == told
