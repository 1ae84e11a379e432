"""The settings of one run, after every source of them has been read."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_ITERATIONS = 2000
DEFAULT_BATCHES = 50
DEFAULT_TIMEOUT_SECONDS = 300.0

# The smallest leak that we promise to find is one object in 250 requests, and the
# smallest object is one block of 16 bytes: 0.064 B per request. Anything that is
# certain and above this is reported; raise the threshold to tolerate more.
DEFAULT_THRESHOLD_BYTES = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do in one run; every value has been checked."""

    iterations: int = DEFAULT_ITERATIONS
    """Of the measurement; warm-up and confirmation come on top."""
    batches: int = DEFAULT_BATCHES
    """Samples of the measurement; never more than `iterations`."""
    warmup: int | None = None
    """Iterations before the measurement; None: until the growth has settled."""
    threshold: float = DEFAULT_THRESHOLD_BYTES
    """Bytes per iteration from which certain growth is a leak."""
    server: str = "bundled"
    interface: str = "auto"
    concurrency: int = 1
    trace: str = "auto"
    """`auto`: only when something grows; `always`: between all batches; `never`."""
    tracer: str = "tracemalloc"
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    """Seconds for the whole run; it ends as inconclusive rather than exceed them."""
    factory: bool = False
    """Whether the target is called to make the app."""

    @property
    def batch_iterations(self) -> int:
        """Iterations of one batch, at least 1."""
        return max(1, self.iterations // self.batches)
