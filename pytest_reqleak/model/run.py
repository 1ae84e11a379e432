"""The result of one run: everything a report needs, nothing of the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_reqleak.model.finding import CauseGrowth, Caveat, Culprit, Cycle, Growth, Holder, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.sample import Samples
from pytest_reqleak.model.standing import ACCEPTED, Baselined

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What called the app."""

    name: str
    version: str
    interface: str
    """`asgi`, `rsgi` or `wsgi`; `body` where a test's own code was the workload."""
    pid: int
    """Of the process that was measured."""
    isolated: bool = False
    """Whether that is a process of its own, which was started for the run."""
    allocator: str = ""
    """What serves C code there, such as `glibc 2.36`; empty: not known."""
    python_malloc: str = ""
    """What serves Python's objects there: `pymalloc` or `malloc`; empty: not known."""
    arguments: tuple[str, ...] = ()
    """What the user has added to the server's command line."""


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
    causes: tuple[CauseGrowth, ...] = ()
    """Each kind of `classification` with its bytes and figures, what makes it grow first."""
    culprits: tuple[Culprit, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    """Garbage that only the collector frees, where that is part of the leak."""
    caveats: tuple[Caveat, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """`boot`, `warmup`, `measure`, `confirm`, `trace`: seconds spent in each."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Versions and settings that a reader needs to repeat the run."""
    test: str = ""
    """Node id of the test that measured it; empty outside pytest."""
    baseline: Baselined | None = None
    """How it stands against the baseline; None: there is none, or it has nothing to say."""

    @property
    def unit(self) -> str:
        """What one iteration is: a `request`, or an `iteration` of a test's body or of several requests."""
        return "request" if self.requests else "iteration"

    @property
    def is_accepted(self) -> bool:
        """Whether it is a leak that the baseline knows or ignores: shown, and no failure."""
        return (
            self.verdict is Verdict.LEAK and self.baseline is not None and self.baseline.standing in ACCEPTED
        )

    @property
    def name(self) -> str:
        """What tells it from the other runs of a session: `shop.main:app in tests/test_shop.py::test_it`."""
        if not self.test or self.test == self.target:
            return self.target
        return f"{self.target} in {self.test}"

    def growth_of(self, meter: Meter) -> Growth | None:
        """The growth of one meter, or None where it was not read."""
        return next((growth for growth in self.growth if growth.meter is meter), None)
