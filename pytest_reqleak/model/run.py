"""The result of one run: everything a report needs, nothing of the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_reqleak.model.finding import Caveat, Culprit, Growth, Holder, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.sample import Samples

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What called the app."""

    name: str
    version: str
    interface: str
    """`asgi` or `wsgi`; `body` where a test's own code was the workload."""
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run and its answer; the names are those of the JSON."""

    verdict: Verdict
    reason: str
    """One sentence that says why the verdict is what it is."""
    classification: tuple[Cause, ...] = ()
    target: str
    """The app's import string or name, or the test's node id."""
    server: ServerInfo
    requests: tuple[str, ...] = ()
    """Titles of the workload's requests; empty for a test's body."""
    iterations: int
    """Of the measurement."""
    batches: int
    warmup_iterations: int
    total_iterations: int
    """Everything that was sent: warm-up, measurement, confirmation and tracing."""
    bytes_per_iteration: float
    blocks_per_iteration: float
    threshold: float
    """Bytes per iteration."""
    growth: tuple[Growth, ...] = ()
    samples: Samples
    sites: tuple[Site, ...] = ()
    explained: float | None = None
    """Share of the measured growth that the sites add up to; None: not traced."""
    types: tuple[TypeGrowth, ...] = ()
    holders: tuple[Holder, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """`boot`, `warmup`, `measure`, `confirm`, `trace`: seconds spent in each."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Versions and settings that a reader needs to repeat the run."""

    @property
    def unit(self) -> str:
        """What one iteration is: a `request`, or an `iteration` of a test's body or of several requests."""
        return "request" if self.requests else "iteration"

    def growth_of(self, meter: Meter) -> Growth | None:
        """The growth of one meter, or None where it was not read."""
        return next((growth for growth in self.growth if growth.meter is meter), None)
