"""Builds samples from functions of the iteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from analysis_samples import samples_at

from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.sample import Samples

MakeSamples = Callable[..., Samples]


@pytest.fixture
def make_samples() -> MakeSamples:
    """Samples at every `batch` iterations in [start, stop], minus a hole."""

    def make(
        columns: Mapping[Meter, Callable[[int], float]],
        *,
        start: int = 0,
        stop: int = 2000,
        batch: int = 40,
        hole: tuple[int, int] | None = None,
    ) -> Samples:
        places = [n for n in range(start, stop + 1, batch) if hole is None or not hole[0] < n < hole[1]]
        return samples_at(places, {meter: [int(read(n)) for n in places] for meter, read in columns.items()})

    return make
