"""What a tracer hands over: stacks and rates, before anybody has judged whose lines they are."""

from __future__ import annotations

from dataclasses import dataclass

RawFrame = tuple[str, int, str]
"""File, line, function; the function is empty where the tracer does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSite:
    """A stack that keeps more memory after each iteration."""

    frames: tuple[RawFrame, ...]
    """From the allocation outwards."""
    bytes_per_iteration: float
    blocks_per_iteration: float
