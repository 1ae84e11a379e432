"""Say in plain words, with numbers, why a verdict is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from pytest_reqleak.analysis.floors import MEAN_BLOCK_BYTES, SEEN_BLOCKS
from pytest_reqleak.analysis.observed import Observed
from pytest_reqleak.analysis.rule import LEAST_CLOCKWORK, is_flat, shape_of
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

# Blocks that hold less of the heap's growth than this are not what makes it rise.
_NATIVE_SHARE = 0.1

_HOW = {
    Shape.FADING: "but ever more slowly",
    Shape.STEPPED: "but unevenly",
    Shape.SAWTOOTH: "but fell back in between",
}
_NOISE = "but hardly more than its noise"


class Teller:
    """Writes the sentences of one run."""

    def __init__(self, seen: Observed, unit: str, timeout: float = float("inf")) -> None:
        """Take what was seen.

        Args:
            seen: Everything so far.
            unit: What one iteration is called.
            timeout: Seconds that a run may take.
        """
        self._seen = seen
        self._unit = unit
        self._timeout = timeout

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
        flat = (
            ", while live blocks do not rise" if meters[0] is Meter.HEAP_BYTES and self._is_native() else ""
        )
        return f"{self._rises(meters[0])}, steadily over {self._many(self._seen.iterations)}{flat}"

    def _is_native(self) -> bool:
        """Whether the C heap rises by far more than the blocks of Python could hold."""
        # Where Python's objects are made in the C heap, blocks are not counted.
        if Meter.LIVE_BLOCKS not in self._seen.trends:
            return False
        blocks = self._seen.rate(Meter.LIVE_BLOCKS)
        return blocks * MEAN_BLOCK_BYTES < _NATIVE_SHARE * self._seen.rate(Meter.HEAP_BYTES)

    def unsettled(self, meters: Sequence[Meter]) -> str:
        """Something moves, and is neither steady nor flat."""
        meter, seen = meters[0], self._seen
        shape = shape_of(seen.trends[meter], least=seen.least(meter), stage=seen.confirmations)
        how = self._why_not(meter) if shape is Shape.STEADY else _HOW.get(shape, _NOISE)
        return f"{self._rises(meter)} over {self._many(seen.iterations)}, {how}; {self._remedy()}"

    def _why_not(self, meter: Meter) -> str:
        """What speaks against growth that looks steady at first sight."""
        if self._seen.is_too_soon(meter):
            return "but fell before, and may fall again"
        if self._seen.trends[meter].even_rises < LEAST_CLOCKWORK:
            return "but too few times to be certain"
        return "but may be slowing down"

    def settled(self) -> str:
        """What grew at first does so no longer."""
        seen = self._seen
        first = seen.alone(0)
        rose = [
            meter
            for meter, trend in first.trends.items()
            if meter is not Meter.CYCLIC_GARBAGE
            and not is_flat(trend, least=seen.least(meter))
            and (meter not in seen.trends or is_flat(seen.last_trend(meter), least=seen.least(meter)))
        ]
        if not rose:
            return f"nothing grew over {self._many(seen.iterations)}"
        last = self._many(seen.last_iterations())
        return f"{_NAMES[rose[0]]} rose at first, but no longer over the last {last}"

    def mapped(self) -> str:
        """RSS alone leaks."""
        return (
            f"{self._rises(Meter.RSS_BYTES)}, steadily over {self._many(self._seen.iterations)} and after "
            f"free memory was given back, while {self._others()}: memory that native code "
            "maps itself, or takes from an allocator of its own"
        )

    def resident_only(self) -> str:
        """RSS alone rises, and nothing can tell why."""
        return (
            f"{self._rises(Meter.RSS_BYTES)}, steadily over {self._many(self._seen.iterations)}, while "
            f"blocks and heap do not: fragmentation, or memory that native code maps itself; {self._remedy()}"
        )

    def flat_but_resident(self) -> str:
        """Nothing grew but RSS, which is the allocator's doing."""
        return f"nothing that is in use grew over {self._many(self._seen.iterations)}"

    def given_back(self, trimmed: float) -> str:
        """RSS rises, but free memory is all that it gains.

        Args:
            trimmed: How fast it rises once free memory was given back.
        """
        return (
            f"{self._rises(Meter.RSS_BYTES)}, but only by {format_bytes(max(0.0, trimmed))} once the "
            "C allocator has given free memory back: it is kept for reuse"
        )

    def fragmented(self, free: float) -> str:
        """RSS rises, because what is freed lies in holes that nothing fits into.

        Args:
            free: How fast the memory rises that the allocators hold and nobody uses.
        """
        return (
            f"{self._rises(Meter.RSS_BYTES)}, {format_bytes(free)} of which the allocators hold without "
            "any use: the memory is fragmented"
        )

    def below(self, meters: Sequence[Meter]) -> str:
        """Growth that is certain and too small to count."""
        return (
            f"{self._rises(meters[0])}, which is below the threshold of {format_bytes(self._seen.threshold)}"
        )

    def slow(self, meters: Sequence[Meter]) -> str:
        """Growth that is neither steady nor over, and too slow to matter."""
        return (
            f"{self._rises(meters[0])} over {self._many(self._seen.iterations)}, unevenly: less than one "
            f"in {round(1 / SEEN_BLOCKS)}, which is too slow and too irregular to be called growth"
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

    def _others(self) -> str:
        if Meter.HEAP_BYTES in self._seen.trends:
            return "blocks and heap do not"
        return "blocks do not and the heap cannot be read"

    def _remedy(self) -> str:
        # A measurement as long as all that was seen shows a bend twice as clearly, and so does
        # each of the stages after it, which last longer in turn.
        iterations = 2 * self._seen.iterations
        # Measured, confirmed, and as much again for tracing, replay and what comes after.
        seconds = 4 * iterations * self._seen.seconds_per_iteration
        timeout = f" with timeout={ceil(seconds)}" if seconds > self._timeout else ""
        return f"iterations={iterations}{timeout} would settle it"

    def _many(self, iterations: float) -> str:
        return f"{format_count(round(iterations))} {self._unit}s"
