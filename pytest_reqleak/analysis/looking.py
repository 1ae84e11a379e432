"""Say how much longer to measure, where the answer itself says when it is certain.

Looks are taken at lengths that double, so there are few of them, and each is
only a question: is everything flat, is something to be confirmed, or could
growth hide in noise? No look calls anything a leak; only the confirmation does,
by the same rule as in a run of a given length.

Knows answers and numbers: not who measures.
"""

from __future__ import annotations

from pytest_reqleak.analysis.decision import Decision, Outcome

MOST_DOUBLINGS = 4
"""Noise hides half as much after four times as many iterations at the worst, so 16 times as
many show a quarter of what one look shows; then the confirmation goes on."""

# A look may use up this share of the time: what it finds must be confirmed in the rest.
_TIME_SHARE = 0.25


def look_again(
    decision: Decision | None,
    iterations: int,
    *,
    certain: int,
    iteration_seconds: float = 0.0,
    seconds_left: float = float("inf"),
) -> int:
    """How many iterations more the measurement needs; 0: the next step is another one.

    Args:
        decision: Of the last look; None: there was none yet.
        iterations: Measured so far.
        certain: Where nothing grew in so many, nothing does that must be seen.
        iteration_seconds: What one takes; 0.0 where it is not known.
        seconds_left: For the whole run.
    """
    if decision is None:
        # What leaks plainly shows in half as many.
        return max(1, certain // 2)
    if decision.outcome is Outcome.CLEAN:
        more = max(0, certain - iterations)
    elif decision.outcome is Outcome.GO_ON and not decision.grows:
        more = iterations if iterations < certain * 2**MOST_DOUBLINGS else 0
    else:
        more = 0
    if more * iteration_seconds > _TIME_SHARE * seconds_left:
        return 0
    return more
