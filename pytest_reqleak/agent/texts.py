"""Texts, numbers and arrays that get longer: `LOG.text += line` makes a longer one for each that it drops.

No container grows, and no object stays that was not there before: what is compared are the
objects that refer to a long one.

Knows the C types alone; not where they hang, nor whether they matter.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable, Iterator
from itertools import compress, filterfalse
from typing import Any

from pytest_reqleak.agent.identity import class_dict, module_dict
from pytest_reqleak.agent.sizes import may_lead

LONG = 512
"""Characters or bytes; what is shorter lies in blocks of Python's allocator, whose number would rise."""

_CHUNK = 256
_LARGE = 1 << (8 * LONG)
_SIZERS: dict[int, Callable[[Any], int]] = {
    id(str): str.__len__,
    id(bytes): bytes.__len__,
    id(int): int.__sizeof__,
}


def text_sizer(kind: type) -> Callable[[Any], int] | None:
    """The function that measures a text, bytes, a number or an array of numpy; None for any other type.

    Subclasses included. An array is measured in bytes.
    """
    return _SIZERS.get(id(kind))


def _know_arrays() -> None:
    """Measure arrays of numpy too, once the app has imported it."""
    numpy = sys.modules.get("numpy")
    names = module_dict(numpy) if type(numpy) is types.ModuleType else None
    kind = None if names is None else names.get("ndarray")
    if type(kind) is type and kind.__module__ == "numpy":
        # A descriptor of C; no code of an app runs.
        _SIZERS[id(kind)] = class_dict(kind)["nbytes"].__get__


class LongTexts:
    """The longest text that each object refers to.

    A mark of a heap of two million objects takes half a second: it is for runs in which the
    C heap grows and nothing else does.
    """

    def __init__(self) -> None:
        self._marked: dict[int, tuple[int, int]] = {}

    def mark(self) -> None:
        """Note the long texts; forgets an earlier mark. The collector should be off and nothing frozen."""
        self._marked.clear()
        _know_arrays()
        for owner, texts in _long_texts():
            self._marked[id(owner)] = (len(texts), max(size for _, size in texts))

    def grown(self, least: int) -> list[tuple[Any, int, int]]:
        """Those that are longer by `least` or more than the longest that hung there at the mark.

        Returns:
            Each with its length and what it has gained.
        """
        found = []
        for owner, texts in _long_texts():
            count, before = self._marked.get(id(owner), (0, 0))
            thing, size = max(texts, key=lambda text: text[1])
            # Where there are more of them than before, the container grows and not a text.
            if count == len(texts) and size - before >= least:
                found.append((thing, size, size - before))
        self._marked.clear()
        return found


def _long_texts() -> Iterator[tuple[Any, list[tuple[Any, int]]]]:
    """Every object that refers to long texts, with these and their lengths."""
    tracked = gc.get_objects()
    try:
        for start in range(0, len(tracked), _CHUNK):
            owners = list(filter(may_lead, tracked[start : start + _CHUNK]))
            found = list(filterfalse(gc.is_tracked, gc.get_referents(*owners)))
            # A dict of texts and numbers alone is not listed by the collector.
            dicts = list(compress(found, map(id(dict).__eq__, map(id, map(type, found)))))
            found += gc.get_referents(*dicts)
            if any(map(_is_long, found)):
                for owner in (*owners, *dicts):
                    texts = [
                        (thing, _SIZERS[id(type(thing))](thing))
                        for thing in gc.get_referents(owner)
                        if _is_long(thing)
                    ]
                    if texts:
                        yield owner, texts
            owners = found = dicts = texts = []
    finally:
        tracked.clear()


def _is_long(thing: Any) -> bool:
    kind = type(thing)
    if kind is str or kind is bytes:
        return len(thing) >= LONG
    if kind is int:
        return bool(thing >= _LARGE or -thing >= _LARGE)
    sizer = _SIZERS.get(id(kind))
    return sizer is not None and sizer(thing) >= LONG
