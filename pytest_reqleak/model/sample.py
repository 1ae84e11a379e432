"""Readings of the meters over a run, kept as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_reqleak.model.meter import Meter, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One meter over the iterations.

    `iterations` and `values` have the same length; x never falls. Two readings after the
    same iteration were taken before and after something that sent no request.
    """

    meter: Meter
    iterations: tuple[int, ...]
    """Iterations done when the value was read."""
    values: tuple[int, ...]
    """Bytes or counts, as `meter.unit` says."""

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, part: slice) -> Series:
        return Series(meter=self.meter, iterations=self.iterations[part], values=self.values[part])


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Every reading of a run or of a part of it; all columns have one length."""

    iterations: tuple[int, ...]
    """Iterations done since the app was booted, warm-up included; never falls: each stage begins
    with a reading of its own."""
    seconds: tuple[float, ...]
    """Since the run began."""
    phases: tuple[Phase, ...]
    readings: Mapping[Meter, tuple[int, ...]] = field(default_factory=dict)
    """Bytes or counts, as `Meter.unit` says. A meter the platform lacks is absent, never 0."""

    def __len__(self) -> int:
        return len(self.iterations)

    def __getitem__(self, meter: Meter | str) -> tuple[int, ...]:
        return self.readings[Meter(meter)]

    def series(self, meter: Meter) -> Series | None:
        """One meter's column, or None where the platform lacks the meter."""
        values = self.readings.get(meter)
        if values is None:
            return None
        return Series(meter=meter, iterations=self.iterations, values=values)

    @property
    def live_meter(self) -> Meter:
        """What Python's objects show on: blocks, or the C heap where they are made there."""
        return Meter.LIVE_BLOCKS if Meter.LIVE_BLOCKS in self.readings else Meter.HEAP_BYTES

    def only(self, *phases: Phase) -> Samples:
        """The samples of some phases."""
        return self._pick([n for n, phase in enumerate(self.phases) if phase in phases])

    def part(self, start: int, stop: int | None = None) -> Samples:
        """The samples from position `start` up to, not including, `stop`."""
        return self._pick(range(len(self))[start:stop])

    def _pick(self, places: Sequence[int]) -> Samples:
        return Samples(
            iterations=tuple(self.iterations[n] for n in places),
            seconds=tuple(self.seconds[n] for n in places),
            phases=tuple(self.phases[n] for n in places),
            readings={meter: tuple(column[n] for n in places) for meter, column in self.readings.items()},
        )
