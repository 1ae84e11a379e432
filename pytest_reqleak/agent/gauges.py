"""Read the size of a container that was found, or of whatever stands in its place by now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_reqleak.agent.candidates import Candidate
from pytest_reqleak.agent.following import follower
from pytest_reqleak.agent.sizes import Sizer, sizer_of
from pytest_reqleak.agent.texts import text_sizer

Gauge = Callable[[], int]
Get = Callable[[], Any]


def gauge_of(found: Candidate) -> Gauge:
    """Reads the size of a container; where it is made anew all the time, of the one at its place.

    Of shards the sizes of all that were found.
    """
    if found.family:
        gauges = [_gauge_of_one(one) for one in found.family]
        return lambda: sum(gauge() for gauge in gauges)
    return _gauge_of_one(found)


def _gauge_of_one(found: Candidate) -> Gauge:
    again = way_to(found) if found.new else None
    return _gauge(found.thing) if again is None else following_gauge(again)


def way_to(found: Candidate) -> Get | None:
    """Goes to the place where a container stands; None where the way cannot be gone again."""
    links, names = found.chain_links, found.chain.names if found.chain is not None else None
    return follower(links if names is None else (names, *links))


def following_gauge(again: Get) -> Gauge:
    """Reads whatever is at the end of a way; keeps nothing of what was there before."""

    def read() -> int:
        now = again()
        # What is made anew is of another kind at times, or gone.
        sizer = _sizer(now)
        return 0 if sizer is None else sizer(now)

    return read


def _gauge(thing: Any) -> Gauge:
    sizer = _sizer(thing)
    return lambda: 0 if sizer is None else sizer(thing)


def _sizer(thing: Any) -> Sizer | None:
    return sizer_of(type(thing)) or text_sizer(type(thing))
