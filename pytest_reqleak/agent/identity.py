"""Look at objects without running any code of theirs.

The rules that hold here and wherever this file is used: `type(o)`, never
`o.__class__`; types are compared by `is` alone; nothing unknown is compared, hashed, printed or asked for an
attribute; what a class offers is read through the descriptors of `type`
itself, and of C types only such as return a stored field.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from typing import Any, cast

_mro_of: Callable[[type], Any] = type.__dict__["__mro__"].__get__
_class_dict_of: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_qualname_of: Callable[[type], Any] = type.__dict__["__qualname__"].__get__
_module_name_of: Callable[[type], Any] = type.__dict__["__module__"].__get__
_module_dict_of: Callable[[types.ModuleType], Any] = vars(types.ModuleType)["__dict__"].__get__

_MAX_TEXT = 40
_CHUNK = 1024


def mro(kind: type) -> tuple[type, ...]:
    """The classes that `kind` inherits from, itself first; empty while it is being made."""
    order = _mro_of(kind)
    return order if type(order) is tuple else ()


def derives(kind: type, base: type) -> bool:
    """Like `issubclass`, without asking a metaclass: `in` would compare, and a metaclass can answer that."""
    return id(base) in map(id, mro(kind))


def inherits(thing: object, base: type) -> bool:
    """Like `isinstance`, without asking the object or its metaclass."""
    return id(base) in map(id, mro(type(thing)))


Seer = Callable[[list[Any], list[int], set[int]], None]
"""Is shown some objects, the id of the type of each, and the set of these ids."""


class Picker:
    """Keeps those of many objects of wanted types; each type is asked for once, by its own name or bases.

    0.1 s for a million objects: no line of Python runs for most of them.
    """

    def __init__(self, wanted: Callable[[type], bool]) -> None:
        self._wanted = wanted
        # Made with the first look: they are not among what the collector had listed by then.
        self._kept: list[Any] | None = None
        self._asked: set[int] | None = None
        self._keys: set[int] | None = None

    @property
    def found(self) -> list[Any]:
        """Those that were wanted, in the order in which they were seen."""
        return self._kept or []

    def see(self, things: list[Any], kinds: list[int], met: set[int]) -> None:
        """Look at some objects: a `Seer`."""
        if self._kept is None or self._asked is None or self._keys is None:
            self._kept, self._asked, self._keys = [], set(), set()
        new = met - self._asked
        if new:
            self._asked |= new
            self._keys.update(key for key in new if self._wanted(type(things[kinds.index(key)])))
        if not self._keys.isdisjoint(met):
            self._kept += compress(things, map(self._keys.__contains__, kinds))


def of_kind(things: Sequence[Any], wanted: Callable[[type], bool]) -> list[Any]:
    """Those of many objects whose type is wanted; see `Picker`."""
    picker = Picker(wanted)
    for start in range(0, len(things), _CHUNK):
        chunk = list(things[start : start + _CHUNK])
        kinds = list(map(id, map(type, chunk)))
        picker.see(chunk, kinds, set(kinds))
    return picker.found


def class_dict(kind: type) -> types.MappingProxyType[str, Any]:
    """The names that the class itself defines."""
    found: types.MappingProxyType[str, Any] = _class_dict_of(kind)
    return found


def module_dict(module: types.ModuleType) -> dict[str, Any] | None:
    """The globals of a module; None for one that was never initialised."""
    found = _module_dict_of(module)
    return found if type(found) is dict else None


def plain(text: object) -> str | None:
    """`text` as an exact `str`; None where it is no string."""
    if type(text) is str:
        return text
    if not inherits(text, str):
        return None
    found: str = str.__str__(cast("str", text))
    return found


def home_of(thing: object) -> tuple[str, str] | None:
    """Module and qualified name of a class or a Python function; None for anything else."""
    if type(thing) is types.FunctionType:
        module, name = thing.__module__, thing.__qualname__
        if "__wrapped__" in thing.__dict__ and thing.__name__ == thing.__code__.co_name:
            # What it wraps is no function: `functools.wraps` has taken the module of its class alone.
            module = dict.get(thing.__globals__, "__name__") or module
    elif inherits(thing, type):
        try:
            module = _module_name_of(thing)  # type: ignore[arg-type]
        except AttributeError:
            module = None
        name = _qualname_of(thing)  # type: ignore[arg-type]
    else:
        return None
    return (plain(module) or "?", plain(name) or "?")


def full_name(thing: object) -> str:
    """How a person names a class or function: `shop.models.Order`, `dict`."""
    home = home_of(thing)
    if home is None:
        return "?"
    return home[1] if home[0] == "builtins" else ".".join(home)


def type_name(thing: object) -> str:
    """The name of the object's true type."""
    return full_name(type(thing))


def instance_dict(thing: object) -> dict[str, Any] | None:
    """The object's own `__dict__`, or None where it has none that can be read safely.

    CPython 3.11 and later make the dict when it is first asked for: at most
    two blocks that stay with the object, so ask only for objects on a path
    that is reported.
    """
    for kind in mro(type(thing)):
        getter = class_dict(kind).get("__dict__")
        if getter is not None:
            # `types.SimpleNamespace` has it as a plain field.
            kind_of_getter = type(getter)
            if (
                kind_of_getter is not types.GetSetDescriptorType
                and kind_of_getter is not types.MemberDescriptorType
            ):
                return None
            try:
                found = getter.__get__(thing)
            except (AttributeError, TypeError):
                return None
            return found if type(found) is dict else None
    return None


def fields(thing: object) -> Iterator[tuple[str, Any]]:
    """The slots of an object, and the plain fields of a C type, with their names."""
    for kind in mro(type(thing)):
        for name, member in list(class_dict(kind).items()):
            if type(member) is types.MemberDescriptorType:
                try:
                    yield name, member.__get__(thing)
                except (AttributeError, TypeError):
                    continue


def field(thing: object, name: str) -> Any:
    """One stored attribute, from the object's dict or a slot; None where there is none."""
    own = instance_dict(thing)
    if own is not None and name in own:
        return own[name]
    for slot, value in fields(thing):
        if slot == name:
            return value
    return None


def key_text(key: object) -> str:
    """A dict key as a person would write it; only its type where printing it would run its code."""
    kind = type(key)
    if kind is str or kind is bytes:
        shown = repr(key[: _MAX_TEXT + 1])  # type: ignore[index]
        return shown if len(shown) <= _MAX_TEXT else shown[:_MAX_TEXT] + "…"
    if kind is int or kind is float or kind is bool or key is None:
        try:
            return repr(key)[:_MAX_TEXT]
        except ValueError:
            # Integers beyond 4300 digits refuse to be printed.
            return "<int>"
    if kind is tuple and len(key) <= 4:  # type: ignore[arg-type]
        return "(" + ", ".join(key_text(part) for part in key) + ")"  # type: ignore[attr-defined]
    if home_of(key) is not None:
        return full_name(key)
    return f"<{type_name(key).rpartition('.')[2]}>"
