"""How a run stands against what was known before, in values, and what is too little to count."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_reqleak.model.meter import _Word

SLACK_BYTES = 0.5
"""Per iteration; below that, a share of next to nothing would be decided by noise."""
SLACK_COUNT = 0.02
"""Of descriptors, threads and the like, per iteration."""


class Standing(_Word):
    """What a baseline makes of a run that grows, or of one that no longer does."""

    NEW = "new"
    """It has no entry, or a site that its entry does not know."""
    WORSE = "worse"
    """It leaves more behind than its entry allows."""
    KNOWN = "known"
    """It leaves as much behind as its entry says."""
    BETTER = "better"
    """It leaves less behind than its entry says, or nothing: the entry should be tightened."""
    IGNORED = "ignored"
    """Rules with a reason cover all of it."""
    RECORDED = "recorded"
    """The baseline is being updated, and takes it as it is."""


ACCEPTED = frozenset({Standing.KNOWN, Standing.BETTER, Standing.IGNORED, Standing.RECORDED})
"""With these a leak is shown and passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A rule that matched, so that nobody forgets it."""

    rule: str
    """As a person reads it: `site shop/legacy/*`."""
    reason: str
    """Why the rule is there, in its author's words."""
    matched: str
    """What it matched in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselined:
    """A run held against a baseline."""

    standing: Standing
    text: str
    """One sentence with the figures."""
    file: str
    """The baseline's name, as it was given."""
    ignored: tuple[Ignored, ...] = ()
