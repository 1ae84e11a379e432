"""Builds samples column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples


def samples_at(places: Sequence[int], columns: Mapping[Meter, Sequence[int]]) -> Samples:
    """One sample per place, a millisecond per iteration."""
    return Samples(
        iterations=tuple(places),
        seconds=tuple(n * 1e-3 for n in places),
        phases=(Phase.MEASURE,) * len(places),
        readings={meter: tuple(values) for meter, values in columns.items()},
    )
