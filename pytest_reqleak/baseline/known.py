"""What a baseline holds: the growth that is known of each workload, and rules of what to ignore.

Values only; how they are written is the business of `document`, what they mean
for a run that of `compare`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.run import Run

DEFAULT_TOLERANCE = 0.2
"""Share by which growth may differ: objects have other sizes on other versions of Python."""

TABLE_BYTES = 64
"""Per block that stays: so much more or less may the table of its container take, as it is longer or shorter.

A list's table grows in steps of an eighth, those of a dict and of a set at least double: one and the same
leak was seen to take 16 to 25 B per request in a list, 44 to 94 B in a dict."""

_MOST_TITLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The known growth of one workload."""

    bytes_per_iteration: float
    blocks_per_iteration: float | None = None
    """Of memory, which are as many however long the containers are; None: not known."""
    tolerance: float | None = None
    """Share; None: the baseline's own."""
    sites: Mapping[str, float] = field(default_factory=dict)
    """Bytes per iteration by the name of the site; empty: not traced, so only the total is compared."""
    counts: Mapping[str, float] = field(default_factory=dict)
    """Growth per iteration of meters that are no memory: `threads`, `descriptors`."""
    reason: str = ""
    """Why it is tolerated, where somebody wrote that down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something to leave out of the judgement; what it names are patterns with `*` and `?`."""

    reason: str
    site: str = ""
    type: str = ""
    holder: str = ""
    endpoint: str = ""
    """A request such as `GET /orders/*`, a target or a test. Beside another pattern: where that one holds."""

    @property
    def text(self) -> str:
        """How reports name it: `site shop/legacy/* at endpoint GET /old`."""
        parts = [
            f"{name} {pattern}"
            for name, pattern in (("site", self.site), ("type", self.type), ("holder", self.holder))
            if pattern
        ]
        if self.endpoint:
            parts.append(f"endpoint {self.endpoint}")
        return " at ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline file, read."""

    file: str
    """As reports name it."""
    tolerance: float = DEFAULT_TOLERANCE
    rules: tuple[Rule, ...] = ()
    known: Mapping[str, Entry] = field(default_factory=dict)
    """By `key_of` a run."""

    def tolerance_of(self, entry: Entry | None) -> float:
        """The share by which a growth may differ from its entry."""
        return self.tolerance if entry is None or entry.tolerance is None else entry.tolerance


def key_of(run: Run) -> str:
    """Name a workload so that the next run finds its entry: a test, or an app and its requests."""
    if not run.requests:
        return run.target
    if len(run.requests) <= _MOST_TITLES:
        return f"{run.target}: {', '.join(run.requests)}"
    # A workload of many requests is known by its first ones, and by a digest of all.
    digest = hashlib.sha256("\n".join(run.requests).encode("utf-8", "backslashreplace")).hexdigest()[:8]
    more = len(run.requests) - _MOST_TITLES
    return f"{run.target}: {', '.join(run.requests[:_MOST_TITLES])} and {more} more ({digest})"


def counts_of(run: Run) -> dict[str, float]:
    """What grows besides memory, per iteration."""
    memory = (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS)
    return {
        str(growth.meter): growth.per_iteration
        for growth in run.growth
        if growth.grows and not growth.meter.unit and growth.meter not in memory
    }
