"""The sites of a run as an icicle: each frame as wide as the bytes that pass through it.

Knows stacks and shares; where a cell lies is said in percent and rows, not how
it is drawn. The outermost frame is at the top, the allocation at the bottom.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from pytest_reqleak.model.finding import Frame
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.paths import show_frame, show_path

NOT_EXPLAINED = "not explained"

LEAST_SHARE = 0.002
"""Of the whole; a narrower cell is not seen, and cannot be hit."""
LEAST_REST = 0.005
"""Less that no site explains is rounding."""
_LEAST_FOLDED = 3
"""Frames of libraries in a row that say no more than the first and the last of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One frame, or a row of library frames that only pass the call on."""

    label: str
    detail: str
    """Every frame of the cell, the outermost first, a line each."""
    bytes_per_iteration: float
    share: float
    """Of the whole, 0 to 1."""
    left: float
    """In percent, as `width`."""
    width: float
    row: int
    kind: str
    """`all`, `own`, `library` or `rest`."""


@dataclass(slots=True)
class _Node:
    frames: list[Frame]
    size: float = 0.0
    children: dict[tuple[str, int, str], _Node] = field(default_factory=dict)


def icicle(run: Run) -> list[Cell]:
    """Lay out the sites of a run, row by row; empty where none is known.

    What no site explains has a cell of its own, so that shares are of the whole growth.
    """
    root = _Node([])
    for site in run.sites:
        if site.bytes_per_iteration <= 0 or not site.frames:
            continue
        root.size += site.bytes_per_iteration
        node = root
        for frame in site.stack:
            key = (frame.file, frame.line, frame.function)
            node = node.children.setdefault(key, _Node([frame]))
            node.size += site.bytes_per_iteration
    explained = root.size
    # Figures that add up to more than a float holds have no shares.
    if not 0 < explained < inf:
        return []
    whole = max(explained, run.bytes_per_iteration)
    cells = [
        Cell(
            label="all",
            detail=f"everything that each {run.unit} leaves behind",
            bytes_per_iteration=whole,
            share=1.0,
            left=0.0,
            width=100.0,
            row=0,
            kind="all",
        )
    ]
    cells += _cells(root, whole, left=0.0, row=1)
    rest = whole - explained
    if rest > LEAST_REST * whole:
        cells.append(
            Cell(
                label=NOT_EXPLAINED,
                detail="what no site explains",
                bytes_per_iteration=rest,
                share=rest / whole,
                left=_percent(explained / whole),
                width=_percent(rest / whole),
                row=1,
                kind="rest",
            )
        )
    return cells


def _cells(node: _Node, whole: float, *, left: float, row: int) -> Iterator[Cell]:
    for child in sorted(node.children.values(), key=lambda child: -child.size):
        share = child.size / whole
        if share < LEAST_SHARE:
            continue
        _fold(child)
        yield Cell(
            label=_label(child.frames),
            detail="\n".join(map(show_frame, child.frames)),
            bytes_per_iteration=child.size,
            share=share,
            left=_percent(left),
            width=_percent(share),
            row=row,
            kind="own" if any(frame.own for frame in child.frames) else "library",
        )
        yield from _cells(child, whole, left=left, row=row + 1)
        left += share


def _fold(node: _Node) -> None:
    """Draw library frames that only pass the call on, and their like below, as one cell."""
    frames, below = list(node.frames), node
    while len(below.children) == 1 and not below.frames[-1].own:
        (child,) = below.children.values()
        # A site may end at this frame, and then the child is narrower.
        if child.frames[0].own or child.size < below.size * (1 - 1e-9):
            break
        frames += child.frames
        below = child
    if len(frames) >= _LEAST_FOLDED:
        node.frames, node.children = frames, below.children


def _label(frames: list[Frame]) -> str:
    first, last = frames[0], frames[-1]
    if len(frames) == 1:
        place = f"{show_path(first.file)}:{first.line}"
        return f"{first.function} · {place}" if first.function else place
    packages = list(dict.fromkeys(_package(frame) for frame in (first, last)))
    return f"{' … '.join(packages)} ({len(frames)} frames)"


def _package(frame: Frame) -> str:
    return show_path(frame.file).replace("\\", "/").lstrip("/").partition("/")[0].removesuffix(".py")


def _percent(share: float) -> float:
    return round(100 * share, 3)
