"""A value of a JSON document together with where it stands, so that a refusal can name it.

Knows JSON's own types only; not what a report holds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from enum import Enum
from typing import Any, NoReturn, TypeVar

from pytest_reqleak.errors import UsageError

Word = TypeVar("Word", bound=Enum)

MOST_SHOWN = 60
"""Characters of a refused value that a message shows."""


class Place:
    """One value and its address: `run.json: growth[2].meter`.

    Every reading method raises `UsageError`, in one line, for a value of another type.
    """

    __slots__ = ("address", "file", "value")

    def __init__(self, value: Any, file: str, address: str = "") -> None:
        self.value = value
        self.file = file
        self.address = address

    @property
    def where(self) -> str:
        """How a message begins."""
        return f"{self.file}: {self.address}" if self.address else self.file

    @property
    def is_null(self) -> bool:
        """Whether the value is null: not known."""
        return self.value is None

    def __getitem__(self, name: str) -> Place:
        """One field of an object."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        if name not in self.value:
            raise UsageError(f"{self.where}: field {name!r} is missing")
        return Place(self.value[name], self.file, f"{self.address}.{name}" if self.address else name)

    def optional(self, name: str, otherwise: Any) -> Place:
        """One field of an object, or another value where the document does not have it."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        if name not in self.value:
            return Place(otherwise, self.file, f"{self.address}.{name}" if self.address else name)
        return self[name]

    def __iter__(self) -> Iterator[Place]:
        """The entries of a list."""
        if not isinstance(self.value, list):
            self.refuse("must be a list")
        for number, entry in enumerate(self.value):
            yield Place(entry, self.file, f"{self.address}[{number}]")

    def entries(self) -> Iterator[tuple[str, Place]]:
        """The fields of an object whose names are free."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        for name in self.value:
            yield name, self[name]

    def text(self) -> str:
        """The value, which must be text."""
        if not isinstance(self.value, str):
            self.refuse("must be text")
        return str(self.value)

    def number(self) -> float:
        """The value, which must be a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            self.refuse("must be a number")
        try:
            number = float(self.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse("is too large a number")
        return number

    def whole(self) -> int:
        """The value, which must be a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.refuse("must be a whole number")
        return int(self.value)

    def count(self) -> int:
        """The value, which must be a whole number that is not negative."""
        if self.whole() < 0:
            self.refuse("must be 0 or more")
        return int(self.value)

    def truth(self) -> bool:
        """The value, which must be true or false."""
        if not isinstance(self.value, bool):
            self.refuse("must be true or false")
        return bool(self.value)

    def word(self, words: type[Word]) -> Word:
        """The value, which must be one of a closed set of words."""
        try:
            return words(self.value)
        except ValueError:
            self.refuse(f"must be one of {', '.join(str(word.value) for word in words)}")

    def refuse(self, why: str) -> NoReturn:
        """Raise `UsageError` with the value, cut to one short line."""
        shown = json.dumps(self.value)
        if len(shown) > MOST_SHOWN:
            shown = f"{shown[: MOST_SHOWN - 3]}..."
        raise UsageError(f"{self.where} = {shown}: {why}")
