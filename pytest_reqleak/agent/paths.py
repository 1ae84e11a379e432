"""Write the way from a root to an object as a person would: `shop.cache.STORE['by_user']`.

Knows how CPython links objects, and which links nobody writes (the dict of
an instance, the deque inside a queue). Follows `identity`'s rules.
"""

from __future__ import annotations

import contextvars
import functools
import itertools
import logging
import threading
import types
from collections import deque
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.agent.heap import Chain
from pytest_reqleak.agent.identity import (
    class_dict,
    derives,
    fields,
    full_name,
    home_of,
    inherits,
    instance_dict,
    key_text,
    mro,
    plain,
    type_name,
)
from pytest_reqleak.agent.roots import frame_locals, frame_name, is_task, task_title
from pytest_reqleak.agent.sizes import LRU_WRAPPER

# What is held under a key there is asked for as an attribute.
_NAMESPACES = frozenset({("starlette.datastructures", "State"), ("flask.ctx", "_AppCtxGlobals")})

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


class Path:
    """The text of a chain, and what it says about its end.

    Attributes:
        text: Such as `shop.main.app.state.results`.
        owner: What a person calls the container: itself, or the object whose inner part it is.
    """

    def __init__(self, chain: Chain) -> None:
        self._links = chain.links
        self.text = chain.root
        self.owner: Any = chain.links[-1]
        self._in_namespace = False
        self._write()

    def _write(self) -> None:
        links = self._links
        place = 0
        own_name = self._own_name(links[0])
        if own_name:
            self.text = own_name
        while place < len(links) - 1:
            step, used, hidden = self._step(links[place:])
            if step.startswith("['") and self._in_namespace:
                step = f".{step[2:-2]}"
            self._in_namespace = hidden and _is_any(links[place], _NAMESPACES)
            following = links[min(place + used, len(links) - 1)]
            self.text += step
            if place + used >= len(links) - 1 and hidden:
                self.owner = links[place]
            # Classes, functions, tasks and caches have names of their own, shorter and better known.
            own_name = self._own_name(following)
            if own_name:
                self.text = own_name
            place += used

    def _own_name(self, thing: Any) -> str:
        if home_of(thing) is not None:
            return full_name(thing)
        kind = type(thing)
        if derives(kind, LRU_WRAPPER):
            own = instance_dict(thing) or {}
            wrapped = own.get("__wrapped__")
            return f"functools.lru_cache of {full_name(wrapped)}" if home_of(wrapped) else ""
        if is_task(kind):
            return task_title(thing)
        if derives(kind, logging.Logger):
            name = plain((instance_dict(thing) or {}).get("name"))
            return f"logging.getLogger({name!r})" if name and name != "root" else "logging.getLogger()"
        return ""

    def _step(self, links: Sequence[Any]) -> tuple[str, int, bool]:
        """Text for the next step, how many links it takes, and whether nobody would write it."""
        parent, child = links[0], links[1]
        kind = type(parent)
        if inherits(parent, dict) and (text := _dict_step(parent, child)):
            return text, 1, False
        if inherits(parent, (list)) or inherits(parent, tuple) or inherits(parent, deque):
            if text := _place_of(parent, child):
                return text, 1, False
        elif inherits(parent, set) or inherits(parent, frozenset):
            return " -> entry", 1, False
        if kind is types.FunctionType:
            return _function_step(parent, links)
        if is_task(kind) and _is_suspended(type(child)):
            return "", 1, False
        if kind is types.CellType:
            return "", 1, False
        if _is_suspended(kind):
            return _suspended_step(parent, links)
        if kind is types.FrameType:
            return _frame_step(parent, child), 1, False
        if kind is LRU_WRAPPER:
            return "", 1, True
        if derives(kind, threading.local):
            return _local_step(links)
        if kind is contextvars.Context:
            return self._context_step(links)
        if kind is types.MethodType or kind is types.BuiltinMethodType:
            return " -> self", 1, False
        return _attribute_step(parent, links)

    def _context_step(self, links: Sequence[Any]) -> tuple[str, int, bool]:
        used = next(
            (n for n, link in enumerate(links[1:], 1) if not type(link).__name__.startswith("hamt")),
            len(links) - 1,
        )
        for var, value in contextvars.Context.items(links[0]):
            if value is links[used]:
                self.text = f"contextvar {var.name!r}"
                break
        return "", used, False


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
            return f"[{place}]"
    return ""


def _name_in(names: dict[str, Any], child: Any) -> str:
    for name, value in list(dict.items(names)):
        if value is child:
            return f".{name}" if type(name) is str and name.isidentifier() else f"[{key_text(name)}]"
    return ""


def _function_step(parent: types.FunctionType, links: Sequence[Any]) -> tuple[str, int, bool]:
    child, after = links[1], links[2] if len(links) > 2 else None
    if child is parent.__closure__ and after is not None:
        for name, cell in zip(parent.__code__.co_freevars, parent.__closure__ or (), strict=False):
            if cell is after:
                return f" -> closure {name}", min(3, len(links) - 1), False
    if child is parent.__defaults__ and after is not None:
        count = parent.__code__.co_argcount
        names = parent.__code__.co_varnames[:count][-len(parent.__defaults__ or ()) :]
        for name, value in zip(names, parent.__defaults__ or (), strict=False):
            if value is after:
                return f" -> default of {name}", 2, False
    keywords = parent.__kwdefaults__
    if keywords is not None and child is keywords and after is not None:
        return f" -> default of {_name_in(keywords, after).lstrip('.')}", 2, False
    own = instance_dict(parent)
    if child is own and own is not None and after is not None:
        return _name_in(own, after), 2, False
    return f" -> {type_name(child)}", 1, False


def _frame_step(frame: types.FrameType, child: Any) -> str:
    for name, value in frame_locals(frame):
        if value is child:
            return f" -> frame {frame_name(frame)} -> local {name}"
        if type(value) is types.CellType and value is child:
            return f" -> frame {frame_name(frame)} -> closure {name}"
    return f" -> frame {frame_name(frame)}"


def _is_suspended(kind: type) -> bool:
    return any(kind is known for known in _SUSPENDED)


def _suspended_step(parent: Any, links: Sequence[Any]) -> tuple[str, int, bool]:
    child = links[1]
    frame = class_dict(type(parent))[_FRAME_FIELD[type(parent)]].__get__(parent)
    if type(child) is types.FrameType:
        # Until Python 3.10 the frame is an object of its own between the two.
        return "", 1, False
    if _is_suspended(type(child)):
        return "", 1, False
    if frame is None:
        return "", 1, False
    if type(child) is types.CellType and len(links) > 2:
        for name, value in frame_locals(frame):
            if value is links[2]:
                return f" -> frame {frame_name(frame)} -> local {name}", 2, False
    return _frame_step(frame, child), 1, False


def _local_step(links: Sequence[Any]) -> tuple[str, int, bool]:
    # A threading.local keeps a dict of (mark of the thread -> its namespace).
    for used, link in enumerate(links[2:], 2):
        if (
            type(links[used - 1]) is dict
            and (name := _name_in(links[used - 1], link))
            and name.startswith(".")
        ):
            return name, used, False
    return "", 1, True


def _attribute_step(parent: Any, links: Sequence[Any]) -> tuple[str, int, bool]:
    child, after = links[1], links[2] if len(links) > 2 else None
    if inherits(parent, type):
        if type(child) is dict and after is not None:
            return _name_in(child, after), 2, False
        return f" -> {type_name(child)}", 1, False
    names = instance_dict(parent)
    if names is not None:
        value, used = (after, 2) if names is child else (child, 1)
        if value is None:
            return ".__dict__", 1, False
        if text := _name_in(names, value):
            hidden = _is_inner(parent, text[1:])
            return "" if hidden else text, used, hidden
    for name, value in fields(parent):
        if value is child:
            hidden = _is_inner(parent, name)
            return "" if hidden else f".{name}", 1, hidden
    if type(parent) is types.TracebackType and type(child) is types.FrameType:
        return "", 1, False
    if inherits(parent, BaseException):
        for name in ("__traceback__", "__context__", "__cause__", "args"):
            if BaseException.__dict__[name].__get__(parent) is child:
                return f".{name}", 1, False
    if type(parent) is functools.partial:
        return " -> partial", 1, False
    return f" -> {type_name(child)}", 1, False


def _is_inner(parent: Any, name: str) -> bool:
    homes = [home_of(base) for base in mro(type(parent))]
    return any(home is not None and (*home, name) in _INNER_FIELDS for home in homes)


def _is_any(thing: Any, known: frozenset[tuple[str, str]]) -> bool:
    return any(home_of(base) in known for base in mro(type(thing)))
