"""What the verdict engine answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Cause, Meter


class Outcome(str, Enum):
    """Three answers, and the wish to see more."""

    CLEAN = "clean"
    LEAK = "leak"
    INCONCLUSIVE = "inconclusive"
    GO_ON = "go_on"

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that the reader of a verdict should know."""

    slug: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer, or the wish to see more."""

    outcome: Outcome
    growth: tuple[Growth, ...]
    """One per meter that every stage has."""
    grows: tuple[Meter, ...] = ()
    """What leaks; with `go_on` and `inconclusive`, what is not settled. Empty with
    `go_on`: nothing grows, but it could hide in the noise; there is nothing to trace."""
    classification: tuple[Cause, ...] = ()
    """Of what `grows`."""
    reason: str
    """One sentence; with `go_on`, what holds if the run has to end here."""
    more_iterations: int = 0
    """Of the next stage; 0 unless the outcome is `go_on`."""
    shorter_batches: bool = False
    """With `go_on`: the readings are noisy, and more of them show the floor below the noise."""
    notes: tuple[Note, ...] = ()
    hidden: float = 0.0
    """Live blocks per iteration that could grow unseen in the noise; 0 where nothing hides."""
