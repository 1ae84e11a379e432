"""The settings of one run, after every source of them has been read."""

from __future__ import annotations

from typing import NamedTuple

DEFAULT_ITERATIONS = 2000
DEFAULT_BATCHES = 50

# Where nothing was seen to grow in n iterations, no more than 4.6/n can, with 99 % certainty,
# were its moments chance (exp(-4.6) = 1 %): after 1,200 that is one block in 260, the smallest
# leak that we promise to find.
AUTO_ITERATIONS = 1200
DEFAULT_TIMEOUT_SECONDS = 300.0

# A batch is as long as the concurrency at least. The first look takes half of them: with fewer
# than five samples a stage cannot show that a rise was the only one.
AUTO_BATCHES = 10

MOST_ADVISED_ITERATIONS = 1_000_000
"""More than anybody would wait for is no advice: at 4,000 a second they take four minutes."""

# The smallest leak that we promise to find is one object in 250 requests, and the
# smallest object is one block of 16 bytes: 0.064 B per request. Anything that is
# certain and above this is reported; raise the threshold to tolerate more.
DEFAULT_THRESHOLD_BYTES = 0.05


# Not a dataclass: making one takes three milliseconds, in every session that has the plugin.
class Plan(NamedTuple):
    """What to do in one run; every value has been checked."""

    iterations: int | None = DEFAULT_ITERATIONS
    """Of the measurement; warm-up and confirmation come on top. None: until the answer is certain."""
    batches: int = DEFAULT_BATCHES
    """Samples of the measurement; so few that each batch has as many iterations as `concurrency`."""
    warmup: int | None = None
    """Iterations before the measurement; None: until the growth has settled."""
    threshold: float = DEFAULT_THRESHOLD_BYTES
    """Bytes per iteration from which certain growth is a leak."""
    server: str = "bundled"
    server_args: tuple[str, ...] = ()
    """Added to the command line of a server that runs in a process of its own."""
    isolate: bool = False
    """Whether the bundled server runs in a process of its own; others than ours always do."""
    python_malloc: str = "pymalloc"
    """What serves Python's objects in a process that we start: `pymalloc` or `malloc`."""
    allocator: str = "glibc"
    """What serves C code in a process that we start: `glibc` (the C library's own), or another."""
    interface: str = "auto"
    concurrency: int = 1
    trace: str = "auto"
    """`auto`: only when something grows; `always`: between all batches; `never`."""
    tracer: str = "tracemalloc"
    memray_capture: str | None = None
    """Where memray's capture is kept, an absolute path; None: nowhere."""
    gc: str = "collect"
    """`collect`: garbage is collected before each sample; `natural`: that is left to the app."""
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    """Seconds for the whole run; it ends as inconclusive rather than exceed them."""
    factory: bool = False
    """Whether the target is called to make the app."""

    @property
    def least_iterations(self) -> int:
        """Of a measurement that sees nothing grow."""
        if self.iterations is None:
            return max(AUTO_ITERATIONS, AUTO_BATCHES * self.concurrency)
        return self.iterations

    @property
    def starts_process(self) -> bool:
        """Whether the app runs in a process of its own."""
        return self.isolate or self.server not in ("bundled", "direct")

    @property
    def batch_iterations(self) -> int:
        """Iterations of one batch, at least 1."""
        return max(1, self.least_iterations // self.batches)
