"""Turn the values that cross the channel into JSON and back.

Knows the frozen values of the model by their names and nothing else: an object
of any other type is refused on both sides, so no message can make one.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from enum import Enum
from types import ModuleType
from typing import Any

from pytest_reqleak.model import meter, sample

_KIND, _FIELDS, _WORD, _PAIRS = "kind", "fields", "word", "pairs"


class NotCodable(Exception):
    """A value, or a message, that the channel does not carry."""


def _named_types(modules: tuple[ModuleType, ...]) -> dict[str, type]:
    found = {}
    for module in modules:
        for name, value in vars(module).items():
            if not isinstance(value, type) or value.__module__ != module.__name__:
                continue
            if dataclasses.is_dataclass(value) or (issubclass(value, Enum) and len(value)):
                found[name] = value
    return found


# What a module of the model gains is carried without a change here.
_TYPES = _named_types((meter, sample))


@functools.cache
def _evidence_types() -> dict[str, type]:
    """Those that only evidence needs: where there is nothing to explain, they are not loaded."""
    from pytest_reqleak.model import finding, raw

    return _named_types((finding, raw))


def _type_named(name: str) -> type | None:
    return _TYPES.get(name) or _evidence_types().get(name)


def encode(value: Any) -> Any:
    """Make a JSON value of one of ours; tuples and lists become arrays.

    Raises:
        NotCodable: It is of a type that the channel does not carry.
    """
    if isinstance(value, Enum):
        return {_KIND: _name(value), _WORD: value.value}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [encode(entry) for entry in value]
    if isinstance(value, Mapping):
        return {_PAIRS: [[encode(key), encode(entry)] for key, entry in value.items()]}
    if dataclasses.is_dataclass(value):
        fields = {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {_KIND: _name(value), _FIELDS: fields}
    raise NotCodable(f"a {type(value).__qualname__} cannot cross the channel")


def decode(value: Any) -> Any:
    """Make one of our values of a JSON value; arrays become tuples.

    Raises:
        NotCodable: It names a type that the channel does not carry, or its fields are wrong.
    """
    if isinstance(value, list):
        return tuple(decode(entry) for entry in value)
    if not isinstance(value, dict):
        return value
    try:
        if _PAIRS in value:
            return {decode(key): decode(entry) for key, entry in value[_PAIRS]}
        kind: Any = _type_named(value[_KIND])
        if kind is None:
            raise NotCodable(f"{value[_KIND]!r} is no type of ours")
        if _WORD in value:
            return kind(value[_WORD])
        return kind(**{name: decode(entry) for name, entry in value[_FIELDS].items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotCodable(f"no value of ours: {type(error).__name__}: {error}") from error


def _name(value: Any) -> str:
    name = type(value).__name__
    if _type_named(name) is not type(value):
        raise NotCodable(f"a {type(value).__qualname__} cannot cross the channel")
    return name
