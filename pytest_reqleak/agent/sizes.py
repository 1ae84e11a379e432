"""How many entries every container of the process holds, in little memory.

Knows containers by the C types they inherit from; not where they hang, nor
whether they matter.
"""

from __future__ import annotations

import array
import collections
import functools
import gc
import io
import queue
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, filterfalse, islice
from typing import Any

from pytest_reqleak.agent.identity import Seer, derives, inherits, mro

Sizer = Callable[[Any], int]

LRU_WRAPPER: type = type(functools.lru_cache(lambda: None))
SIMPLE_QUEUE: type = queue.SimpleQueue


def _stream_size(stream: Any) -> int:
    """Bytes of a stream in memory, or the place that it is written at, whichever is more.

    What a text stream gathers is in none of its own memory, nor is the buffer of the other
    kind while anybody else refers to it, as whoever asks for its referents does.
    """
    kind = io.BytesIO if inherits(stream, io.BytesIO) else io.StringIO
    try:
        place = kind.tell(stream)
    except ValueError:
        # It is closed.
        return 0
    return max(place, kind.__sizeof__(stream))


def _lru_size(wrapper: Any) -> int:
    return int(wrapper_info(wrapper)[3])


def wrapper_info(wrapper: Any) -> tuple[int, int, int | None, int]:
    """Hits, misses, most and present entries of a `functools.lru_cache` wrapper."""
    found: tuple[int, int, int | None, int] = LRU_WRAPPER.__dict__["cache_info"](wrapper)
    return found


def is_table_of(thing: Any, wrapper: Any) -> bool:
    """Whether a dict is the one in which an `lru_cache` keeps its entries, and not one of its results."""
    if type(thing) is not dict or len(thing) != wrapper_info(wrapper)[3]:
        return False
    return any(part is thing for part in gc.get_referents(wrapper))


# Unbound C functions: a subclass with a `__len__` of its own is not asked.
_SIZERS: tuple[tuple[type, Sizer], ...] = (
    (list, list.__len__),
    (dict, dict.__len__),
    (set, set.__len__),
    (tuple, tuple.__len__),
    (collections.deque, collections.deque.__len__),
    (bytearray, bytearray.__len__),
    (array.array, array.array.__len__),
    (io.BytesIO, _stream_size),
    (io.StringIO, _stream_size),
    (SIMPLE_QUEUE, SIMPLE_QUEUE.__dict__["qsize"]),
    (LRU_WRAPPER, _lru_size),
)
BUFFERS: tuple[type, ...] = (bytearray, array.array, io.BytesIO, io.StringIO)
"""Their size is in bytes or items of memory, not in objects."""

# Of these exact types `len` is as safe, and faster.
_PLAIN = frozenset(map(id, (list, dict, set, collections.deque)))

# What the collector does not list, so that it must be found through its owner.
_UNTRACKED = frozenset(map(id, (dict, bytearray, array.array)))
# A tenth of a heap, and what they refer to is listed itself or does not grow.
_LEADING_NOWHERE = frozenset(map(id, (types.FunctionType, frozenset)))

SHORT_TUPLE = 8
"""One that is made anew with each entry soon has more of them."""

_CHUNK = 256
_SLOT_BITS = 4 if sys.maxsize > 2**32 else 3  # objects are aligned to 16 bytes, on 32 bits to 8
_PAGE_BITS = 16
_SLOTS = 1 << (_PAGE_BITS - _SLOT_BITS)
_PAGE_MASK = (1 << _PAGE_BITS) - 1
_BIG = 0xFF


def sizer_of(kind: type) -> Sizer | None:
    """The function that counts the entries of such a container; None for any other type."""
    for base in mro(kind):
        for known, sizer in _SIZERS:
            if base is known:
                return sizer
    return None


def may_lead(thing: Any) -> bool:
    """Whether an object may be asked what it refers to, and may refer to what the collector does not list."""
    return _leads(type(thing))


def _leads(kind: type) -> bool:
    # A module is never asked what it refers to: that of `_asyncio` names the dead objects of its
    # free list (CPython 3.12), and to take a reference to one of those destroys the list.
    return id(kind) not in _LEADING_NOWHERE and not derives(kind, types.ModuleType)


class SizeTable:
    """Sizes by address: one byte for each 16 bytes of heap that hold containers, 7 % at most.

    A dict of a million entries would cost 100 MB; this costs 4 KiB for every
    64 KiB of address space in which a container lives.
    """

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}
        self._big: dict[int, int] = {}

    def put(self, things: Iterable[Any], sizes: Iterable[int]) -> None:
        """Remember the sizes of some containers, by where they are."""
        pages = self._pages
        for address, size in zip(map(id, things), sizes, strict=True):
            page = pages.get(address >> _PAGE_BITS)
            if page is None:
                page = pages[address >> _PAGE_BITS] = bytearray(_SLOTS)
            if size >= _BIG - 1:
                self._big[address] = size
                size = _BIG - 1
            # 0 means that nothing is known, so sizes are stored one higher.
            page[(address & _PAGE_MASK) >> _SLOT_BITS] = size + 1

    def get(self, address: int) -> int | None:
        """The size of what was at `address`; None where no container was."""
        page = self._pages.get(address >> _PAGE_BITS)
        if page is None:
            return None
        code = page[(address & _PAGE_MASK) >> _SLOT_BITS]
        if code == _BIG:
            return self._big[address]
        return code - 1 if code else None

    def parts(self) -> set[int]:
        """The ids of the table's own containers, which are nobody's leak."""
        return {id(self._pages), id(self._big), *map(id, self._pages.values())}


def each_container(*seers: Seer) -> Iterator[tuple[list[Any], list[int]]]:
    """Every container of the process with its size, by the hundred; an untracked one as often as it is met.

    Tuples never grow: those of fewer than `SHORT_TUPLE` entries, most of a heap, are left out.
    The collector should be off and nothing frozen. O(heap): no line of Python runs for most
    objects, 0.5 s for a million.

    Args:
        seers: Are shown whatever the collector lists: to list the heap once more costs a third as much.
    """
    tracked = gc.get_objects()
    things: list[Any]
    try:
        kinds_known = _Kinds()
        is_plain, is_sized, may_lead = (
            kinds_known.plain.__contains__,
            kinds_known.sizers.__contains__,
            kinds_known.leading.__contains__,
        )
        untracked, is_tracked = _UNTRACKED.__contains__, gc.is_tracked
        may_hold = {*_UNTRACKED, id(tuple)}.__contains__
        is_tuple, is_long = id(tuple).__eq__, SHORT_TUPLE.__le__
        plain_sizers = {id(base): sizer for base, sizer in _SIZERS}
        for start in range(0, len(tracked), _CHUNK):
            chunk = tracked[start : start + _CHUNK]
            kinds = list(map(id, map(type, chunk)))
            met = set(kinds)
            for see in seers:
                see(chunk, kinds, met)
            # Most chunks hold no type that was not met before.
            new = met - kinds_known.known
            if new:
                kinds_known.learn(new, chunk, kinds)
            things = list(compress(chunk, map(is_plain, kinds)))
            yield things, list(map(len, things))
            tuples = list(compress(chunk, map(is_tuple, kinds)))
            things = list(compress(tuples, map(is_long, map(len, tuples))))
            yield things, list(map(len, things))
            things = list(compress(chunk, map(is_sized, kinds)))
            yield things, [kinds_known.sizers[id(type(thing))](thing) for thing in things]
            # Of what the collector does not list hardly anything is a container.
            loose = list(filterfalse(is_tracked, gc.get_referents(*compress(chunk, map(may_lead, kinds)))))
            loose = list(compress(loose, map(may_hold, map(id, map(type, loose)))))
            loose_kinds = list(map(id, map(type, loose)))
            things = list(compress(loose, map(untracked, loose_kinds)))
            yield things, [plain_sizers[id(type(thing))](thing) for thing in things]
            # One of texts and numbers, that is made anew with each entry.
            tuples = list(compress(loose, map(is_tuple, loose_kinds)))
            # What an unlisted dict holds is not listed either.
            loose = list(filterfalse(is_tracked, gc.get_referents(*things)))
            tuples += compress(loose, map(is_tuple, map(id, map(type, loose))))
            things = list(compress(tuples, map(is_long, map(len, tuples))))
            yield things, list(map(len, things))
        things = chunk = loose = tuples = []
    finally:
        # It lists the frame of this generator, which refers to it: before CPython 3.11 a finished
        # generator leaves its frame as it is, and both would stay until a full collection.
        tracked.clear()


class _Kinds:
    """What is to be done with an object, by the id of its type; each type is looked at once."""

    def __init__(self) -> None:
        self.plain: set[int] = set()
        """Sized by `len`."""
        self.sizers: dict[int, Sizer] = {}
        """Sized by a function of their own."""
        self.leading: set[int] = set()
        """May lead to containers that the collector does not list."""
        self.known: set[int] = set()
        """Those that were looked at."""

    def learn(self, new: Iterable[int], things: Sequence[Any], kinds: Sequence[int]) -> None:
        """Look at types that are new.

        Args:
            new: Their ids.
            things: Objects, some of which are of these types.
            kinds: The id of the type of each.
        """
        for key in new:
            self.known.add(key)
            kind = type(things[kinds.index(key)])
            if _leads(kind):
                self.leading.add(key)
            if key in _PLAIN:
                self.plain.add(key)
            elif key != id(tuple) and (sizer := sizer_of(kind)) is not None:
                self.sizers[key] = sizer


def holds_weakly(container: Any, looked_at: int = 20) -> bool:
    """Whether the newest entries are all weak references, so that it keeps nothing alive."""
    if inherits(container, dict):
        found = list(islice(reversed(dict.values(container)), looked_at))
    elif inherits(container, set):
        found = list(islice(set.__iter__(container), looked_at))
    elif inherits(container, list):
        found = list.__getitem__(container, slice(-looked_at, None))
    else:
        return False
    return bool(found) and all(inherits(entry, weakref.ref) for entry in found)
