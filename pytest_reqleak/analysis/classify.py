"""Say what kind of memory grew, how much of each kind, and which figures say so.

What makes memory grow (tasks that never finish, cycles, a container that fills)
is told before where it lies (Python's objects, the C heap, outside of both):
whatever a pending task holds lies somewhere too, and is its victim.

Knows growth, sites and holders; not how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_reqleak.analysis.floors import MEAN_BLOCK_BYTES, MOST_OBJECT_BYTES, RESOURCES
from pytest_reqleak.model.finding import CauseGrowth, Holder
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.raw import LARGEST_SMALL_BLOCK, RawSite
from pytest_reqleak.units import format_average, format_bytes, format_count

BLOCK_BYTES = MEAN_BLOCK_BYTES
"""It only serves where no tracer ran."""

# What the heap shows above the traced bytes counts as native only from here: allocators round
# up, and a request's buffers move.
_NATIVE_SHARE, _NATIVE_BYTES = 0.1, 16.0

# Nor is anything rounded up to five times its size.
_NATIVE_TIMES = 4.0

_NOISE_SHARE = 0.05
"""Of what the heap gains, where no count of objects grows."""

_RESOURCE_NAMES = {
    Meter.TASKS: ("asyncio task", "never finishes", "never finish"),
    Meter.THREADS: ("thread", "goes on running", "go on running"),
    Meter.DESCRIPTORS: ("file descriptor", "stays open", "stay open"),
}

_ORDER = (
    Cause.RESOURCE,
    Cause.CYCLES,
    Cause.BOUNDED,
    Cause.PYTHON,
    Cause.NATIVE,
    Cause.MAPPED,
    Cause.ALLOCATOR,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Bytes per iteration by where they lie; each 0 or more."""

    python: float = 0.0
    """Python's objects, whichever allocator serves them."""
    native: float = 0.0
    """The C heap beyond those."""
    outside: float = 0.0
    """Resident memory that is in neither: mapped by a library, or of an allocator linked into it."""

    @property
    def total(self) -> float:
        """All that an iteration leaves behind."""
        return self.python + self.native + self.outside


def kinds(rates: Mapping[Meter, float]) -> tuple[Cause, ...]:
    """What the meters alone say.

    Args:
        rates: Growth per iteration of those that grow.
    """
    found = set()
    blocks = max(rates.get(Meter.LIVE_BLOCKS, 0.0), rates.get(Meter.GC_OBJECTS, 0.0))
    if blocks > 0:
        found.add(Cause.PYTHON)
    # A Python object of more than 512 bytes is one live block and lives in the C heap,
    # so heap that grows with blocks is Python's, up to what an object may hold.
    if rates.get(Meter.HEAP_BYTES, 0.0) > blocks * MOST_OBJECT_BYTES:
        found.add(Cause.NATIVE)
    if Meter.CYCLIC_GARBAGE in rates:
        found.add(Cause.CYCLES)
    if Meter.RSS_BYTES in rates:
        found.add(Cause.ALLOCATOR if len(rates) == 1 else Cause.MAPPED)
    if any(meter in RESOURCES for meter in rates):
        found.add(Cause.RESOURCE)
    return tuple(cause for cause in Cause if cause in found)


def parts_of(
    rates: Mapping[Meter, float],
    grows: Sequence[Meter],
    *,
    sites: Sequence[RawSite] = (),
    traced_bytes: float | None = None,
) -> Parts:
    """Tell where the bytes lie that an iteration leaves behind.

    The tracer knows how large a block is, the passive meter how many stay: it counts
    them over far more iterations than a window of the tracer has, so a buffer that
    happens to fill in the windows does not pass for growth.

    Args:
        rates: Growth per iteration of every meter; without live blocks, as under
            `PYTHONMALLOC=malloc`, Python's objects lie in the heap.
        grows: The meters that count as growing.
        sites: What the tracer saw grow.
        traced_bytes: Its total per iteration; None: no tracer ran.
    """
    parts = _in_heaps(rates, grows, sites=sites, traced_bytes=traced_bytes)
    if traced_bytes is None and parts.total > 0:
        # An estimate of what the objects hold is no base to tell what they do not hold.
        return parts
    resident = max(0.0, rates.get(Meter.RSS_BYTES, 0.0)) if Meter.RSS_BYTES in grows else 0.0
    return replace(parts, outside=max(0.0, resident - parts.total))


def _in_heaps(
    rates: Mapping[Meter, float],
    grows: Sequence[Meter],
    *,
    sites: Sequence[RawSite],
    traced_bytes: float | None,
) -> Parts:
    """What lies in Python's allocator and in the C heap."""
    heap = max(0.0, rates.get(Meter.HEAP_BYTES, 0.0)) if Meter.HEAP_BYTES in grows else 0.0
    if traced_bytes is None:
        python, native = _untraced(rates, grows, heap)
        return Parts(python=python, native=native)
    if Meter.LIVE_BLOCKS not in rates:
        python = min(traced_bytes, heap) if heap > 0 else traced_bytes
        return Parts(python=python, native=_if_telling(heap - python, python))
    traced_blocks = sum(site.blocks_per_iteration for site in sites)
    blocks = rates[Meter.LIVE_BLOCKS]
    python = traced_bytes * blocks / traced_blocks if traced_blocks > 0 and blocks > 0 else 0.0
    # Where something else grows for certain and objects do not, a block in a thousand requests is noise.
    others_alone = {Meter.LIVE_BLOCKS, Meter.GC_OBJECTS}.isdisjoint(grows)
    if others_alone and python < _NOISE_SHARE * heap:
        python = 0.0
    if heap <= 0:
        if python > 0 and not (others_alone and Meter.RSS_BYTES in grows):
            return Parts(python=python)
        python, native = _untraced(rates, grows, heap)
        return Parts(python=python, native=native)
    # Objects above 512 bytes come from the C heap, where they are counted a second time.
    large = sum(map(_large_bytes, sites)) * (python / traced_bytes if traced_bytes > 0 else 0.0)
    # A list that moves while it is traced is booked whole; over all iterations the heap gained its share.
    moved = max(0.0, large - heap)
    return Parts(python=python - moved, native=_if_telling(heap - large, python))


def refine(classification: Sequence[Cause], parts: Parts) -> tuple[Cause, ...]:
    """Correct what the meters alone say by what the tracer made of the bytes."""
    found = set(classification)
    if parts.python > 0:
        found.add(Cause.PYTHON)
    if parts.native > 0:
        found.add(Cause.NATIVE)
    elif parts.python > 0 and Cause.MAPPED not in found:
        found.discard(Cause.NATIVE)
    return tuple(cause for cause in Cause if cause in found)


def cause_growth(
    classification: Sequence[Cause],
    rates: Mapping[Meter, float],
    grows: Sequence[Meter],
    parts: Parts,
    *,
    holders: Sequence[Holder] = (),
    unit: str = "request",
    estimated: bool = False,
) -> tuple[CauseGrowth, ...]:
    """Give each kind its bytes and the figures that say so, what makes it grow first.

    Args:
        classification: The kinds.
        rates: Growth per iteration of every meter.
        grows: The meters that count as growing.
        parts: Where the bytes lie.
        holders: What grew by name; tells a bounded container's size.
        unit: What one iteration is called in sentences.
        estimated: Whether no tracer has told how large the blocks are.
    """
    say = _Figures(rates, grows, parts, holders, unit, estimated)
    return tuple(
        CauseGrowth(cause=cause, bytes_per_iteration=say.size(cause), text=say.text(cause))
        for cause in _ORDER
        if cause in classification and not (cause is Cause.NATIVE and _is_only_mapped(classification, parts))
    )


@dataclass(frozen=True, slots=True)
class _Figures:
    """Writes the figures of each kind."""

    rates: Mapping[Meter, float]
    grows: Sequence[Meter]
    parts: Parts
    holders: Sequence[Holder]
    unit: str
    estimated: bool

    def size(self, cause: Cause) -> float:
        """Bytes per iteration; 0 where a kind is no place where bytes lie."""
        if cause in (Cause.MAPPED, Cause.ALLOCATOR):
            return max(self.parts.outside, 0.0) or max(0.0, self.rates.get(Meter.RSS_BYTES, 0.0))
        return {Cause.PYTHON: self.parts.python, Cause.NATIVE: self.parts.native}.get(cause, 0.0)

    def text(self, cause: Cause) -> str:
        """The figures of one kind, as a clause."""
        write = {
            Cause.RESOURCE: self._resources,
            Cause.CYCLES: self._cycles,
            Cause.BOUNDED: self._bounded,
            Cause.PYTHON: self._python,
            Cause.NATIVE: self._native,
            Cause.MAPPED: self._mapped,
            Cause.ALLOCATOR: self._allocator,
        }
        return write[cause]()

    def _resources(self) -> str:
        return " and ".join(
            f"{self._each(meter)} {name}{'' if one else 's'} per {self.unit} {verb if one else verbs}"
            for meter, (name, verb, verbs) in _RESOURCE_NAMES.items()
            if meter in self.grows
            for one in [self._each(meter) == "1.0"]
        )

    def _cycles(self) -> str:
        garbage = self._each(Meter.CYCLIC_GARBAGE)
        return (
            f"{garbage} objects per {self.unit} are in reference cycles, "
            "and the app has switched the collector off"
        )

    def _bounded(self) -> str:
        held = [
            f"{holder.path} holds {format_count(holder.size)} of {format_count(holder.bound)} at most"
            for holder in self.holders
            if holder.bound is not None and holder.size < holder.bound
        ]
        return held[0] if held else "what holds it has a bound that is not reached yet"

    def _python(self) -> str:
        size = format_bytes(self.parts.python)
        if Meter.LIVE_BLOCKS in self.rates:
            about = "about " if self.estimated else ""
            return f"{self._each(Meter.LIVE_BLOCKS)} live blocks per {self.unit}, which hold {about}{size}"
        return f"{size} per {self.unit} was allocated for Python objects, as the tracer saw it"

    def _native(self) -> str:
        heap = format_bytes(self.rates.get(Meter.HEAP_BYTES, 0.0))
        if self.parts.python <= 0:
            return f"the C heap rises by {heap} per {self.unit}, for no Python object"
        native = format_bytes(self.parts.native)
        return f"the C heap rises by {heap} per {self.unit}, {native} of it for no Python object"

    def _mapped(self) -> str:
        rss = format_bytes(self.rates.get(Meter.RSS_BYTES, 0.0))
        others = "neither live blocks nor the C heap rise with it"
        if self._gained > 0:
            others = f"all that Python's objects and the C heap gain is {format_bytes(self._gained)}"
        elif Meter.HEAP_BYTES not in self.rates:
            others = "live blocks do not rise with it; what the C heap has in use cannot be read"
        return f"RSS rises by {rss} per {self.unit} even where free memory was given back, and {others}"

    def _allocator(self) -> str:
        rss = format_bytes(self.rates.get(Meter.RSS_BYTES, 0.0))
        return f"RSS rises by {rss} per {self.unit}, while live blocks and the C heap do not"

    @property
    def _gained(self) -> float:
        return self.parts.python + self.parts.native

    def _each(self, meter: Meter) -> str:
        return format_average(self.rates.get(meter, 0.0))


def _untraced(rates: Mapping[Meter, float], grows: Sequence[Meter], heap: float) -> tuple[float, float]:
    """Bytes of Python and of native code from the meters alone."""
    growing = {meter: rates[meter] for meter in grows if meter in rates}
    python = max(0.0, growing.get(Meter.LIVE_BLOCKS, 0.0)) * BLOCK_BYTES
    return (python, heap) if Cause.NATIVE in kinds(growing) else (python + heap, 0.0)


def _large_bytes(site: RawSite) -> float:
    """What a site keeps in blocks that the C heap serves."""
    if site.large_bytes_per_iteration is not None:
        return site.large_bytes_per_iteration
    is_large = site.bytes_per_iteration > LARGEST_SMALL_BLOCK * max(site.blocks_per_iteration, 1e-9)
    return site.bytes_per_iteration if is_large else 0.0


def _if_telling(native: float, python: float) -> float:
    """What the heap has gained beyond Python's objects, where that is no rounding of theirs."""
    if python <= 0:
        return max(0.0, native)
    rounded = _NATIVE_SHARE * python + min(_NATIVE_BYTES, _NATIVE_TIMES * python)
    return native if native > rounded else 0.0


def _is_only_mapped(classification: Sequence[Cause], parts: Parts) -> bool:
    return Cause.MAPPED in classification and parts.native <= 0
