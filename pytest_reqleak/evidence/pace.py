"""How long an iteration takes, as samples tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_reqleak.model.sample import Samples


def seconds_per_iteration(samples: Samples) -> float:
    """What one iteration of a stage took, its sampling included."""
    if len(samples) < 2:
        return 0.0
    return (samples.seconds[-1] - samples.seconds[0]) / max(1, samples.iterations[-1] - samples.iterations[0])
