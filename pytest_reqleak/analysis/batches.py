"""Say where the batches of a stage end.

Knows numbers only: not what a batch does.
"""

from __future__ import annotations

# Multiples of the golden ratio's fraction fill the unit interval more evenly than any
# others, so offsets taken from them repeat in no rhythm.
_GOLDEN = 0.6180339887498949

# Ends move by up to a quarter of a batch either way; two batches then differ by three
# times at most, and no stride looks like a hole.
_SPREAD = 0.5

SHORTER = 5
"""Under noise a stage takes so many times as many samples. The lowest of m readings lies
above the floor by the noise's width / m, so this tells as much as five times the iterations
would, for a fifth of a request's time per request."""


def batch_ends(iterations: int, batches: int, *, least: int = 1) -> list[int]:
    """Cut a stage into batches of uneven lengths, the same ones each time.

    A buffer that is emptied every 101 iterations, read every 100, looks for
    hundreds of batches as if it grew by one entry per batch: the readings move
    in step with it. Uneven batches break the step.

    Args:
        iterations: Of the stage, at least 1.
        batches: As many, but never more than `iterations` have room for.
        least: Iterations that each batch has; where there are fewer in all, it is one batch.

    Returns:
        Iterations done at the end of each batch, rising strictly; the last is `iterations`.
    """
    count = max(1, min(batches, iterations // least))
    length = iterations / count
    ends: list[int] = []
    for number in range(1, count):
        offset = ((number * _GOLDEN) % 1 - 0.5) * _SPREAD * length
        # Short batches leave no room: each still has the least that it may have.
        most = iterations - (count - number) * least
        ends.append(max((ends[-1] if ends else 0) + least, min(most, round(number * length + offset))))
    return [*ends, iterations]
