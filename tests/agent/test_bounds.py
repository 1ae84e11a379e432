"""A cache that is not full yet says how full it will be; whatever keeps to no limit says nothing."""

from __future__ import annotations

import collections
import functools
import queue
import re

import pytest

from pytest_reqleak.agent.bounds import bound_of


class OwnLru:
    """A cache as people write it."""

    def __init__(self, maxsize):
        self.maxsize = maxsize
        self.entries = collections.OrderedDict()

    def put(self, key):
        self.entries[key] = key
        if len(self.entries) > self.maxsize:
            self.entries.popitem(last=False)


class Slotted:
    __slots__ = ("_max_entries", "rows")

    def __init__(self, limit):
        self._max_entries = limit
        self.rows = []


class SubclassLru(collections.OrderedDict):
    def __init__(self, capacity):
        super().__init__()
        self.capacity = capacity


def bound_in(owner, name):
    """As the holder search asks: the container, then what leads to it, nearest first."""
    return bound_of(getattr(owner, name), [owner.__dict__, owner] if hasattr(owner, "__dict__") else [owner])


def test_the_standard_library_s_own_caches_tell():
    @functools.lru_cache(maxsize=70)
    def price(n):
        return n

    waiting = queue.Queue(90)
    assert 70 == bound_of(price, [])
    assert 80 == bound_of(collections.deque(maxlen=80), [])
    assert 90 == bound_of(waiting.queue, [waiting.__dict__, waiting])
    assert re._MAXCACHE == bound_of(re._cache, [])


@pytest.mark.parametrize(
    "unbounded",
    [{}, [], collections.deque(), functools.lru_cache(maxsize=None)(lambda: 1), queue.Queue().queue],
)
def test_what_has_no_limit_tells_none(unbounded):
    assert bound_of(unbounded, []) is None


@pytest.mark.parametrize("name", ["LRUCache", "LFUCache", "FIFOCache", "RRCache"])
def test_caches_of_cachetools_tell(name):
    cachetools = pytest.importorskip("cachetools")
    cache = getattr(cachetools, name)(60)

    assert 60 == bound_of(cache._Cache__data, [cache.__dict__, cache])


def test_a_cache_of_cachetools_that_counts_bytes_is_not_bounded_in_entries():
    cachetools = pytest.importorskip("cachetools")
    cache = cachetools.TTLCache(60, ttl=5, getsizeof=len)
    cache["a"] = "b"

    assert bound_of(cache._Cache__data, [cache.__dict__, cache]) is None


def test_caches_of_sqlalchemy_and_jinja2_tell():
    alchemy = pytest.importorskip("sqlalchemy.util").LRUCache(100)
    jinja = pytest.importorskip("jinja2.utils").LRUCache(50)

    # SQLAlchemy cuts back to the capacity once it is exceeded by a half.
    assert 150 == bound_of(alchemy._data, [alchemy])
    assert 50 == bound_of(jinja._mapping, [jinja.__dict__, jinja])


@pytest.mark.parametrize(
    ("owner", "name"), [(OwnLru(40), "entries"), (Slotted(40), "rows")], ids=["dict", "slots"]
)
def test_a_limit_that_stands_beside_the_entries_is_taken_for_their_bound(owner, name):
    assert 40 == bound_in(owner, name)


def test_a_subclass_that_keeps_its_limit_itself_tells():
    assert 30 == bound_of(SubclassLru(30), [])


def test_a_limit_that_was_exceeded_never_was_one():
    owner = Slotted(2)
    owner.rows.extend(range(3))

    assert bound_in(owner, "rows") is None


def test_a_limit_that_no_run_could_reach_proves_nothing():
    assert bound_in(OwnLru(10**6), "entries") is None


def test_two_different_limits_tell_nothing():
    owner = OwnLru(40)
    owner.limit = 7

    assert bound_in(owner, "entries") is None
