"""Turn what a tracer saw at its marks into stacks that grow.

What is retained at the end of a window is not what grows: a full ring buffer
holds as many bytes after 2n iterations as after n. So only differences
between marks count, and only where each window adds to them.

Knows numbers and stacks; not which tracer they are from.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from statistics import median

from pytest_reqleak.model.raw import RawFrame, RawSite

Stack = tuple[RawFrame, ...]

_DROPS = 0.25
"""A stack may lose so much of what it gains and still count as growing."""
_ENVELOPE_MARKS = 4
_JUMP = 3.0
_MOST_MOVED = 2
"""Large blocks that came in all the windows, and may be a list and a dict that moved."""
_AGENT_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_HARNESS_FOLDER = os.path.dirname(os.path.dirname(_AGENT_FOLDER)) + os.sep
# What these make for a request (its scope, headers, body) the app may keep: that is its leak.
_REQUEST_FOLDERS = (f"{_HARNESS_FOLDER}servers{os.sep}", f"{_HARNESS_FOLDER}drivers{os.sep}")
_TRACER_FILES = (f"{os.sep}tracemalloc.py", f"{os.sep}memray{os.sep}")


class Marks:
    """What was held at each mark, by stack."""

    def __init__(self) -> None:
        self._iterations: list[int] = []
        # Of each stack four columns: bytes, blocks, bytes in large blocks, large blocks.
        self._columns: dict[Stack, tuple[array[int], ...]] = {}
        self._knows_large = False

    def add(self, iterations: int, held: Mapping[Stack, tuple[int, ...]]) -> None:
        """Note what every stack holds after so many iterations; they never fall.

        Args:
            iterations: Done by then.
            held: Bytes and blocks, and where that is known the bytes in large blocks, and
                how many of these there are.
        """
        place = len(self._iterations)
        self._iterations.append(iterations)
        nothing = bytes(8 * place)
        for stack, figures in held.items():
            self._knows_large = self._knows_large or len(figures) > 2
            columns = self._columns.get(stack)
            if columns is None:
                # A stack that was not there at earlier marks held nothing then.
                columns = tuple(array("q", nothing) for _ in range(4))
                self._columns[stack] = columns
            for column, figure in zip(columns, figures, strict=False):
                if len(column) < place:
                    column.frombytes(nothing[: 8 * (place - len(column))])
                column.append(figure)

    def growth(self) -> tuple[RawSite, ...]:
        """The stacks that hold more from mark to mark, most bytes first.

        The first window fills what only turns over (free lists, ring buffers), as
        little or nothing was traced before it; where there are two, it is left out.
        """
        first = 1 if len(self._iterations) >= 3 else 0
        xs = self._iterations[first:]
        if len(xs) < 2 or xs[-1] <= xs[0]:
            return ()
        sites = []
        for stack, columns in self._columns.items():
            whole = (_column(column, len(self._iterations))[first:] for column in columns)
            sizes, blocks, large = _without_moved(*whole)
            rate, block_rate = steady_rates(xs, sizes, blocks)
            if rate <= 0:
                continue
            sites.append(
                RawSite(
                    frames=stack,
                    bytes_per_iteration=rate,
                    blocks_per_iteration=block_rate,
                    large_bytes_per_iteration=(
                        min(rate, steady_rate(xs, large)) if self._knows_large else None
                    ),
                )
            )
        return tuple(sorted(sites, key=lambda site: -site.bytes_per_iteration))


def _column(values: array[int], length: int) -> list[int]:
    return [*values, *[0] * (length - len(values))]


def steady_rates(xs: Sequence[int], sizes: Sequence[int], blocks: Sequence[int]) -> tuple[float, float]:
    """Bytes and blocks per iteration; 0.0 where it does not grow steadily."""
    sizes, blocks = _without_jump(sizes, blocks)
    rate = steady_rate(xs, sizes)
    return rate, max(0.0, steady_rate(xs, blocks)) if rate > 0 else 0.0


def steady_rate(xs: Sequence[int], ys: Sequence[int]) -> float:
    """Slope of what keeps growing; 0.0 where it falls back.

    With four marks or more a saw-tooth is replaced by its lower envelope (what
    no later mark goes below), and both halves of that must rise.
    """
    drops = sum(max(0, before - after) for before, after in pairwise(ys))
    if drops and len(ys) >= _ENVELOPE_MARKS:
        ys = [min(ys[place:]) for place in range(len(ys))]
        middle = len(ys) // 2
        early = (ys[middle] - ys[0]) / max(1, xs[middle] - xs[0])
        late = (ys[-1] - ys[middle]) / max(1, xs[-1] - xs[middle])
        return max(0.0, min(early, late))
    total = ys[-1] - ys[0]
    if total <= 0 or drops > _DROPS * total:
        return 0.0
    return total / (xs[-1] - xs[0])


def _without_jump(sizes: Sequence[int], blocks: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Take out one old block that moved.

    A list or dict that grows is allocated anew now and then, and the tracer
    then books all of it, entries of long ago included, on the line that
    happened to be running.
    """
    steps = [after - before for before, after in pairwise(sizes)]
    if len(steps) < 3:
        return sizes, blocks
    worst = max(range(len(steps)), key=lambda place: steps[place])
    block_steps = [after - before for before, after in pairwise(blocks)]
    others = [step for place, step in enumerate(steps) if place != worst]
    usual_blocks = median(step for place, step in enumerate(block_steps) if place != worst)
    usual = median(others)
    extra = steps[worst] - usual
    if extra <= _JUMP * max(sum(others), 0) or extra < 512 or block_steps[worst] > usual_blocks + 1:
        return sizes, blocks
    flat = [size - (extra if place > worst else 0) for place, size in enumerate(sizes)]
    extra_blocks = block_steps[worst] - usual_blocks
    return (
        [int(size) for size in flat],
        [int(n - (extra_blocks if place > worst else 0)) for place, n in enumerate(blocks)],
    )


def _without_moved(
    sizes: Sequence[int], blocks: Sequence[int], large: Sequence[int], n_large: Sequence[int]
) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Take out the old large blocks that moved, where large blocks are counted.

    A large list that is appended to from one line moves once out of what the tracer
    had not seen; from then on it is one block that grows. A line that leaves large
    blocks behind has ever more of them.
    """
    come = [after - before for before, after in pairwise(n_large)]
    if not 0 < sum(map(abs, come)) <= _MOST_MOVED:
        return sizes, blocks, large
    steps = [after - before for before, after in pairwise(large)]
    usual = int(median([step for step, n in zip(steps, come, strict=True) if n == 0] or [0]))
    extra = [step - usual if n > 0 else 0 for step, n in zip(steps, come, strict=True)]
    moved_bytes, moved_blocks = [0, *accumulate(extra)], [0, *accumulate(max(0, n) for n in come)]
    return (
        [size - moved for size, moved in zip(sizes, moved_bytes, strict=True)],
        [count - moved for count, moved in zip(blocks, moved_blocks, strict=True)],
        [size - moved for size, moved in zip(large, moved_bytes, strict=True)],
    )


def is_ours(frames: Sequence[RawFrame] | Sequence[tuple[str, int]]) -> bool:
    """Whether the harness made the allocation, and not to hand it to the app."""
    file = frames[0][0] if frames else ""
    if file.startswith(_HARNESS_FOLDER):
        return not file.startswith(_REQUEST_FOLDERS)
    return any(part in file for part in _TRACER_FILES)
