"""What fixtures of other plugins gather with each pass of a body, and how it is undone.

A mock notes every call, a mocked transport every request, Django's test mail every
message; patches pile up. A repeated body would find what its last pass has left,
so each pass starts from what the fixtures had set up.

Knows those fixtures by their names and by the parts that are touched here; where a
part is missing, as in a version that was made otherwise, the fixture is left alone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pytest_reqleak.residues import mocks_of

FIXTURES = (
    "benchmark",
    "httpx_mock",
    "respx_mock",
    "mocker",
    "class_mocker",
    "module_mocker",
    "package_mocker",
    "session_mocker",
    "_django_db_helper",
    "settings",
    "aiohttp_client",
    "aiohttp_server",
    "aiohttp_raw_server",
)
"""Whose values are asked for, also where only another fixture uses them."""


class Neighbour(Protocol):
    """One fixture whose state belongs to one pass."""

    def empty(self) -> None:
        """Go back to what the fixtures had set up, before each pass but the first."""

    def restore(self) -> None:
        """Leave it as its own plugin expects it after the test."""


def neighbours_of(fixtures: Mapping[str, Any]) -> list[Neighbour]:
    """Find what must be undone between the passes of a test.

    Args:
        fixtures: Values of the test's fixtures by name.
    """
    found: list[Neighbour] = []
    for name, value in fixtures.items():
        if name.endswith("mocker") and isinstance(getattr(_cache_of(value), "cache", None), list):
            found.append(_Mocker(value))
        elif name == "respx_mock" and hasattr(value, "routes"):
            found.append(_Router(value))
        elif name == "httpx_mock" and hasattr(value, "_callbacks") and hasattr(value, "_requests"):
            found.append(_Transport(value))
        elif name == "benchmark" and hasattr(value, "_mode") and hasattr(value, "disabled"):
            found.append(_Benchmark(value))
        elif name == "settings" and isinstance(getattr(value, "_to_restore", None), list):
            found.append(_Settings(value))
        elif name == "_django_db_helper":
            found += [_Savepoint(connection) for connection in _django_connections()]
        elif name.startswith("aiohttp_") and inspect.isfunction(value):
            made = inspect.getclosurevars(value).nonlocals
            found += [
                _Opened(made[kind]) for kind in ("clients", "servers") if isinstance(made.get(kind), list)
            ]
    outbox = getattr(sys.modules.get("django.core.mail"), "outbox", None)
    if isinstance(outbox, list):
        found.append(_Outbox(outbox))
    found += [_Queries(log) for log in _query_logs()]
    return [*found, _Mocks(fixtures)]


class _Mocks:
    """Mocks that fixtures have made: each pass finds them as if they had never been called."""

    def __init__(self, fixtures: Mapping[str, Any]) -> None:
        self._fixtures = fixtures

    def empty(self) -> None:
        for mock in mocks_of(self._fixtures):
            mock.reset_mock()

    def restore(self) -> None:
        """The calls of the last pass are what is left."""


class _Mocker:
    """Patches that the body has made through pytest-mock."""

    def __init__(self, mocker: Any) -> None:
        self._cache = _cache_of(mocker).cache
        self._n_outer = len(self._cache)

    def empty(self) -> None:
        for entry in reversed(self._cache[self._n_outer :]):
            if entry.patch is not None:
                entry.patch.stop()
        del self._cache[self._n_outer :]

    def restore(self) -> None:
        """What the last pass has patched is undone by its own plugin."""


class _Router:
    """Routes and calls of respx."""

    def __init__(self, router: Any) -> None:
        self._router = router
        self._outer = type(router.routes)(router.routes)

    def empty(self) -> None:
        self._router.routes[:] = self._outer
        self._router.reset()

    def restore(self) -> None:
        """The last pass must have called its routes; its own plugin asserts that."""


class _Transport:
    """Responses and requests of pytest-httpx, whose responses serve once each."""

    def __init__(self, mock: Any) -> None:
        self._mock = mock
        self._outer = [(entry, getattr(entry[0], "nb_calls", 0)) for entry in mock._callbacks]

    def empty(self) -> None:
        self._mock._callbacks[:] = [entry for entry, _ in self._outer]
        for entry, n_calls in self._outer:
            entry[0].nb_calls = n_calls
        self._mock._requests.clear()
        getattr(self._mock, "_requests_not_matched", []).clear()

    def restore(self) -> None:
        """The last pass must have asked for its responses; its own plugin asserts that."""


class _Benchmark:
    """pytest-benchmark times the first pass; in the others its function is merely called."""

    def __init__(self, benchmark: Any) -> None:
        self._benchmark = benchmark
        self._outer = benchmark.disabled
        self._mode: Any = None

    def empty(self) -> None:
        # A benchmark refuses to be used twice in one test.
        self._mode = self._mode or self._benchmark._mode
        self._benchmark._mode = None
        self._benchmark.disabled = True

    def restore(self) -> None:
        self._benchmark.disabled = self._outer
        self._benchmark._mode = self._mode or self._benchmark._mode


class _Savepoint:
    """Rows that the body has written within the transaction of pytest-django's `db`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._sid = connection.savepoint()

    def empty(self) -> None:
        if self._connection.in_atomic_block:
            self._connection.needs_rollback = False
            self._connection.savepoint_rollback(self._sid)

    def restore(self) -> None:
        """The transaction is rolled back by its own plugin."""


class _Settings:
    """Django's settings that the body has changed through pytest-django's `settings`."""

    def __init__(self, settings: Any) -> None:
        self._changes = settings._to_restore
        self._n_outer = len(self._changes)

    def empty(self) -> None:
        for change in reversed(self._changes[self._n_outer :]):
            change.disable()
        del self._changes[self._n_outer :]

    def restore(self) -> None:
        """What the last pass has changed is undone by its own plugin."""


class _Queries:
    """Queries that Django notes under DEBUG and `assertNumQueries`, until the next request begins."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._n_outer = len(log)

    def empty(self) -> None:
        while len(self._log) > self._n_outer:
            self._log.pop()

    def restore(self) -> None:
        """Those of the last pass are what is left."""


class _Opened:
    """Clients and servers that the body has opened through aiohttp's fixtures, which close them late."""

    def __init__(self, opened: list[Any]) -> None:
        self._opened = opened
        self._n_outer = len(opened)

    def empty(self) -> None:
        for one in reversed(self._opened[self._n_outer :]):
            loop = getattr(getattr(one, "session", one), "_loop", None)
            if loop is None or loop.is_running() or loop.is_closed():
                return
            loop.run_until_complete(one.close())
            self._opened.remove(one)

    def restore(self) -> None:
        """What the last pass has opened is closed by its own plugin."""


class _Outbox:
    """Messages that Django's test backend keeps."""

    def __init__(self, outbox: list[Any]) -> None:
        self._outbox = outbox
        self._n_outer = len(outbox)

    def empty(self) -> None:
        del self._outbox[self._n_outer :]

    def restore(self) -> None:
        """Its own plugin empties it before the next test."""


def _cache_of(mocker: Any) -> Any:
    return getattr(mocker, "_mock_cache", None)


def _query_logs() -> Iterator[Any]:
    """Where each of Django's connections notes its queries."""
    database = sys.modules.get("django.db")
    if database is None or not sys.modules["django.conf"].settings.configured:
        return
    for connection in database.connections.all():
        log = getattr(connection, "queries_log", None)
        if hasattr(log, "pop"):
            yield log


def _django_connections() -> Iterator[Any]:
    """Django's connections whose transaction is rolled back after the test."""
    database = sys.modules.get("django.db")
    for connection in database.connections.all() if database is not None else ():
        if connection.in_atomic_block and connection.features.uses_savepoints:
            yield connection
