"""What holds a growth is made older: when it is believed to expire, and for how long that is tried."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_reqleak import expiring
from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.expiring import SWEPT_WITHIN, Expiring
from pytest_reqleak.findings import Findings
from pytest_reqleak.model.finding import Growth, Holder
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.plan import Plan

BLOCKS = 3


class Store:
    """An app's store behind the faces of stages and agent: entries of three blocks, each with its age.

    Args:
        life: Seconds after which an entry is taken out; None: never.
        swept: How many old entries a request takes out at most.
        every: At which of the requests that is.
        stays: Blocks that a request leaves beside the store.
        pace: Seconds that a request takes.
        stamped: Whether the entries carry the time when they were made.
        copies: Whether a sweep makes all entries anew.
        fails: Whether a request fails that meets an old entry.
        kept: The share of old entries that is never taken out.
    """

    out_of_time = False
    seconds_left = 300.0

    def __init__(self, life=None, *, swept=10**6, every=1, stays=0.0, pace=1e-4, stamped=True, **odd):
        self.life, self.swept, self.every, self.stays, self.pace = life, swept, every, stays, pace
        self.stamped, self.copies, self.fails = stamped, odd.get("copies", False), odd.get("fails", False)
        self.kept = odd.get("kept", 0.0)
        self.young, self.old, self.by, self.aged = 5000, 0, 0.0, 0
        self.done, self.now, self.seconds, self.gone_on = 5000, 0.0, {"measure": 1.0}, []

    def unsampled(self, count):
        self.gone_on.append(count)
        if self.fails and self.old:
            raise ReqleakError("answered 500")
        for _ in range(count):
            self.done += 1
            self.now += self.pace
            self.young += 1
            if self.done % self.every == 0 and self.life is not None and self.by >= self.life:
                self.old -= min(self.old - int(self.kept * self.aged), self.swept)
            if self.copies and self.old:
                self.young, self.old = self.young + self.old, 0

    def age_entries(self, path, seconds):
        if not self.stamped:
            return 0
        self.old, self.young, self.by = self.old + self.young, 0, seconds
        self.aged = self.old
        return self.old

    def aged_left(self, path):
        return self.old

    def rejuvenate(self):
        self.young, self.old, self.by = self.young + self.old, 0, 0.0

    def holder_sizes(self):
        return {"shop.STORE": self.young + self.old}

    def read(self, meter):
        return int(1000 + BLOCKS * (self.young + self.old) + self.stays * self.done)

    def settle(self):
        pass

    def freeze(self):
        pass


def leak(*meters):
    wanted = meters or (Meter.LIVE_BLOCKS,)
    return Decision(
        outcome=Outcome.LEAK,
        growth=tuple(
            Growth(meter=meter, per_iteration=3.0, low=3.0, high=3.0, grows=True) for meter in wanted
        ),
        grows=wanted,
        classification=(Cause.PYTHON,),
        reason="live blocks rise",
    )


def answer(store, monkeypatch, decision=None):
    monkeypatch.setattr(
        expiring,
        "time",
        SimpleNamespace(monotonic=lambda: store.now, sleep=lambda seconds: store.unsampled(0)),
    )
    found = Findings(
        holders=(
            Holder(path="shop.STORE", type="dict", growth_per_iteration=1.0, size=5000),
            Holder(path="shop.OTHER", type="list", growth_per_iteration=0.2, size=1000),
        )
    )
    confirming = SimpleNamespace(affordable=lambda decision, iterations: iterations, unit="request")
    parts = (Plan(), store, store, found, confirming)
    decision = decision or leak()
    return Expiring(*parts).ages_out(decision), decision, found


@pytest.mark.parametrize("life", [10, 60, 300, 600])
@pytest.mark.parametrize("sweep", [{}, {"swept": 2}, {"every": 1000}])
def test_a_store_that_takes_out_what_is_old_is_no_leak(monkeypatch, life, sweep):
    told, _, _ = answer(Store(life, **sweep), monkeypatch)

    assert Outcome.CLEAN is told.outcome
    assert ["expires"] == [note.slug for note in told.notes]


def test_a_store_that_keeps_for_an_hour_is_not_certain(monkeypatch):
    told, _, _ = answer(Store(1800), monkeypatch)

    assert Outcome.INCONCLUSIVE is told.outcome


@pytest.mark.parametrize(
    "store",
    [
        {},
        {"life": 86_400},
        {"life": 60, "stamped": False},
        {"copies": True},
        {"fails": True},
        {"life": 60, "kept": 0.5},
    ],
)
def test_a_store_that_keeps_what_is_old_remains_a_leak(monkeypatch, store):
    told, decision, found = answer(Store(**store), monkeypatch)

    assert told is decision
    assert () == tuple(found.caveats)


def test_what_stays_beside_a_store_that_expires_remains_a_leak_and_comes_first(monkeypatch):
    told, decision, found = answer(Store(60, stays=0.5), monkeypatch)

    assert told is decision
    assert ["expires-as-well"] == [caveat.slug for caveat in found.caveats]
    assert [("shop.OTHER", 0.0), ("shop.STORE", 60.0)] == [
        (holder.path, holder.life_seconds) for holder in found.holders
    ]


@pytest.mark.parametrize("meter", [Meter.DESCRIPTORS, Meter.TASKS, Meter.RSS_BYTES])
def test_what_is_no_entry_does_not_go_with_entries(monkeypatch, meter):
    store = Store(60)
    told, decision, _ = answer(store, monkeypatch, leak(meter))

    assert told is decision
    assert [] == store.gone_on


@pytest.mark.parametrize(("pace", "most"), [(1e-4, 1.1 * SWEPT_WITHIN * 2), (0.05, 200)])
def test_where_nothing_goes_it_is_tried_for_some_thousand_requests_or_some_seconds(monkeypatch, pace, most):
    store = Store(pace=pace)
    answer(store, monkeypatch)

    assert sum(store.gone_on) <= most
