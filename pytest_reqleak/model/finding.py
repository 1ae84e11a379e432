"""What a run found: growth, where it was allocated, and what still holds it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_reqleak.model.meter import Cause, Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How much each iteration leaves behind on one meter."""

    meter: Meter
    per_iteration: float
    """Bytes or counts per iteration; negative: it shrank."""
    low: float
    high: float
    """Ends of the 95 % interval of `per_iteration`."""
    grows: bool
    """Whether this meter counts as growing: steady, certain and above its floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One line of a stack."""

    file: str
    line: int
    function: str
    """Empty where the tracer does not know it."""
    code: str
    """The source line, stripped; empty where the file cannot be read."""
    own: bool = False
    """Whether it is the user's own code: not a library, the server or the harness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A stack where memory was allocated that is still held."""

    bytes_per_iteration: float
    blocks_per_iteration: float
    category: str
    """`pydantic model`, `sqlalchemy cache key`, `hmac`, …, or `python` where no rule matches."""
    frames: tuple[Frame, ...]
    """The user's first own frame first, then the rest from the allocation outwards."""
    remedy: str = ""
    """One sentence that says what usually helps; empty where none is known to be true."""
    inner: int = 0
    """How many of the frames after the first lie between it and the allocation."""

    @property
    def stack(self) -> tuple[Frame, ...]:
        """The frames as they called each other: the outermost first, the allocation last."""
        first, rest = self.frames[:1], self.frames[1:]
        return (*rest[self.inner :][::-1], *first, *rest[: self.inner][::-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeGrowth:
    """How many objects of one type survive each iteration."""

    type: str
    per_iteration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One object on the way from a name to what it keeps alive."""

    step: str
    """How the object before it leads here: `['by_user']`, `.parent`; of the first one the name itself."""
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A container that grew, and how a person would write its name; or tasks, threads, descriptors."""

    path: str
    """Such as `shop.orders.RECENT` or `shop.cache.STORE['by_user']`."""
    type: str
    growth_per_iteration: float
    """Entries per iteration."""
    size: int
    """Entries at the end."""
    bound: int | None = None
    """The most entries it will ever hold, where it knows; None: unbounded or unknown."""
    frames: tuple[Frame, ...] = ()
    """Who adds to it, the user's line first; of tasks, threads and descriptors: who makes them."""
    entry: str = ""
    """The type of what was added last; empty where that is not known."""
    keys: tuple[str, ...] = ()
    """A few of the newest keys, as far as they can be shown without running their code."""
    keyed_by: str = ""
    """The part of a request that the keys are made of: `the path of GET /items/{i}`."""
    ends_in: str = ""
    """The type of a native object beyond which Python cannot see; empty where the whole way is known."""
    links: tuple[Link, ...] = ()
    """The way from a name to the container."""
    life_seconds: float = 0.0
    """The age at which its entries were seen to be taken out, rounded up; 0: they were not."""

    @property
    def is_weak(self) -> bool:
        """Whether it keeps nothing alive: whatever it lists is kept by something else."""
        return self.type.endswith((".WeakSet", ".WeakValueDictionary"))

    @property
    def is_full(self) -> bool:
        """Whether it has reached its bound, so that it grows no more."""
        return self.bound is not None and self.size >= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseGrowth:
    """How much of one kind grew, and what says so."""

    cause: Cause
    bytes_per_iteration: float
    """0 where the kind is no place where bytes lie: what a pending task holds is `python`."""
    text: str
    """The figures, as a clause: `6.0 live blocks per request, which hold 553 B`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """A request of the workload that leaves memory behind, or two that do when they follow each other."""

    request: str
    bytes_per_iteration: float
    note: str = ""
    """What else must be known of it: `answered with 500`, `the client disconnects`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """Objects that refer to each other in a ring, so that only the collector frees them."""

    objects_per_iteration: float
    """Of all garbage like it."""
    types: tuple[TypeGrowth, ...]
    """Of that garbage, the most numerous first."""
    path: tuple[Link, ...]
    """Once around one ring; the last link leads back to the first object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A doubt about the result that its reader should know."""

    slug: str
    text: str
