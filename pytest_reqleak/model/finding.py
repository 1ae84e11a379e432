"""What a run found: growth, where it was allocated, and what still holds it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_reqleak.model.meter import Meter


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeGrowth:
    """How many objects of one type survive each iteration."""

    type: str
    per_iteration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A container that grew, and how a person would write its name."""

    path: str
    """Such as `shop.orders.RECENT` or `shop.cache.STORE['by_user']`."""
    type: str
    growth_per_iteration: float
    """Entries per iteration."""
    size: int
    """Entries at the end."""
    bound: int | None = None
    """The most entries it will ever hold, where it knows; None: unbounded or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """A request of the workload that leaves memory behind."""

    request: str
    bytes_per_iteration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A doubt about the result that its reader should know."""

    slug: str
    text: str
