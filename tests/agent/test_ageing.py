"""Entries are made older and young again; what the app does with them meanwhile is left as it is."""

from __future__ import annotations

import asyncio
import collections
import copy
import dataclasses
import datetime
import time

import pytest

from pytest_reqleak.agent.ageing import ageing_of

HOUR = 3600.0


@dataclasses.dataclass
class Session:
    number: int
    made: float


@dataclasses.dataclass(frozen=True)
class Frozen:
    number: int
    ends: float


class Slotted:
    __slots__ = ("ends", "number")

    def __init__(self, number, ends):
        self.number, self.ends = number, ends


Named = collections.namedtuple("Named", "number ends")

ENTRIES = {
    "number": (lambda n: time.monotonic(), lambda entry: entry),
    "tuple": (lambda n: (n, time.time()), lambda entry: entry[1]),
    "named": (lambda n: Named(n, time.time() + 60), lambda entry: entry.ends),
    "dict": (lambda n: {"n": n, "at": time.time()}, lambda entry: entry["at"]),
    "list": (lambda n: [f"name {n}", time.time(), "end"], lambda entry: entry[1]),
    "row": (lambda n: [time.monotonic()], lambda entry: entry[0]),
    "deque": (lambda n: collections.deque([time.monotonic(), time.monotonic()]), lambda entry: entry[1]),
    "instance": (lambda n: Session(n, time.time()), lambda entry: entry.made),
    "frozen": (lambda n: Frozen(n, time.time() + 60), lambda entry: entry.ends),
    "slots": (lambda n: Slotted(n, time.time() + 60), lambda entry: entry.ends),
    "row of instances": (lambda n: [Session(n, time.time())], lambda entry: entry[0].made),
    "milliseconds": (lambda n: int(time.time() * 1000), lambda entry: entry / 1000),
    "date": (lambda n: datetime.datetime.now(), lambda entry: entry.timestamp()),
}
STORES = {
    "dict": lambda entries: {f"key {n}": entry for n, entry in enumerate(entries)},
    "list": list,
    "deque": lambda entries: collections.deque(entries, maxlen=100),
    "ordered": lambda entries: collections.OrderedDict(enumerate(entries)),
}


def entries_of(store):
    return list(store.values()) if isinstance(store, dict) else list(store)


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("entry", ENTRIES)
def test_an_hour_makes_each_entry_an_hour_older_and_is_taken_back(kind, entry):
    make, moment = ENTRIES[entry]
    store = STORES[kind]([make(n) for n in range(50)])
    before, keys = [moment(one) for one in entries_of(store)], list(store) if isinstance(store, dict) else []
    ageing = ageing_of(lambda: store)

    assert 50 == ageing.age(HOUR)
    assert pytest.approx([was - HOUR for was in before]) == [moment(one) for one in entries_of(store)]
    assert 50 == ageing.left()
    assert 50 == ageing.restore()
    assert before == [moment(one) for one in entries_of(store)]
    assert keys == (list(store) if isinstance(store, dict) else [])
    assert 0 == ageing.left()


def window(n=50):
    return collections.deque((time.monotonic(), number) for number in range(n))


def test_what_is_taken_out_meanwhile_is_counted_and_stays_out():
    store = window()
    ageing = ageing_of(lambda: store)
    ageing.age(HOUR)
    while store and store[0][0] < time.monotonic() - 60:
        store.popleft()
        if len(store) == 20:
            break
    store.append((time.monotonic(), 50))

    assert 20 == ageing.left()
    assert 20 == ageing.restore()
    assert list(range(30, 51)) == [number for _, number in store]
    assert all(made > time.monotonic() - 60 for made, _ in store)


def test_a_renewed_entry_keeps_the_moment_that_the_app_gave_it():
    store = {n: Session(n, time.time()) for n in range(30)}
    ageing = ageing_of(lambda: store)
    ageing.age(HOUR)
    store[3].made = 1.0
    ageing.restore()

    assert 1.0 == store[3].made
    assert store[4].made > time.time() - 60


def test_a_store_that_is_replaced_is_followed():
    app = {"store": [(time.time(), n) for n in range(50)]}
    ageing = ageing_of(lambda: app["store"])
    ageing.age(HOUR)
    app["store"] = [entry for entry in app["store"] if entry[1] >= 40]

    assert 10 == ageing.left()
    ageing.restore()
    assert all(made > time.time() - 60 for made, _ in app["store"])


def test_nothing_is_known_to_be_gone_where_the_store_is():
    app = {"store": [(time.time(), n) for n in range(50)]}
    ageing = ageing_of(lambda: app.get("store"))
    ageing.age(HOUR)
    del app["store"]

    assert 50 == ageing.left()


def test_the_moment_of_the_last_sweep_beside_the_store_is_moved_too():
    names = {
        "last": time.monotonic(),
        "cell": [time.time()],
        "limit": 60.0,
        "name": "shop",
        "numbers": [1, 2, 3],
    }
    before = copy.deepcopy(names)
    store = window()
    ageing = ageing_of(lambda: store, [names])

    ageing.age(HOUR)
    assert pytest.approx(before["last"] - HOUR) == names["last"]
    assert pytest.approx(before["cell"][0] - HOUR) == names["cell"][0]
    assert [60.0, "shop", [1, 2, 3]] == [names[name] for name in ("limit", "name", "numbers")]
    ageing.restore()
    assert before == names


def test_a_list_with_the_newest_first_is_made_older():
    now = time.time()
    store = [(now - n / 10, n) for n in range(1000)]

    assert 1000 == ageing_of(lambda: store).age(HOUR)


@pytest.mark.parametrize(
    "store",
    [
        [(n, f"order {n}") for n in range(50)],
        [(time.time(), n) for n in range(19)],
        {(time.time(), n) for n in range(50)},
        "text" * 50,
        None,
    ],
)
def test_what_carries_no_moments_is_left_alone(store):
    assert ageing_of(lambda: store) is None


def test_the_timers_of_a_loop_are_left_alone():
    loop = asyncio.new_event_loop()
    try:
        timers = [loop.call_later(60, print) for _ in range(50)]
        assert ageing_of(lambda: timers) is None
    finally:
        loop.close()


def test_making_older_again_begins_with_what_there_is_and_not_with_what_was_moved():
    store = window()
    first = store[0][0]
    ageing = ageing_of(lambda: store)
    ageing.age(60)
    ageing.age(HOUR)

    assert pytest.approx(first - HOUR) == store[0][0]
