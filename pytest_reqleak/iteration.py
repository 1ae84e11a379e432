"""The number of an iteration, for a body and its parametrised data.

Light, as `plugin` is.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_reqleak.model.placeholder import PLACEHOLDER

FIXTURE = "reqleak_iteration"
UNREPEATABLE = pytest.StashKey[bool]()
"""Whether a test's second pass has failed, where the first has passed."""


class Iteration:
    """The arguments of one test that differ from pass to pass: none, unless it asks for the number.

    A test that does gets it as its argument `reqleak_iteration`, and in the place of
    `{i}` in its parametrised data.
    """

    def __init__(self, item: pytest.Item) -> None:
        self._arguments: dict[str, Any] = {}
        self._outer: dict[str, Any] = {}
        arguments = getattr(item, "funcargs", None)
        if not arguments or FIXTURE not in arguments:
            return
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        self._arguments = arguments
        self._outer = {
            name: arguments[name]
            for name, value in parameters.items()
            # An indirect parameter went to a fixture, which is set up once.
            if arguments.get(name) is value and _filled(value, "") != value
        }

    def set(self, number: int) -> None:
        """Let the next pass be the iteration of that number, counted from 0."""
        if self._arguments:
            self._arguments[FIXTURE] = number
        for name, value in self._outer.items():
            self._arguments[name] = _filled(value, str(number))

    def restore(self) -> None:
        """Put the parametrised data back as it was written."""
        self._arguments.update(self._outer)


def _filled(value: Any, text: str) -> Any:
    """The value with the number in every text, also within lists, tuples and dicts."""
    kind = type(value)
    if kind is str:
        return value.replace(PLACEHOLDER, text)
    if kind is bytes:
        return value.replace(PLACEHOLDER.encode(), text.encode())
    if kind is list or kind is tuple:
        return kind(_filled(entry, text) for entry in value)
    if kind is dict:
        return {_filled(name, text): _filled(entry, text) for name, entry in value.items()}
    return value
