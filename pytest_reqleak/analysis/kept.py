"""Whether what stays can be what the lines say was made: `hmac.new(key, text).hexdigest()` leaves a text.

A line tells what it calls; what it leaves is told by the types that survive. Where none of them is of
the kind that a category is about, its remedy would send the reader the wrong way.

Knows names of types and categories; not who has counted the objects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pytest_reqleak.analysis.category import (
    ASYNCIO_FUTURE,
    ASYNCIO_TASK,
    ASYNCIO_TIMER,
    CLASS,
    DESCRIPTOR,
    HMAC,
    HTTP_CLIENT,
    IMPORT,
    JINJA2,
    JSON,
    LOGGING,
    NUMPY,
    OPENTELEMETRY,
    PROMETHEUS,
    PYDANTIC_MODEL,
    PYTHON,
    REGEX,
    REQUEST_DATA,
    SQLALCHEMY_CACHE_KEY,
    SQLALCHEMY_COMPILED,
    SQLALCHEMY_IDENTITY,
    SSL,
    STARLETTE_REQUEST,
    TRACEBACK,
    WARNINGS,
    WERKZEUG_REQUEST,
    Category,
)
from pytest_reqleak.model.finding import Holder, TypeGrowth

# Names of types: the beginning where it ends in a star, the end where it begins with one.
_SIGNS: dict[Category, tuple[str, ...]] = {
    ASYNCIO_FUTURE: ("asyncio.*", "_asyncio.*"),
    ASYNCIO_TASK: ("asyncio.*", "_asyncio.*", "coroutine"),
    ASYNCIO_TIMER: ("asyncio.*", "_asyncio.*", "uvloop.*"),
    CLASS: ("type", "*Meta", "*Metaclass", "*Type"),
    DESCRIPTOR: (
        *(
            "_io.FileIO",
            "_io.BufferedReader",
            "_io.BufferedWriter",
            "_io.BufferedRandom",
            "_io.TextIOWrapper",
        ),
        *("socket.*", "_socket.*", "tempfile._*", "ssl.*", "select.*", "selectors.*"),
    ),
    HMAC: ("hmac.*", "_hmac.*", "hashlib.*", "_hashlib.*", "_blake2.*", "_md5.*", "_sha*", "cryptography.*"),
    HTTP_CLIENT: ("httpx.*", "httpcore.*", "aiohttp.*", "requests.*", "urllib3.*", "http.*"),
    IMPORT: ("module", "code", "function", "type"),
    JINJA2: ("jinja2.*", "code"),
    JSON: ("dict", "list"),
    LOGGING: ("logging.*", "loguru.*", "structlog.*"),
    NUMPY: ("numpy.*",),
    OPENTELEMETRY: ("opentelemetry.sdk.metrics.*", "opentelemetry.metrics.*"),
    PROMETHEUS: ("prometheus_client.*",),
    REGEX: ("re.*",),
    SQLALCHEMY_CACHE_KEY: ("sqlalchemy.sql.cache_key.*", "*Compiler", "*Compiled"),
    SQLALCHEMY_COMPILED: ("*Compiler", "*Compiled"),
    SQLALCHEMY_IDENTITY: ("sqlalchemy.orm.*",),
    SSL: ("ssl.*", "_ssl.*", "OpenSSL.*"),
    STARLETTE_REQUEST: ("*Request", "*WebSocket", "starlette.requests.*"),
    TRACEBACK: ("traceback", "frame"),
    WERKZEUG_REQUEST: ("*Request", "flask.ctx.*"),
}

# Hooks and handlers are the user's own; it is where they hang that tells what they are.
_BY_THE_WAY = frozenset({HTTP_CLIENT, LOGGING})

_REQUESTS = frozenset({STARLETTE_REQUEST, WERKZEUG_REQUEST})

# A traceback for every other entry is what the entries are about.
_TRACED_SHARE = 0.5


class Kept:
    """What survives, as far as its types are known."""

    def __init__(self, types: Sequence[TypeGrowth] = (), holders: Sequence[Holder] = ()) -> None:
        """Take what was counted.

        Args:
            types: That survive; empty: nothing is known, and everything is borne out.
            holders: What keeps it.
        """
        self._known = bool(types)
        self._names = {growth.type for growth in types}
        self._names.update(holder.entry for holder in holders if holder.entry)
        self._paths = [holder.path for holder in holders]
        self._way = {link.type for holder in holders for link in holder.links}
        rate = max((holder.growth_per_iteration for holder in holders[:1]), default=0.0)
        self.tracebacks = any(
            growth.type == "traceback" and growth.per_iteration >= _TRACED_SHARE * rate for growth in types
        )
        """Whether what the first holder gets are exceptions with all that led to them."""

    def borne_out(self, category: Category) -> Category:
        """The category, or what is left of it where nothing of that kind survives."""
        if self.tracebacks and category in _REQUESTS:
            return TRACEBACK
        if not self._known or self._is_among(category):
            return category
        return REQUEST_DATA if category in _REQUESTS else PYTHON

    def _is_among(self, category: Category) -> bool:
        if category is PYDANTIC_MODEL:
            return any("." in name for name in self._names)
        if category is WARNINGS:
            # Warnings that a program catches and keeps are nobody's registry.
            return not self._paths or any("__warningregistry__" in path for path in self._paths)
        signs = _SIGNS.get(category)
        if signs is None or _any_of(signs, self._names):
            return True
        return category in _BY_THE_WAY and _any_of(signs, self._way)


def _any_of(signs: Iterable[str], names: Collection[str]) -> bool:
    return any(_is_sign(sign, name) for sign in signs for name in names)


def _is_sign(sign: str, name: str) -> bool:
    if sign.startswith("*"):
        return name.endswith(sign[1:])
    return name.startswith(sign[:-1]) if sign.endswith("*") else name == sign
