"""Say in plain words, with numbers, why a verdict is what it is."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_reqleak.analysis.observed import Observed
from pytest_reqleak.analysis.rule import is_flat, shape_of
from pytest_reqleak.analysis.trend import Shape
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.units import format_average, format_bytes, format_count

_NAMES = {
    Meter.LIVE_BLOCKS: "live blocks",
    Meter.HEAP_BYTES: "the C heap",
    Meter.GC_OBJECTS: "objects of the collector",
    Meter.RSS_BYTES: "RSS",
    Meter.DESCRIPTORS: "open descriptors",
    Meter.THREADS: "threads",
    Meter.TASKS: "unfinished tasks",
    Meter.CYCLIC_GARBAGE: "objects that only the disabled collector could free",
}
_ONE = (Meter.HEAP_BYTES, Meter.RSS_BYTES)
"""Named in the singular."""

_HOW = {
    Shape.STEADY: "but too few times to be certain",
    Shape.FADING: "but ever more slowly",
    Shape.STEPPED: "but unevenly",
    Shape.SAWTOOTH: "but fell back in between",
}


class Teller:
    """Writes the sentences of one run."""

    def __init__(self, seen: Observed, unit: str) -> None:
        """Take what was seen.

        Args:
            seen: Everything so far.
            unit: What one iteration is called.
        """
        self._seen = seen
        self._unit = unit

    def too_short(self) -> str:
        """Fewer than two samples."""
        return "fewer than two samples were taken, so nothing can be said; more batches would settle it"

    def flat(self) -> str:
        """Nothing grew in the measurement."""
        return f"nothing grew over {self._many(self._seen.measured)}"

    def noisy(self) -> str:
        """Nothing grew, as far as the noise lets see."""
        most = self._seen.most(Meter.LIVE_BLOCKS)
        return (
            f"live blocks do not rise over {self._many(self._seen.iterations)}, but less than "
            f"{format_average(most)} per {self._unit} could hide in their noise"
        )

    def unconfirmed(self, meters: Sequence[Meter]) -> str:
        """Something rises and has not been watched for long enough."""
        return (
            f"{self._rises(meters[0])} over {self._many(self._seen.iterations)}, "
            f"which is too short to be certain; {self._remedy()}"
        )

    def steady(self, meters: Sequence[Meter]) -> str:
        """A leak."""
        flat = ", while live blocks do not rise" if meters[0] is Meter.HEAP_BYTES else ""
        return f"{self._rises(meters[0])}, steadily over {self._many(self._seen.iterations)}{flat}"

    def unsettled(self, meters: Sequence[Meter]) -> str:
        """Something moves, and is neither steady nor flat."""
        meter, seen = meters[0], self._seen
        shape = shape_of(seen.trends[meter], least=seen.least(meter), stage=seen.confirmations)
        how = _HOW.get(shape, "but hardly more than its noise")
        return f"{self._rises(meter)} over {self._many(seen.iterations)}, {how}; {self._remedy()}"

    def settled(self) -> str:
        """What grew at first does so no longer."""
        seen = self._seen
        first = seen.alone(0)
        rose = [
            meter
            for meter, trend in first.trends.items()
            if meter is not Meter.CYCLIC_GARBAGE and not is_flat(trend, least=seen.least(meter))
        ]
        if not rose:
            return f"nothing grew over {self._many(seen.iterations)}"
        last = self._many(seen.last_iterations())
        return f"{_NAMES[rose[0]]} rose at first, but no longer over the last {last}"

    def mapped(self) -> str:
        """RSS alone leaks."""
        return (
            f"{self._rises(Meter.RSS_BYTES)}, steadily over {self._many(self._seen.iterations)} and after "
            "free memory was given back, while blocks and heap do not: memory that native code maps itself"
        )

    def resident_only(self) -> str:
        """RSS alone rises, and nothing can tell why."""
        return (
            f"{self._rises(Meter.RSS_BYTES)}, steadily over {self._many(self._seen.iterations)}, while "
            f"blocks and heap do not: fragmentation, or memory that native code maps itself; {self._remedy()}"
        )

    def given_back(self) -> str:
        """RSS rises, but free memory is all that it gains."""
        return (
            f"{self._rises(Meter.RSS_BYTES)}, but not once the C allocator has given free memory back: "
            "it is kept for reuse, or fragmented"
        )

    def below(self, meters: Sequence[Meter]) -> str:
        """Growth that is certain and too small to count."""
        return (
            f"{self._rises(meters[0])}, which is below the threshold of {format_bytes(self._seen.threshold)}"
        )

    def cycles(self) -> str:
        """Advice on cyclic garbage."""
        rate = format_average(self._seen.rate(Meter.CYCLIC_GARBAGE))
        return (
            f"{rate} objects per {self._unit} are in reference cycles, so that only the cyclic "
            "collector frees them"
        )

    def _rises(self, meter: Meter) -> str:
        rate = self._seen.rate(meter)
        amount = format_bytes(rate) if meter.unit else format_average(rate)
        return f"{_NAMES[meter]} {'rises' if meter in _ONE else 'rise'} by {amount} per {self._unit}"

    def _remedy(self) -> str:
        # Twice what was seen: a measurement of that length and a confirmation as long again.
        return f"iterations={2 * self._seen.iterations} would settle it"

    def _many(self, iterations: float) -> str:
        return f"{format_count(round(iterations))} {self._unit}s"
