"""Entries that say when they end are believed to the second; whatever else they hold says nothing."""

from __future__ import annotations

import collections
import datetime
import time

import pytest

from pytest_reqleak.agent.deadlines import seconds_ahead


class Session:
    def __init__(self, expires):
        self.name, self.expires = "a", expires


class Slotted:
    __slots__ = ("expires",)

    def __init__(self, expires):
        self.expires = expires


def later(seconds):
    return datetime.datetime.now() + datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "entry",
    [
        lambda: time.monotonic() + 5,
        lambda: (time.time() + 5, "value"),
        lambda: ["value", int(time.time()) + 5],
        lambda: {"value": 1, "expires": time.time() + 5},
        lambda: Session(time.monotonic() + 5),
        lambda: Slotted(time.monotonic() + 5),
        lambda: Session(later(5)),
        lambda: (later(5).astimezone(datetime.timezone.utc), 1),
    ],
)
@pytest.mark.parametrize("store", [dict, list, collections.deque])
def test_the_time_that_entries_carry_is_how_long_they_live(entry, store):
    entries = [entry() for _ in range(30)]
    container = dict(enumerate(entries)) if store is dict else store(entries)

    assert 3.5 <= seconds_ahead(container) <= 5


@pytest.mark.parametrize(
    "entry",
    [
        lambda n: n,
        lambda n: (10**400 + n, -(10**400), float("nan"), float("inf")),
        lambda n: f"text {n}",
        lambda n: (n, 0.5 * n),
        lambda n: {"created": time.time() - n},
        lambda n: Session(time.monotonic()),
        lambda n: (time.time() + (5 if n % 2 else -5), n),
        lambda n: (time.monotonic() + 100 * n, n),
        lambda n: time.time() + 10 * 86_400,
        lambda n: object(),
        lambda n: datetime.datetime.max,
    ],
)
def test_what_carries_no_time_to_live_says_nothing(entry):
    assert 0.0 == seconds_ahead({n: entry(n) for n in range(30)})


@pytest.mark.parametrize(
    "entry",
    [
        lambda base, n: (base + n, "order"),
        lambda base, n: float(base + n),
        lambda base, n: {"price": base + 0.99},
        lambda base, n: Session(base + 7919 * n % 1000 + 0.25),
    ],
)
def test_a_number_that_is_larger_than_the_uptime_is_no_time(entry):
    base = int(time.monotonic()) + 1000

    assert 0.0 == seconds_ahead([entry(base, n) for n in range(30)])


def test_a_few_entries_are_no_proof():
    assert 0.0 == seconds_ahead([time.time() + 5] * 5)
