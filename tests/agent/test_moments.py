"""What entries carry is taken for a moment where a clock bears it out, and for nothing else."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import itertools
import random
import time

import pytest

from pytest_reqleak.agent.moments import EACH, Clock, clock_of, moments_of

UTC = datetime.timezone.utc


@dataclasses.dataclass
class Session:
    user: str
    made: float


class Slotted:
    __slots__ = ("ends", "user")

    def __init__(self, user, ends):
        self.user, self.ends = user, ends


Named = collections.namedtuple("Named", "user ends")


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        (lambda: time.monotonic(), None),
        (lambda: time.time(), None),
        (lambda: int(time.time()), None),
        (lambda: int(time.time() * 1000), None),
        (lambda: time.time_ns(), None),
        (lambda: time.monotonic_ns(), None),
        (lambda: datetime.datetime.now(), None),
        (lambda: datetime.datetime.now(UTC) + datetime.timedelta(minutes=30), None),
        (lambda: datetime.datetime.now(UTC).replace(tzinfo=None), None),
        (lambda: ("order", time.time() + 3600), 1),
        (lambda: Named("a", time.monotonic()), 1),
        (lambda: {"user": "a", "ends": time.monotonic() + 60}, "ends"),
        (lambda: Session("a", time.time()), "made"),
        (lambda: Slotted("a", time.perf_counter()), "ends"),
    ],
)
def test_the_place_of_a_moment_is_found(entry, place):
    found = moments_of([entry() for _ in range(20)])

    assert [place] == list(found)
    assert isinstance(found[place], Clock)


@pytest.mark.parametrize(
    "row",
    [
        lambda: [time.monotonic(), time.monotonic()],
        lambda: collections.deque([time.time()]),
        lambda: [time.monotonic() for _ in range(30)],
    ],
)
def test_a_row_of_moments_has_them_at_each_place(row):
    found = moments_of([row() for _ in range(20)])

    assert [EACH] == list(found)
    assert [None] == list(found[EACH])


def test_a_row_of_what_carries_moments_has_theirs():
    found = moments_of([[Session("a", time.time()), Session("b", time.time())] for _ in range(20)])

    assert [EACH] == list(found)
    assert ["made"] == list(found[EACH])


NUMBERS = itertools.count(1)
CHANCE = random.Random(1)


@pytest.mark.parametrize(
    "entry",
    [
        lambda: next(NUMBERS),
        lambda: 0.5 * next(NUMBERS),
        lambda: "text",
        lambda: None,
        lambda: True,
        lambda: (10**400, float("nan"), float("inf"), -(10**400)),
        list,
        dict,
        lambda: object(),
        lambda: time.monotonic() - 3600,
        lambda: time.time() + 10 * 86_400,
        lambda: time.monotonic() + CHANCE.uniform(0, 10_000),
        lambda: time.time() * CHANCE.uniform(0.5, 1.5),
        lambda: datetime.datetime(2020, 1, 1),
        lambda: datetime.date.today(),
        lambda: {Hostile(): time.time()},
    ],
)
def test_what_no_clock_bears_out_is_no_moment(entry):
    assert {} == moments_of([entry() for _ in range(20)])


class Hostile:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        raise AssertionError("compared")


def test_one_entry_without_a_moment_makes_them_none():
    entries = [(time.time(), "a") for _ in range(20)]

    assert {} == moments_of([*entries, ("later", "a")])


def test_the_same_float_of_a_steady_clock_twenty_times_is_a_setting():
    assert clock_of([time.monotonic() + 5.5]) is not None
    assert clock_of([time.monotonic() + 5.5] * 20) is None


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        (lambda now: now, lambda now: now - 60),
        (lambda now: int(now), lambda now: int(now) - 60),
        (lambda now: now - 90_000, lambda now: now - 90_000),
        (lambda now: "text", lambda now: "text"),
        (lambda now: True, lambda now: True),
    ],
)
def test_a_moment_moves_by_the_seconds_and_nothing_else_does(value, moved):
    now = time.time()
    clock = clock_of([now])

    assert moved(now) == clock.moved(value(now), 60)
    assert type(value(now)) is type(clock.moved(value(now), 60))
