"""The interpreter's own registries: containers that grow and to which no name leads.

`codecs.register`, `os.register_at_fork` and their like keep what they are given in lists and dicts
of the interpreter's that no Python object refers to. Each is told by what the standard library
has put into it.
"""

from __future__ import annotations

import codecs
import encodings
import logging
import threading
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.agent.candidates import Candidate
from pytest_reqleak.agent.identity import inherits


def _functions(home: object, *names: str) -> tuple[object, ...]:
    """Those of the names that this version of Python has."""
    return tuple(vars(home)[name] for name in names if name in vars(home))


# What is in each from the start; some modules of the standard library register theirs when imported.
_LISTS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("codecs.register search functions", _functions(encodings, "search_function")),
    (
        "os.register_at_fork callbacks",
        (
            *_functions(threading, "_after_fork"),
            *_functions(logging, "_acquireLock", "_releaseLock", "_after_at_fork_child_reinit_locks"),
        ),
    ),
)
_DICTS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("codecs.register_error handlers", _functions(codecs, "strict_errors")),
)


def registry_name(container: Any) -> str:
    """What one would call a registry of the interpreter; empty where it is none that is known."""
    kind = type(container)
    if kind is list:
        return _named(_LISTS, list(container))
    if kind is dict:
        values = list(dict.values(container))
        if values and all(inherits(value, codecs.CodecInfo) for value in values):
            return "codecs.lookup cache"
        return _named(_DICTS, values)
    return ""


def _named(known: Sequence[tuple[str, tuple[object, ...]]], entries: Sequence[object]) -> str:
    ids = set(map(id, entries))
    return next((name for name, marks in known if not ids.isdisjoint(map(id, marks))), "")


def name_registries(candidates: Sequence[Candidate]) -> None:
    """Fill in the text and owner of the interpreter's registries among containers without a name."""
    for found in candidates:
        if not found.text and not found.new:
            found.text = registry_name(found.thing)
            found.owner = found.thing
