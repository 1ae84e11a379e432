"""What a tracer hands over: stacks and rates, before anybody has judged whose lines they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_reqleak.model.finding import Frame

RawFrame = tuple[str, int, str]
"""File, line, function; the function is empty where the tracer does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """A stack of the user's own lines that made a gauge rise."""

    gauge: str
    """The path of a holder, or `HEAP`."""
    frames: tuple[RawFrame, ...]
    """From the line outwards."""
    share: float
    """Of what the gauge rose by in all, 0 to 1."""


LARGEST_SMALL_BLOCK = 512
"""Bytes up to which Python's own allocator serves a block; larger ones lie in the C heap."""

HEAP = "heap"
"""The gauge of memory that is none of Python's: the C heap, or what is resident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSite:
    """A stack that keeps more memory after each iteration."""

    frames: tuple[RawFrame, ...]
    """From the allocation outwards."""
    bytes_per_iteration: float
    blocks_per_iteration: float
    large_bytes_per_iteration: float | None = None
    """Of those bytes, what lies in blocks too large for Python's own allocator, which the C heap
    serves; None where the tracer does not know."""
    native: bool = False
    """Whether C or Rust code allocated it, behind Python's back."""


def bare_frames(stack: Iterable[RawFrame]) -> tuple[Frame, ...]:
    """The same frames as values of a report, their source not read and their owner not judged yet."""
    return tuple(Frame(file=file, line=line, function=function, code="") for file, line, function in stack)
