"""How one object leads to the next, as a person would write it: `['by_user']`, `.items`.

Knows how CPython links objects, and which links nobody writes (the dict of an
instance, the deque inside a queue). Follows `identity`'s rules.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import itertools
import threading
import types
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_reqleak.agent.identity import (
    class_dict,
    derives,
    fields,
    home_of,
    inherits,
    instance_dict,
    key_text,
    mro,
    type_name,
)
from pytest_reqleak.agent.roots import frame_locals, frame_name, is_task
from pytest_reqleak.agent.sizes import LRU_WRAPPER

# Attributes that are how the owner is made, not how a person reaches what it holds.
_INNER_FIELDS = frozenset(
    {
        ("weakref", "WeakSet", "data"),
        ("_weakrefset", "WeakSet", "data"),
        ("weakref", "WeakKeyDictionary", "data"),
        ("weakref", "WeakValueDictionary", "data"),
        ("collections", "UserDict", "data"),
        ("collections", "UserList", "data"),
        ("queue", "Queue", "queue"),
        ("asyncio.queues", "Queue", "_queue"),
        ("starlette.datastructures", "State", "_state"),
        ("cachetools", "Cache", "_Cache__data"),
        ("cachetools", "Cache", "_Cache__size"),
        ("cachetools", "LRUCache", "_LRUCache__order"),
        ("cachetools", "TTLCache", "_TTLCache__links"),
        ("sqlalchemy.util._collections", "LRUCache", "_data"),
        ("jinja2.utils", "LRUCache", "_mapping"),
        ("jinja2.utils", "LRUCache", "_queue"),
    }
)
_SUSPENDED = (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)
_FRAME_FIELD = {
    types.CoroutineType: "cr_frame",
    types.GeneratorType: "gi_frame",
    types.AsyncGeneratorType: "ag_frame",
}
_MAX_LOOK = 2_000_000
"""Entries of one container that are looked through for the name of one link."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one object to one that it leads to."""

    text: str
    used: int
    """How many links it takes; an attribute takes two, through the dict of the instance."""
    hidden: bool = False
    """Whether nobody would write it."""
    whole: bool = False
    """Whether the text is a path by itself, whatever came before."""


def step(links: Sequence[Any]) -> Step:
    """The way from the first of some links to the next; there are at least two."""
    parent, child = links[0], links[1]
    kind = type(parent)
    if inherits(parent, dict) and (text := _dict_step(parent, child)):
        return Step(text, 1)
    if inherits(parent, list) or inherits(parent, tuple) or inherits(parent, deque):
        if text := _place_of(parent, child):
            return Step(text, 1)
    elif inherits(parent, set) or inherits(parent, frozenset):
        return Step(" -> entry", 1)
    if kind is types.FunctionType:
        return _function_step(parent, links)
    if (is_task(kind) and _is_suspended(type(child))) or kind is types.CellType:
        return Step("", 1)
    if _is_suspended(kind):
        return _suspended_step(parent, links)
    if kind is types.FrameType:
        return Step(_frame_step(parent, child), 1)
    if kind is LRU_WRAPPER:
        return Step("", 1, hidden=True)
    if derives(kind, threading.local):
        return _local_step(links)
    if kind is contextvars.Context:
        return _context_step(links)
    if kind is types.MethodType or kind is types.BuiltinMethodType:
        return Step(" -> self", 1)
    if derives(kind, weakref.ref):
        return Step(" -> callback", 1)
    if kind is types.MappingProxyType:
        return Step("", 1, hidden=True)
    if kind is contextvars.ContextVar:
        return Step(" -> default", 1)
    return _attribute_step(parent, links)


def step_text(links: Sequence[Any]) -> tuple[str, int]:
    """Text of the next step and how many links it takes."""
    found = step(links)
    return found.text, found.used


def _context_step(links: Sequence[Any]) -> Step:
    used = next(
        (n for n, link in enumerate(links[1:], 1) if not type(link).__name__.startswith("hamt")),
        len(links) - 1,
    )
    for var, value in contextvars.Context.items(links[0]):
        if value is links[used]:
            return Step(f"contextvar {var.name!r}", used, whole=True)
    return Step("", used)


def _dict_step(parent: Any, child: Any) -> str:
    for key, value in itertools.islice(dict.items(parent), _MAX_LOOK):
        if value is child:
            return f"[{key_text(key)}]"
        if key is child:
            return " -> key"
    return ""


def _place_of(parent: Any, child: Any) -> str:
    base: Any = list if inherits(parent, list) else tuple if inherits(parent, tuple) else deque
    for place, entry in enumerate(itertools.islice(base.__iter__(parent), _MAX_LOOK)):
        if entry is child:
            name = _field_name(parent, place) if base is tuple else ""
            return f".{name}" if name else f"[{place}]"
    return ""


def _field_name(parent: Any, place: int) -> str:
    """What a named tuple calls one of its entries; empty where it has no names."""
    names = class_dict(type(parent)).get("_fields")
    known = type(names) is tuple and place < len(names) and type(names[place]) is str
    return str(names[place]) if known and names is not None else ""


def _name_in(names: dict[str, Any], child: Any) -> str:
    for name, value in list(dict.items(names)):
        if value is child:
            return f".{name}" if type(name) is str and name.isidentifier() else f"[{key_text(name)}]"
    return ""


def _function_step(parent: types.FunctionType, links: Sequence[Any]) -> Step:
    child, after = links[1], links[2] if len(links) > 2 else None
    if child is parent.__closure__ and after is not None:
        for name, cell in zip(parent.__code__.co_freevars, parent.__closure__ or (), strict=False):
            if cell is after:
                return Step(f" -> closure {name}", min(3, len(links) - 1))
    if child is parent.__defaults__ and after is not None:
        count = parent.__code__.co_argcount
        names = parent.__code__.co_varnames[:count][-len(parent.__defaults__ or ()) :]
        for name, value in zip(names, parent.__defaults__ or (), strict=False):
            if value is after:
                return Step(f" -> default of {name}", 2)
    keywords = parent.__kwdefaults__
    if keywords is not None and child is keywords and after is not None:
        return Step(f" -> default of {_name_in(keywords, after).lstrip('.')}", 2)
    own = instance_dict(parent)
    if child is own and own is not None and after is not None:
        return Step(_name_in(own, after), 2)
    return Step(f" -> {type_name(child)}", 1)


def _frame_step(frame: types.FrameType, child: Any) -> str:
    for name, value in frame_locals(frame):
        if value is child:
            return f" -> frame {frame_name(frame)} -> local {name}"
        if type(value) is types.CellType and value is child:
            return f" -> frame {frame_name(frame)} -> closure {name}"
    return f" -> frame {frame_name(frame)}"


def _is_suspended(kind: type) -> bool:
    return any(kind is known for known in _SUSPENDED)


def _suspended_step(parent: Any, links: Sequence[Any]) -> Step:
    child = links[1]
    frame = class_dict(type(parent))[_FRAME_FIELD[type(parent)]].__get__(parent)
    if type(child) is types.FrameType:
        # Until Python 3.10 the frame is an object of its own between the two.
        return Step("", 1)
    if _is_suspended(type(child)):
        return Step("", 1)
    if frame is None:
        return Step("", 1)
    if type(child) is types.CellType and len(links) > 2:
        for name, value in frame_locals(frame):
            if value is links[2]:
                return Step(f" -> frame {frame_name(frame)} -> local {name}", 2)
    return Step(_frame_step(frame, child), 1)


def _local_step(links: Sequence[Any]) -> Step:
    # A threading.local keeps a dict of (mark of the thread -> its namespace).
    for used, link in enumerate(links[2:], 2):
        if (
            type(links[used - 1]) is dict
            and (name := _name_in(links[used - 1], link))
            and name.startswith(".")
        ):
            return Step(name, used)
    return Step("", 1, hidden=True)


def _attribute_step(parent: Any, links: Sequence[Any]) -> Step:
    child, after = links[1], links[2] if len(links) > 2 else None
    if inherits(parent, type):
        if type(child) is dict and after is not None:
            return Step(_name_in(child, after), 2)
        return Step(".__dict__" if type(child) is dict else f" -> {type_name(child)}", 1)
    names = instance_dict(parent)
    if names is not None:
        value, used = (after, 2) if names is child else (child, 1)
        if value is None:
            return Step(".__dict__", 1)
        if text := _name_in(names, value):
            hidden = _is_inner(parent, text[1:])
            return Step("" if hidden else _public(parent, text), used, hidden)
    for name, value in fields(parent):
        if value is child:
            hidden = _is_inner(parent, name)
            return Step("" if hidden else _public(parent, f".{name}"), 1, hidden)
    if type(parent) is types.TracebackType and type(child) is types.FrameType:
        return Step("", 1)
    if inherits(parent, BaseException):
        for name in ("__traceback__", "__context__", "__cause__", "args"):
            if BaseException.__dict__[name].__get__(parent) is child:
                return Step(f".{name}", 1)
    if type(parent) is functools.partial:
        return Step(" -> partial", 1)
    if inherits(parent, asyncio.Future) and type(child) is list:
        # Not read: its list is made anew for whoever asks for it.
        return Step("._callbacks", 1)
    return Step(f" -> {type_name(child)}", 1)


def _public(parent: Any, step: str) -> str:
    """`.event_hooks` for `._event_hooks`, where a property of that name reads it: people write that."""
    public = step[1:].lstrip("_")
    if not step.startswith("._") or not public.isidentifier():
        return step
    for base in mro(type(parent)):
        found = class_dict(base).get(public)
        if type(found) is property and type(found.fget) is types.FunctionType:
            code = found.fget.__code__
            # A getter that does more than return the field may return something else.
            short = len(code.co_names) == 1 and not code.co_consts[1:]
            return f".{public}" if short and code.co_names[0] == step[1:] else step
    return step


def _is_inner(parent: Any, name: str) -> bool:
    homes = [home_of(base) for base in mro(type(parent))]
    return any(home is not None and (*home, name) in _INNER_FIELDS for home in homes)
