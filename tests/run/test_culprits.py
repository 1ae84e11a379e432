"""Which requests leak: each by its own slope, or two that follow each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_reqleak.analysis.verdict import Decision, Outcome
from pytest_reqleak.evidence import find_culprits
from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Meter

TITLES = ("GET /a", "GET /b", "GET /c")


class Meanings:
    """Stages whose meter rises by what a rule says of the requests that are sent."""

    out_of_time = False
    concurrency = 1

    def __init__(self, rule: Callable[[Sequence[int]], float]) -> None:
        self._rule = rule
        self._level = 1000.0
        self.asked: list[tuple[int, ...]] = []

    def alone(self, numbers: Sequence[int], count: int, meter: Meter) -> int:
        self.asked.append(tuple(numbers))
        self._level += self._rule(numbers) * count
        return int(self._level)


def decided(rate: float) -> Decision:
    growth = Growth(meter=Meter.LIVE_BLOCKS, per_iteration=rate, low=rate, high=rate, grows=True)
    return Decision(outcome=Outcome.LEAK, growth=(growth,), reason="")


def find(rule: Callable[[Sequence[int]], float], *, rate: float = 1.0, notes: Sequence[str] = ()):
    stages = Meanings(rule)
    return find_culprits(stages, TITLES, decided(rate), 100.0, notes=notes), stages  # type: ignore[arg-type]


def test_request_that_leaks_is_named_with_what_it_leaves_alone():
    found, _ = find(lambda numbers: 3.0 if 1 in numbers else 0.0)

    assert [("GET /b", pytest.approx(300.0))] == [(c.request, c.bytes_per_iteration) for c in found]


def test_worst_comes_first():
    found, _ = find(lambda numbers: {0: 1.0, 1: 0.0, 2: 2.0}[numbers[0]])

    assert ["GET /c", "GET /a"] == [culprit.request for culprit in found]


def test_two_that_leak_only_in_a_row_are_named_together():
    found, _ = find(lambda numbers: 3.0 if {0, 2} <= set(numbers) else 0.0)

    assert ["GET /a and GET /c, one after the other"] == [culprit.request for culprit in found]


def test_pairs_are_not_tried_where_one_request_explains_it():
    _, stages = find(lambda numbers: 3.0 if 0 in numbers else 0.0)

    assert all(len(numbers) == 1 for numbers in stages.asked)


def test_nobody_is_named_where_neither_one_nor_two_leak():
    found, _ = find(lambda numbers: 0.0)

    assert () == found


def test_note_of_a_request_is_told_with_it():
    found, _ = find(lambda numbers: 3.0 if 1 in numbers else 0.0, notes=["", "answered with 500", ""])

    assert ["answered with 500"] == [culprit.note for culprit in found]


def test_only_request_is_the_culprit_without_being_sent_again():
    stages = Meanings(lambda numbers: 0.0)

    (found,) = find_culprits(stages, TITLES[:1], decided(1.0), 100.0)  # type: ignore[arg-type]

    assert ("GET /a", 100.0) == (found.request, found.bytes_per_iteration)
    assert [] == stages.asked


def test_requests_that_read_alike_are_told_by_their_place():
    stages = Meanings(lambda numbers: 1.0 if 1 in numbers else 0.0)

    found = find_culprits(stages, ["GET /ping", "GET /ping", "GET /"], decided(1.0), 100.0)  # type: ignore[arg-type]

    assert ["GET /ping (no. 2 of the workload)"] == [culprit.request for culprit in found]


@pytest.mark.parametrize(
    ("meter", "size", "events"),
    [
        (Meter.HEAP_BYTES, 4000, None),
        (Meter.HEAP_BYTES, 4000, 1 / 200),
        (Meter.LIVE_BLOCKS, 50, 1 / 200),
    ],
)
def test_request_that_leaves_much_but_rarely_is_sent_until_it_has(meter, size, events):
    """Of the second request every hundredth: as if it left little each time, it was let go unseen."""
    sent, held = [0], [0]

    class Rare(Meanings):
        def alone(self, numbers: Sequence[int], count: int, meter: Meter) -> int:
            if 1 in numbers:
                before, sent[0] = sent[0], sent[0] + count
                held[0] += size * (sent[0] // 100 - before // 100)
            return held[0]

    rate = size / 200
    growth = Growth(meter=meter, per_iteration=rate, low=rate, high=rate, grows=True)
    decision = Decision(outcome=Outcome.LEAK, growth=(growth,), reason="")
    stages: Any = Rare(lambda _: 0.0)
    found = find_culprits(stages, TITLES[:2], decision, 20.0, events=events)

    assert [TITLES[1]] == [culprit.request for culprit in found]
