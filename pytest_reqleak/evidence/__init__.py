"""Gather what leads to the line to change: sites, lines, holders, culprits, cycles, and whether replay grows.

Runs only when something grows. Knows how long each inquiry may take and what it
needs; what its findings mean for the verdict is decided elsewhere.
"""

from pytest_reqleak.evidence.culprits import find_culprits
from pytest_reqleak.evidence.deeper import Deeper, look_deeper
from pytest_reqleak.evidence.pace import seconds_per_iteration
from pytest_reqleak.evidence.rates import fresh_rates
from pytest_reqleak.evidence.replay import stops_on_replay
from pytest_reqleak.evidence.tracing import ALWAYS_FRAMES, Traced, trace
from pytest_reqleak.evidence.unlisted import unlisted_types

__all__ = [
    "ALWAYS_FRAMES",
    "Deeper",
    "Traced",
    "find_culprits",
    "fresh_rates",
    "look_deeper",
    "seconds_per_iteration",
    "stops_on_replay",
    "trace",
    "unlisted_types",
]
