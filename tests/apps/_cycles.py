"""Garbage that only the collector frees."""

from __future__ import annotations


class Ring:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.me = self
