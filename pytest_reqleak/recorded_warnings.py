"""Keep recorded warnings, and the texts that Python remembers of them, out of the count.

Knows the `warnings` module, whose recorded list and registries it looks at from
outside: there is no public way to the list that pytest has opened.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, MutableSequence
from typing import Any

from pytest_reqleak.model.finding import Caveat

MOST_RECORDS = 100
"""Warnings that are kept of the beginning, and again of the end."""


class RecordedWarnings:
    """The list that `catch_warnings(record=True)` fills, and the registries beside it.

    A warning that is shown once per place leaves its text in its module's
    `__warningregistry__`. Python's default filters do so outside pytest too, which
    is why removing it is told as a caveat.
    """

    def __init__(self, recorded: MutableSequence[Any] | None) -> None:
        self._recorded = recorded
        self._head: list[Any] | None = None
        self._sizes: dict[str, int] | None = None
        self._texts: dict[str, int] = {}

    def empty(self) -> None:
        """Forget what was recorded, but keep the beginning the first time."""
        if self._recorded is not None and self._head is not None and not self._recorded:
            return
        self._forget_texts()
        if self._recorded is None:
            return
        if self._head is None:
            self._head = list(self._recorded[:MOST_RECORDS])
        self._recorded.clear()

    def _forget_texts(self) -> None:
        if self._sizes is None:
            # What the first batch has warned about stays: it is not warned about again.
            self._sizes = {name: len(registry) for name, registry in _warning_registries()}
            return
        for name, registry in _warning_registries():
            known = self._sizes.setdefault(name, 0)
            # After a change of filters Python empties a registry by itself.
            new = [key for key in list(registry)[known:] if key != "version"]
            for key in new:
                registry.pop(key, None)
            if new:
                self._texts[name] = self._texts.get(name, 0) + len(new)

    def restore(self) -> None:
        """Put the beginning back."""
        if self._head is not None and self._recorded is not None:
            self._recorded[:] = [*self._head, *self._recorded[-MOST_RECORDS:]]
        self._head = None

    def caveats(self) -> tuple[Caveat, ...]:
        """One for each module whose warnings differ from pass to pass."""
        return tuple(
            Caveat(
                slug="warning-texts",
                text=(
                    f"{module} issued {number:,} warnings with ever new texts; Python's default filters "
                    f"keep each text in {module}.__warningregistry__. They were left out of the count."
                ),
            )
            for module, number in sorted(self._texts.items())
            if number > 1
        )


def recorded_warnings() -> MutableSequence[Any] | None:
    """The list that recorded warnings go to now; None where none are recorded."""
    # `catch_warnings(record=True)` puts `log.append` here and shows the list to its caller alone.
    recorded = getattr(getattr(warnings, "_showwarnmsg_impl", None), "__self__", None)
    return recorded if isinstance(recorded, list) else None


def _warning_registries() -> Iterator[tuple[str, dict[Any, Any]]]:
    for name, module in list(sys.modules.items()):
        try:
            # Not getattr: that would load a module that is to be loaded lazily.
            registry = object.__getattribute__(module, "__dict__").get("__warningregistry__")
        except AttributeError:
            continue
        if isinstance(registry, dict):
            yield name, registry
