"""Which types of objects survive each iteration.

Counts what the collector lists: after `gc.freeze` that is only what was made
since, so a count costs microseconds; unfrozen it is the whole heap and still right.
What it does not list (texts, bytes, dates) is counted in the heap itself, where
that can be read, over a stretch in which the harness makes nothing.
"""

from __future__ import annotations

import gc
import sys
import types
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

from pytest_reqleak.agent.census import count_objects, known_types
from pytest_reqleak.agent.identity import Seer, derives, full_name, module_dict, plain
from pytest_reqleak.model.finding import TypeGrowth
from pytest_reqleak.model.origin import HARNESS_PACKAGES, CodeMap, Origin

SLOWEST = 1 / 500
_MOST = 40
_NOISE = 0.02
"""Types slower than this share of the fastest are chance, such as what an import made."""
_NOTES = 3
_LEAST_SEEN = 8
"""Objects in the heap below which a difference may be stale memory."""
_NUMBERS = frozenset({"int", "float"})
# Whatever stays has some of these; they say nothing about what it is.
_PARTS = frozenset(
    (
        *("tuple", "list", "dict", "set", "frozenset", "cell", "str", "bytes", "method", "frame", "code"),
        *("builtin_function_or_method", "method-wrapper", "weakref.ReferenceType", "_weakref.ref"),
    )
)
# What our own measuring makes of the interpreter's types.
_OURS = frozenset({*HARNESS_PACKAGES, "_ctypes", "psutil"})


_Note = tuple[int, "array[int]", "array[int]"]
"""Iterations done, ids of types, how many of each live."""


class TypeCounter:
    """Counts objects by type; holds no reference to objects or types between its calls."""

    def __init__(self) -> None:
        self._before: Counter[int] = Counter()
        self._notes: list[_Note] = []
        # The first use of a Counter fills caches of the standard library, which would be counted.
        _count([]).most_common(1)

    def mark(self) -> None:
        """Count now; forgets an earlier mark and notes."""
        self._notes.clear()
        self._before = _count(gc.get_objects())

    def begin_mark(self) -> Seer:
        """As `mark`, where somebody else goes through the heap: counts whatever it is shown."""
        self._notes.clear()
        self._before = counted = Counter[int]()
        return lambda things, kinds, met: counted.update(kinds)

    def note(self, iterations: int) -> tuple[TypeGrowth, ...]:
        """Count what the collector does not list too: three times, with work of the app alone between.

        Args:
            iterations: Done by now, counted from wherever the caller likes; between two notes
                all must have inputs that were never sent before.

        Returns:
            The third time, what has grown in both stretches; before, and where memory cannot
            be read, nothing.
        """
        now = count_objects()
        if now is None:
            return ()
        # As numbers without objects: thousands of those would be counted the next time.
        self._notes.append((iterations, array("Q", now), array("q", now.values())))
        if len(self._notes) < _NOTES:
            return ()
        stretches = [_steady(*pair) for pair in pairwise(self._notes)]
        self._notes.clear()
        # What came once is an import, or a table that was made larger.
        steady = {name: min(stretch.get(name, 0.0) for stretch in stretches) for name in stretches[0]}
        fastest = max((rate for name, rate in steady.items() if name not in _NUMBERS), default=0.0)
        return tuple(
            TypeGrowth(type=name, per_iteration=rate)
            for name, rate in steady.items()
            if rate >= max(SLOWEST, fastest * _NOISE) and name.partition(".")[0] not in _OURS
        )

    def grown(self, iterations: int) -> tuple[TypeGrowth, ...]:
        """Types of which more objects live than at the mark, the fastest first.

        Args:
            iterations: Done since `mark`.

        Returns:
            In objects per iteration; types of the same name are added up.
        """
        # No closure in this function: its own cells would be counted.
        growth = _growth(self._before, _count(gc.get_objects()))
        self._before = Counter()
        return _rates(growth, max(1, iterations))


def _growth(before: Mapping[int, int], now: Mapping[int, int]) -> Counter[str]:
    rising = {key: count - before[key] for key, count in now.items() if count > before[key]}
    growth: Counter[str] = Counter()
    for kind in known_types():
        if id(kind) in rising:
            growth[full_name(kind)] += rising[id(kind)]
    return growth


def _steady(before: _Note, after: _Note) -> dict[str, float]:
    """Growth per iteration between two notes, by the name of the type."""
    (begun, *old), (ended, *new) = before, after
    growth = _growth(Counter(dict(zip(*old, strict=True))), dict(zip(*new, strict=True)))
    sent = max(1, ended - begun)
    return {name: count / sent for name, count in growth.items() if count >= _LEAST_SEEN}


def _rates(growth: Counter[str], iterations: int) -> tuple[TypeGrowth, ...]:
    fastest = max((count for name, count in growth.items() if name not in _NUMBERS), default=0)
    least = max(1, iterations * SLOWEST, fastest * _NOISE)
    return tuple(
        TypeGrowth(type=name, per_iteration=count / iterations)
        for name, count in growth.most_common()
        if count >= least and name.partition(".")[0] not in _OURS
    )


def merge_types(*parts: Iterable[TypeGrowth]) -> tuple[TypeGrowth, ...]:
    """One list of several, the fastest first; of two entries of one name the first counts."""
    merged: dict[str, TypeGrowth] = {}
    for part in parts:
        for growth in part:
            merged.setdefault(growth.type, growth)
    return tuple(sorted(merged.values(), key=lambda growth: -growth.per_iteration))


def telling_first(growing: Iterable[TypeGrowth], *, code: CodeMap | None = None) -> tuple[TypeGrowth, ...]:
    """The types in the order in which they tell something: causes first, what everything is made of last.

    That is: exceptions and tracebacks, which keep all the frames on their way; the user's
    own classes, those of libraries, those of the standard library; functions, modules and
    the like; dicts and texts; numbers.

    Args:
        growing: In any order.
        code: Tells the user's files from others.

    Returns:
        At most 40.
    """
    code = code or CodeMap()
    exceptions = {full_name(kind) for kind in known_types() if derives(kind, BaseException)}

    def place(growth: TypeGrowth) -> int:
        name = growth.type
        if name in exceptions or name == "traceback":
            return 0
        if name in _NUMBERS:
            return 6
        if name in _PARTS:
            return 5
        if "." not in name:
            return 4
        return {Origin.OWN: 1, Origin.LIBRARY: 2}.get(_origin(name, code), 3)

    return tuple(sorted(growing, key=lambda growth: (place(growth), -growth.per_iteration)))[:_MOST]


def _origin(name: str, code: CodeMap) -> Origin:
    """Whose class it is, by the file of the longest part of its name that is a module."""
    if name.partition(".")[0] in sys.stdlib_module_names:
        return Origin.STDLIB
    module_name = name
    while "." in module_name:
        module_name = module_name.rpartition(".")[0]
        module = sys.modules.get(module_name)
        if type(module) is types.ModuleType:
            file = plain((module_dict(module) or {}).get("__file__"))
            return code.origin(file) if file else Origin.LIBRARY
    return Origin.LIBRARY


def _count(tracked: list[object]) -> Counter[int]:
    return Counter(map(id, map(type, tracked)))
